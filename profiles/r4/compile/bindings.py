"""Codes of the value sets that elements are bound to with strength `required`.

https://hl7.org/fhir/R4/valueset.html#expansion. A value set is finite here when every
part of it is enumerated in the package; the others are listed as open with the reason,
and their codes are not checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from profiles.r4.compile.definitions import Definitions, Json, r4_elements
from profiles.r4.compile.elements import required_value_set

#: Code system → its codes.
Codes = dict[str, set[str]]


class OpenValueSetError(Exception):
    """The value set cannot be enumerated from the package."""


def compile_bindings(definitions: Definitions) -> dict[str, Any]:
    """Return {"finite": {url: {system: [codes]}}, "open": {url: reason}}."""
    finite: dict[str, dict[str, list[str]]] = {}
    unenumerated: dict[str, str] = {}
    for url in _bound(definitions):
        try:
            codes = expand(definitions, url)
        except OpenValueSetError as reason:
            unenumerated[url] = str(reason)
        else:
            finite[url] = {system: sorted(found) for system, found in sorted(codes.items())}
    return {"finite": finite, "open": unenumerated}


def _bound(definitions: Definitions) -> list[str]:
    return sorted(
        {
            required_value_set(element)
            for name, structure in definitions.structures.items()
            if structure["kind"] != "primitive-type"
            for element, _ in r4_elements(definitions, name)
        }
        - {""}
    )


def expand(definitions: Definitions, url: str) -> Codes:
    """Enumerate a value set; raises OpenValueSetError where the package cannot."""
    value_set = definitions.value_sets.get(url)
    if value_set is None:
        raise OpenValueSetError("value set not in the package")
    compose = value_set.get("compose", {})
    codes: Codes = {}
    for part in compose.get("include", ()):
        for system, found in _part(definitions, part).items():
            codes.setdefault(system, set()).update(found)
    for part in compose.get("exclude", ()):
        for system, found in _part(definitions, part).items():
            codes.get(system, set()).difference_update(found)
    return codes


def _part(definitions: Definitions, part: Json) -> Codes:
    """One include or exclude: what its system says and all its value sets contain."""
    if "filter" in part:
        raise OpenValueSetError("filter on a code system")
    sets = [expand(definitions, url.partition("|")[0]) for url in part.get("valueSet", ())]
    if "system" in part:
        sets.append({part["system"]: set(_system_codes(definitions, part))})
    common = sets[0]
    for other in sets[1:]:
        common = {system: common[system] & other[system] for system in common.keys() & other.keys()}
    return common


def _system_codes(definitions: Definitions, part: Json) -> Iterator[str]:
    if "concept" in part:
        yield from (concept["code"] for concept in part["concept"])
        return
    system = definitions.code_systems.get(part["system"])
    if system is None or system.get("content") != "complete":
        raise OpenValueSetError("code system not in the package")
    yield from _nested(system.get("concept", ()))


def _nested(concepts: list[Json]) -> Iterator[str]:
    for concept in concepts:
        yield concept["code"]
        yield from _nested(concept.get("concept", []))
