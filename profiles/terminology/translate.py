"""`$translate`: from a code to codes of another system, by ConceptMaps.

https://hl7.org/fhir/R4/conceptmap.html, https://hl7.org/fhir/R4/conceptmap-operation-translate.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from profiles.packages import Package, Packages
from profiles.reading.limits import refused
from profiles.terminology.answers import Match, Translated, not_found
from profiles.terminology.concept import Json

#: `other-map` leads from map to map.
_MOST_MAPS = 10
#: Equivalence seen from the other side.
_REVERSED = {
    "wider": "narrower",
    "narrower": "wider",
    "subsumes": "specializes",
    "specializes": "subsumes",
}
#: Finds a ConceptMap by canonical URL.
Find = Callable[[str], "ConceptMap | None"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What is to be translated."""

    system: str
    code: str
    version: str = ""
    #: Only targets of this system; empty takes all.
    target: str = ""


@dataclass(frozen=True, slots=True)
class _Group:
    source: str
    source_version: str
    target: str
    target_version: str
    #: Source code → its targets as they are written.
    elements: dict[str, list[Json]]
    #: Target code → (source code, display of the source, target as it is written).
    reverse: dict[str, list[tuple[str, str, Json]]]
    unmapped: Json


class ConceptMap:
    """A ConceptMap, indexed in both directions."""

    def __init__(self, resource: Json) -> None:
        """Index the groups; what is not of the right JSON type counts as absent."""
        url, version = _text(resource, "url"), _text(resource, "version")
        self.canonical = f"{url}|{version}" if version else url
        self.source = _text(resource, "sourceUri") or _text(resource, "sourceCanonical")
        self.target = _text(resource, "targetUri") or _text(resource, "targetCanonical")
        self._groups = [_group(one) for one in _objects(resource.get("group"))]

    def leads(self, asked: Code, *, reverse: bool) -> bool:
        """Say whether it has anything about the systems that are asked for."""
        ways = [(one.source, one.target) for one in self._groups]
        if reverse:
            ways = [(target, source) for source, target in ways]
        return any(
            source == asked.system and asked.target in {"", target} for source, target in ways
        )

    def forward(self, asked: Code, find: Find) -> Iterator[Match]:
        """Yield what a code maps to. Raises NotConformant for maps that lead in circles."""
        yield from self._forward(asked, find, ())

    def backward(self, asked: Code) -> Iterator[Match]:
        """Yield what maps to a code, with the equivalence seen from there."""
        for group in self._groups:
            if group.target != asked.system or not _same(group.target_version, asked.version):
                continue
            if asked.target and group.source != asked.target:
                continue
            for code, display, target in group.reverse.get(asked.code, ()):
                said = _text(target, "equivalence") or "equivalent"
                yield Match(
                    equivalence=_REVERSED.get(said, said),
                    system=group.source,
                    version=group.source_version,
                    code=code,
                    display=display,
                    comment=_text(target, "comment"),
                    source=self.canonical,
                )

    def _forward(self, asked: Code, find: Find, seen: tuple[str, ...]) -> Iterator[Match]:
        if self.canonical in seen or len(seen) >= _MOST_MAPS:
            raise refused("the concept maps lead in a circle", code="business-rule")
        for group in self._groups:
            if group.source != asked.system or not _same(group.source_version, asked.version):
                continue
            if asked.target and group.target != asked.target:
                continue
            if asked.code in group.elements:
                targets = group.elements[asked.code]
                yield from (self._match(group, one) for one in targets)
            else:
                yield from self._unmapped(group, asked, find, seen)

    def _match(self, group: _Group, target: Json) -> Match:
        return Match(
            equivalence=_text(target, "equivalence") or "equivalent",
            system=group.target,
            version=group.target_version,
            code=_text(target, "code"),
            display=_text(target, "display"),
            comment=_text(target, "comment"),
            source=self.canonical,
            depends_on=tuple(_objects(target.get("dependsOn"))),
            product=tuple(_objects(target.get("product"))),
        )

    def _unmapped(
        self, group: _Group, asked: Code, find: Find, seen: tuple[str, ...]
    ) -> Iterator[Match]:
        mode = _text(group.unmapped, "mode")
        if mode == "other-map":
            other = find(_text(group.unmapped, "url"))
            if other is not None:
                yield from other._forward(asked, find, (*seen, self.canonical))  # noqa: SLF001 - same class
            return
        code = {"provided": asked.code, "fixed": _text(group.unmapped, "code")}.get(mode, "")
        if code:
            yield Match(
                equivalence="equal" if mode == "provided" else "inexact",
                system=group.target,
                version=group.target_version,
                code=code,
                display=_text(group.unmapped, "display") if mode == "fixed" else "",
                source=self.canonical,
            )


class ConceptMaps:
    """The ConceptMaps of packages, as one of them (or nobody) sees them."""

    def __init__(self, packages: Packages, requester: Package | None) -> None:
        """Index nothing yet."""
        self._packages = packages
        self._requester = requester
        self._read: dict[str, ConceptMap] = {}

    def translate(self, canonical: str, asked: Code, *, reverse: bool) -> Translated:
        """Translate a code by one map, or by all that know its system when none is named.

        Raises NotSupported (not-found), NotConformant for maps that lead in circles.
        """
        maps = [self._named(canonical)] if canonical else self._between(asked, reverse=reverse)
        matches = tuple(
            match
            for one in maps
            for match in (one.backward(asked) if reverse else one.forward(asked, self.find))
        )
        return Translated(matches=matches, message="" if matches else "nothing maps this code")

    def _named(self, canonical: str) -> ConceptMap:
        found = self.find(canonical)
        if found is None:
            raise not_found("the concept map is not available")
        return found

    def _between(self, asked: Code, *, reverse: bool) -> list[ConceptMap]:
        """Return the maps between two systems, each in its nearest version."""
        urls = dict.fromkeys(one.entry.url for one in self._packages.all("ConceptMap"))
        maps = [one for url in urls if url and (one := self.find(url)) is not None]
        found = [one for one in maps if one.leads(asked, reverse=reverse)]
        if not found:
            raise not_found("no concept map is available for these code systems")
        return found

    def find(self, canonical: str) -> ConceptMap | None:
        """Return a ConceptMap by canonical URL."""
        if canonical not in self._read:
            found = self._packages.find(
                canonical, requester=self._requester, resource_type="ConceptMap"
            )
            if found is None or not found.exact:
                return None
            self._read[canonical] = ConceptMap(found.resource())
        return self._read[canonical]


def _group(entry: Json) -> _Group:
    elements: dict[str, list[Json]] = {}
    reverse: dict[str, list[tuple[str, str, Json]]] = {}
    for element in _objects(entry.get("element")):
        code = _text(element, "code")
        targets = _objects(element.get("target"))
        elements.setdefault(code, []).extend(targets)
        for target in targets:
            if _text(target, "code"):
                found = (code, _text(element, "display"), target)
                reverse.setdefault(_text(target, "code"), []).append(found)
    unmapped = entry.get("unmapped")
    return _Group(
        source=_text(entry, "source"),
        source_version=_text(entry, "sourceVersion"),
        target=_text(entry, "target"),
        target_version=_text(entry, "targetVersion"),
        elements=elements,
        reverse=reverse,
        unmapped=unmapped if isinstance(unmapped, dict) else {},
    )


def _same(said: str, asked: str) -> bool:
    return not said or not asked or said == asked


def _objects(value: Any) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(content: Json, member: str) -> str:
    value = content.get(member)
    return value if isinstance(value, str) else ""
