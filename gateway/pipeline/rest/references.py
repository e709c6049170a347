"""References between the entries of a Bundle (https://hl7.org/fhir/R4/bundle.html#references)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from profiles.issue import NotConformant
from profiles.validate.structure import resource_types

Resource = dict[str, Any]

_RESTFUL = re.compile(r"(.+/)?([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})\Z")
_LINK = re.compile(r"""((?:href|src)\s*=\s*)(["'])([^"']*)\2""")
#: Members whose values are addresses though they are not called so.
_ADDRESSES = frozenset(
    {"url", "uri", "valueUuid", "valueOid", "valueCanonical", "instantiatesCanonical"}
)


@dataclass(slots=True)
class Names:
    """What entries are called in the Bundle, and what they are called afterwards."""

    #: fullUrl → `Type/id`.
    known: dict[str, str] = field(default_factory=dict)

    def add(self, full_url: str, name: str) -> None:
        """Remember an entry."""
        self.known[full_url] = name

    def find(self, written: str, base: str) -> str | None:
        """Return what a reference names now; `base` is that of the entry it stands in."""
        plain, mark, fragment = written.partition("#")
        found = self.known.get(plain)
        if found is None and base and _RESTFUL.match(plain) is not None:
            found = self.known.get(base + plain)
        if found is None:
            return None
        return f"{found}{mark}{fragment}"


def rewrite(resource: Resource, names: Names, full_url: str) -> None:
    """Give every reference to an entry of the Bundle the id that entry gets."""
    if not names.known:
        return
    found = _RESTFUL.match(full_url)
    base = (found[1] or "") if found is not None else ""
    for one in _objects(resource):
        _readdress(one, names, base)


def conditional_references(resource: Resource) -> Iterator[Resource]:
    """Yield every Reference that names its target by a search.

    Raises NotConformant for one that names no resource type.
    """
    for one in _objects(resource):
        written = one.get("reference")
        if not isinstance(written, str) or "?" not in written:
            continue
        named = written.partition("?")[0]
        if named in resource_types():
            yield one
        elif named.isalpha():
            raise NotConformant("A conditional reference names a resource type of FHIR R4.")


def _objects(value: Any) -> Iterator[Resource]:
    """Yield every JSON object below a value, itself included."""
    if isinstance(value, dict):
        yield value
        for child in value.values():
            if isinstance(child, dict | list):
                yield from _objects(child)
    elif isinstance(value, list):
        for child in value:
            if isinstance(child, dict | list):
                yield from _objects(child)


def _readdress(one: Resource, names: Names, base: str) -> None:
    for member, text in one.items():
        if not isinstance(text, str):
            continue
        if member == "reference":
            one[member] = names.find(text, base) or text
        elif member in _ADDRESSES or member.endswith(("Uri", "Url")):
            one[member] = names.find(text, "") or text
        elif member == "div" and ("href" in text or "src" in text):
            one[member] = _LINK.sub(lambda link: _linked(link, names), text)


def _linked(link: re.Match[str], names: Names) -> str:
    found = names.find(link[3], "")
    return link[0] if found is None else f"{link[1]}{link[2]}{found}{link[2]}"
