"""The part of one code system that an include or exclude takes.

https://hl7.org/fhir/R4/valueset-definitions.html#ValueSet.compose.include
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from profiles.terminology.concept import CodeSystem, Concept, Indexed, Json
from profiles.terminology.extent import EMPTY, Answer, Extent, Finite, Rule, union
from profiles.terminology.filters import Filter, names_hierarchy, read_filter
from profiles.terminology.grammar import canonical_unit


def extent_of(entry: Json, system: CodeSystem | None, canonical: str) -> Extent:
    """Return which codes of the system the entry takes.

    Listed codes belong to it whether the code system is there or not. Raises NotConformant for
    filters that cannot be read.
    """
    if entry.get("concept"):
        return Finite(_listed(entry["concept"]))
    url = canonical.partition("|")[0]
    filters = [read_filter(one, url) for one in _objects(entry.get("filter"))]
    if system is None or system.header.content in {"not-present", "supplement"}:
        return _rest(None, filters, canonical)
    if not system.is_enumerable:
        return _by_grammar(system, filters, canonical)
    if not all(one.decided_by(system) for one in filters):
        return _rest(None, filters, canonical)
    found = _filtered(system, filters)
    if system.header.content == "complete":
        return found
    if any(one.denies for one in filters):
        return _rest(None, filters, canonical)
    return union(found, _rest(system, filters, canonical))


def inactive_codes(system: CodeSystem) -> Extent:
    """Return the codes of a system that are known to be inactive."""
    if not system.is_enumerable:
        return EMPTY
    return _filtered(system, [Filter("inactive", "=", "true")])


def _filtered(system: CodeSystem, filters: list[Filter]) -> Extent:
    if system.is_small:
        keeps = [one.keeps(system) for one in filters]
        found = [code for code in system.codes() if all(keep(code) for keep in keeps)]
        return Finite(dict.fromkeys(found, ""))

    if not filters:
        size = system.size if isinstance(system, Indexed) else None
        return Rule(lambda code: system.concept(code) is not None, system.codes, size=size)

    def test(code: str) -> Answer:
        return _takes(system, filters, code)

    def each() -> Iterator[str]:
        found, others = _candidates(system, filters)
        if not others and not any(names_hierarchy(one) or one.asks_code for one in filters):
            return iter(found)
        return (code for code in found if _takes(system, others, code))

    return Rule(test, each)


def _rest(system: CodeSystem | None, filters: list[Filter], canonical: str) -> Extent:
    """What is not there: unknown, but for what the code alone or the system's form decides."""
    of_code = [one for one in filters if one.asks_code]

    def test(code: str) -> Answer:
        if system is not None and system.header.has_all_like(code):
            return False
        bare = Concept(code)
        return None if all(one.fits(bare) for one in of_code) else False

    return Rule(test, lambda: iter(()), frozenset({canonical}))


def _takes(system: CodeSystem, filters: list[Filter], code: str) -> bool:
    concept = system.concept(code)
    return concept is not None and all(one.test(system, concept) for one in filters)


def _candidates(system: CodeSystem, filters: list[Filter]) -> tuple[Iterable[str], list[Filter]]:
    """Return codes that fulfil one filter, and the filters that are left to test."""
    for one in filters:
        found = one.candidates(system)
        if found is not None:
            return found, [other for other in filters if other is not one]
    return system.codes(), filters


def _by_grammar(system: CodeSystem, filters: list[Filter], canonical: str) -> Extent:
    """A grammar decides membership; its codes cannot be listed."""
    tests = [found for one in filters if (found := _of_code(one))]
    if len(tests) < len(filters):
        return _rest(None, filters, canonical)

    def test(code: str) -> Answer:
        return system.concept(code) is not None and all(one(code) for one in tests)

    return Rule(test, system.codes, endless=True)


def _of_code(one: Filter) -> Callable[[str], bool] | None:
    if one.asks_code:
        return lambda code: one.fits(Concept(code))
    return canonical_unit(one)


def _listed(value: Any) -> dict[str, str]:
    """Listed codes with the display the value set gives them."""
    return {
        one["code"]: one["display"] if isinstance(one.get("display"), str) else ""
        for one in _objects(value)
        if isinstance(one.get("code"), str)
    }


def _objects(value: Any) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
