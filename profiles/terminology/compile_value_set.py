"""From a ValueSet resource to `Compiled`.

https://hl7.org/fhir/R4/valueset.html#compositions, https://hl7.org/fhir/R4/snomedct.html#implicit
(implicit value sets), https://hl7.org/fhir/R4/loinc.html#implicit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from operator import and_, or_
from typing import Any

from profiles.packages import Found, Package
from profiles.reading.limits import refused
from profiles.terminology.code_system import designations
from profiles.terminology.compose import NOBODY, Compiled, Members, folded, tables_of
from profiles.terminology.concept import CodeSystem, Designation, Json
from profiles.terminology.extent import EMPTY, Extent, Finite, unknown
from profiles.terminology.implicit import implicit_compose
from profiles.terminology.sources import Sources
from profiles.terminology.system_extent import extent_of, inactive_codes

#: Value sets in value sets in value sets.
_DEEPEST = 30
#: System → version that the question names; counts where the value set pins none.
Pins = Mapping[str, str]


@dataclass(slots=True)
class _Gathered:
    """What compiling finds out beside the members."""

    defined: dict[str, list[CodeSystem]] = field(default_factory=dict)
    pinned: dict[str, set[str]] = field(default_factory=dict)
    designations: dict[tuple[str, str], tuple[Designation, ...]] = field(default_factory=dict)


class Compiler:
    """Compiles one value set and those it includes."""

    def __init__(self, sources: Sources, pins: Pins) -> None:
        """Take the pins of the question."""
        self._sources = sources
        self._pins = pins
        self._open: list[str] = []
        self._gathered = _Gathered()
        self._done: dict[tuple[str, str], Members] = {}

    def compile(self, canonical: str, requester: Package | None = None) -> Compiled | None:
        """Return a value set by canonical URL, None when nobody defines it.

        Raises NotConformant for value sets that include themselves, filters R4 does not know and
        patterns that may not end.
        """
        found = self._sources.value_set(canonical, requester)
        if found is not None:
            resource = found.resource()
            self._open.append(found.canonical)
            return self._compiled(found.canonical, resource, found.package)
        compose = implicit_compose(canonical, self._sources)
        if compose is None:
            return None
        return self._compiled(canonical, {"compose": compose}, requester)

    def compile_resource(self, resource: Json, requester: Package | None = None) -> Compiled:
        """Compile a value set that lies in no package."""
        url = resource.get("url")
        name = url if isinstance(url, str) else ""
        self._open.append(name)
        return self._compiled(name, resource, requester)

    def _compiled(self, canonical: str, resource: Json, package: Package | None) -> Compiled:
        members = self._of_resource(resource, package)
        return Compiled(
            canonical=canonical,
            members=members,
            defined={name: tuple(found) for name, found in self._gathered.defined.items()},
            pinned={name: frozenset(found) for name, found in self._gathered.pinned.items()},
            designations=self._gathered.designations,
            takes_inactive=_object(resource.get("compose")).get("inactive") is not False,
            tables=tables_of(members),
        )

    def _of_resource(self, resource: Json, package: Package | None) -> Members:
        compose = resource.get("compose")
        if not isinstance(compose, dict):
            return _expanded(resource.get("expansion"))
        members = self._of_entries(compose.get("include"), package)
        members -= self._of_entries(compose.get("exclude"), package)
        if compose.get("inactive") is False:
            members -= self._inactive(members)
        return members

    def _of_entries(self, entries: Any, package: Package | None) -> Members:
        return folded([self._of_include(one, package) for one in _objects(entries)], or_)

    def _of_include(self, entry: Json, package: Package | None) -> Members:
        parts = [self._of_value_set(one, package) for one in _texts(entry.get("valueSet"))]
        if isinstance(url := entry.get("system"), str):
            parts.insert(0, Members({url: self._of_system(url, entry, package)}))
        if not parts:
            raise refused("a value set includes neither a system nor a value set", code="required")
        return folded(parts, and_)

    def _of_system(self, url: str, entry: Json, package: Package | None) -> Extent:
        said = entry.get("version")
        version = said if isinstance(said, str) and said != "*" else ""
        self._gathered.pinned.setdefault(url, set()).add(version)
        version = version or self._pins.get(url, "")
        system = self._sources.code_system(url, version, package)
        if system is not None:
            known = self._gathered.defined.setdefault(url, [])
            if not any(one is system for one in known):
                known.append(system)
        for concept in _objects(entry.get("concept")):
            if said := tuple(designations(concept)):
                self._gathered.designations[(url, str(concept.get("code")))] = said
        return extent_of(entry, system, f"{url}|{version}" if version else url)

    def _of_value_set(self, canonical: str, package: Package | None) -> Members:
        key = (canonical, package.key if package else "")
        if key not in self._done:
            self._done[key] = self._nested(canonical, package)
        return self._done[key]

    def _nested(self, canonical: str, package: Package | None) -> Members:
        found = self._sources.value_set(canonical, package)
        if found is None:
            compose = implicit_compose(canonical, self._sources)
            if compose is None:
                return Members({}, unknown(canonical))
            return self._of_resource({"compose": compose}, package)
        self._enter(found)
        members = self._of_resource(found.resource(), found.package)
        self._open.pop()
        return members

    def _enter(self, found: Found) -> None:
        if found.canonical in self._open:
            raise refused("the value set includes itself", code="business-rule")
        if len(self._open) >= _DEEPEST:
            raise refused("value sets include each other too deeply", code="too-costly")
        self._open.append(found.canonical)

    def _inactive(self, members: Members) -> Members:
        """Codes known to be inactive; where a code system is not there, none are."""
        known = [
            Members({url: inactive_codes(system)})
            for url in members.systems
            for system in self._gathered.defined.get(url, ())
        ]
        return folded(known, or_)


def _expanded(expansion: Any) -> Members:
    """Members of a value set that has only an expansion: its `contains`, nested ones too."""
    found: dict[str, dict[str, str]] = {}
    if not isinstance(expansion, dict):
        return NOBODY
    for entry in _contained(expansion):
        system, code = entry.get("system"), entry.get("code")
        if isinstance(system, str) and isinstance(code, str) and entry.get("abstract") is not True:
            found.setdefault(system, {}).setdefault(code, str(entry.get("display") or ""))
    return Members({system: Finite(codes) if codes else EMPTY for system, codes in found.items()})


def _contained(expansion: Json) -> Iterator[Json]:
    waiting = list(reversed(_objects(expansion.get("contains"))))
    while waiting:
        entry = waiting.pop()
        yield entry
        waiting.extend(reversed(_objects(entry.get("contains"))))


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
