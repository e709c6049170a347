"""A code system in memory, made from a CodeSystem resource.

https://hl7.org/fhir/R4/codesystem.html. The hierarchy is the union of nesting and the properties
`parent`, `subsumedBy` and `child`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property
from typing import Any

from profiles.terminology.concept import Concept, Content, Designation, Header, Json, Property

_CONTENTS: dict[str, Content] = {
    "complete": "complete",
    "fragment": "fragment",
    "example": "example",
    "not-present": "not-present",
    "supplement": "supplement",
}
_STANDARD = "http://hl7.org/fhir/concept-properties#"
_INACTIVE = frozenset({"inactive", "retired"})
#: Properties every code system has, whether it declares them or not.
IMPLIED = frozenset(
    {"code", "concept", "display", "definition", "parent", "child", "inactive", "notSelectable"}
)
_ABOVE = frozenset({"parent", "subsumedBy"})


class ResourceCodeSystem:
    """A CodeSystem resource, indexed by code."""

    is_small = True
    is_enumerable = True

    def __init__(self, resource: Json, *, whole: str = "") -> None:
        """Read the resource; what is not of the right JSON type counts as absent.

        `whole` is `Header.whole`.
        """
        self._meanings = _meanings(resource)
        self._concepts: dict[str, Concept] = {}
        self._parents: dict[str, tuple[str, ...]] = {}
        self._read(_objects(resource.get("concept")))
        self._header = Header(
            url=_text(resource, "url"),
            version=_text(resource, "version"),
            name=_text(resource, "title") or _text(resource, "name"),
            content=_CONTENTS.get(_text(resource, "content"), "complete"),
            case_sensitive=_case(resource.get("caseSensitive"), self._concepts),
            hierarchy_meaning=_text(resource, "hierarchyMeaning"),
            value_set=_text(resource, "valueSet"),
            language=_text(resource, "language"),
            whole=whole,
        )

    @property
    def header(self) -> Header:
        """What it says about itself."""
        return self._header

    def concept(self, code: str) -> Concept | None:
        """Return the concept with exactly this code."""
        return self._concepts.get(code)

    def written(self, code: str) -> str:
        """Return the code as the code system writes it, where case is free."""
        if code in self._concepts or self._header.case_sensitive:
            return code
        return self.folded.get(code.casefold(), code)

    @cached_property
    def folded(self) -> dict[str, str]:
        """Codes by what is left of them without case."""
        found: dict[str, str] = {}
        for code in self._concepts:
            found.setdefault(code.casefold(), code)
        return found

    def codes(self) -> Iterator[str]:
        """Go through all codes as they are defined, parents before children."""
        return iter(self._concepts)

    def parents(self, code: str) -> tuple[str, ...]:
        """Return the codes right above."""
        return self._parents.get(code, ())

    def children(self, code: str) -> tuple[str, ...]:
        """Return the codes right below."""
        return self._children.get(code, ())

    def knows(self, name: str) -> bool:
        """Whether a filter may name this property."""
        return name in IMPLIED or name in self._meanings or name in self._used

    @cached_property
    def _used(self) -> frozenset[str]:
        return frozenset(p.code for one in self._concepts.values() for p in one.properties)

    @cached_property
    def _children(self) -> dict[str, tuple[str, ...]]:
        below: dict[str, list[str]] = {}
        for child, parents in self._parents.items():
            for parent in parents:
                below.setdefault(parent, []).append(child)
        return {parent: tuple(children) for parent, children in below.items()}

    def _read(self, roots: list[Json]) -> None:
        """Walk without recursion, in the order of the resource."""
        above: dict[str, dict[str, None]] = {}
        waiting: list[tuple[Json, str]] = [(one, "") for one in reversed(roots)]
        while waiting:
            entry, parent = waiting.pop()
            code = entry.get("code")
            if not isinstance(code, str):
                continue
            if code not in self._concepts:
                self._concepts[code] = self._concept(code, entry)
            if parent:
                above.setdefault(code, {})[parent] = None
            self._read_relations(code, above)
            waiting.extend((one, code) for one in reversed(_objects(entry.get("concept"))))
        self._parents = {
            code: tuple(one for one in parents if one in self._concepts and one != code)
            for code, parents in above.items()
        }

    def _read_relations(self, code: str, above: dict[str, dict[str, None]]) -> None:
        for one in self._concepts[code].properties:
            meaning = self._meanings.get(one.code, one.code)
            if meaning in _ABOVE:
                above.setdefault(code, {})[one.text] = None
            elif meaning == "child":
                above.setdefault(one.text, {})[code] = None

    def _concept(self, code: str, entry: Json) -> Concept:
        properties = tuple(_properties(entry))
        meant = {self._meanings.get(one.code, one.code): one.text for one in properties}
        return Concept(
            code=code,
            display=_text(entry, "display"),
            definition=_text(entry, "definition"),
            inactive=meant.get("inactive") == "true" or meant.get("status") in _INACTIVE,
            abstract=meant.get("notSelectable") == "true",
            properties=properties,
            designations=tuple(designations(entry)),
        )


def designations(entry: Json) -> Iterator[Designation]:
    """Yield the designations of a concept of a CodeSystem, ValueSet or supplement."""
    for one in _objects(entry.get("designation")):
        if value := _text(one, "value"):
            use = one.get("use")
            code = _text(use, "code") if isinstance(use, dict) else ""
            yield Designation(value, _text(one, "language"), code)


def _properties(entry: Json) -> Iterator[Property]:
    for one in _objects(entry.get("property")):
        value = next((one[name] for name in one if name.startswith("value")), None)
        if isinstance(value, dict):
            value = value.get("code")
        if isinstance(value, str | bool | int | Decimal):
            yield Property(_text(one, "code"), value)


def _meanings(resource: Json) -> dict[str, str]:
    """Declared properties: code → the standard's name for it, or the code itself."""
    return {
        _text(one, "code"): _text(one, "uri").removeprefix(_STANDARD)
        if _text(one, "uri").startswith(_STANDARD)
        else _text(one, "code")
        for one in _objects(resource.get("property"))
    }


def _case(said: Any, concepts: dict[str, Concept]) -> bool | None:
    """A system that has codes which differ in case alone is case sensitive, whatever it says."""
    if said is True or len({code.casefold() for code in concepts}) < len(concepts):
        return True
    return False if said is False else None


def _objects(value: Any) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(content: Json, member: str) -> str:
    value = content.get(member)
    return value if isinstance(value, str) else ""
