"""Filters of a value set: which concepts of a code system fulfil `property op value`.

https://hl7.org/fhir/R4/valueset-filter-operator.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from profiles.fhirpath import regex
from profiles.issue import NotConformant
from profiles.reading.limits import refused
from profiles.terminology.concept import (
    CodeSystem,
    Concept,
    Indexed,
    Json,
    ancestors,
    descendants,
    is_a,
)

#: Our name for "in a reference set" and "in an answer list".
MEMBER_OF = "member-of"
#: (code system, property, operator) with a meaning of its own → the filter that says the same.
#: https://hl7.org/fhir/R4/snomedct.html#filters, https://hl7.org/fhir/R4/loinc.html#filters.
_OWN = {
    ("http://snomed.info/sct", "concept", "in"): ("refset", MEMBER_OF),
    ("http://loinc.org", "LIST", "="): ("LIST", MEMBER_OF),
    ("http://loinc.org", "ancestor", "="): ("concept", "descendent-of"),
}
#: A text longer than this is not matched against a regular expression.
_LONGEST_TEXT = 1_000
#: Codes that one `in` filter may list.
_MOST_LISTED = 10_000
#: (code system, concept, value of the filter) → whether it is fulfilled.
Test = Callable[[CodeSystem, Concept, str], bool]


@dataclass(frozen=True, slots=True)
class Filter:
    """One compose.include.filter."""

    name: str
    op: str
    value: str

    def test(self, system: CodeSystem, concept: Concept) -> bool:
        """Say whether a concept fulfils it. Raises NotConformant for a pattern that may not end."""
        if self.op in _HIERARCHY:
            return _HIERARCHY[self.op](system, concept, self.value)
        if self.op == MEMBER_OF:
            return isinstance(system, Indexed) and system.in_group(self.value, concept.code)
        values = values_of(system, concept, self.name)
        return _VALUES[self.op](values, self.value)

    def keeps(self, system: CodeSystem) -> Callable[[str], bool]:
        """Return the same test for many codes: the hierarchy is walked once."""
        if self.op in {"is-a", "descendent-of", "is-not-a"}:
            below = set(descendants(system, self.value))
            if self.op != "descendent-of":
                below.add(self.value)
            return below.__contains__ if self.op != "is-not-a" else lambda code: code not in below
        if self.op == "generalizes":
            return {self.value, *ancestors(system, self.value)}.__contains__
        if self.op == MEMBER_OF:
            found = system.of_group(self.value) if isinstance(system, Indexed) else ()
            return frozenset(found).__contains__

        def keep(code: str) -> bool:
            concept = system.concept(code)
            return concept is not None and self.test(system, concept)

        return keep

    def candidates(self, system: CodeSystem) -> Iterator[str] | None:
        """Go through what fulfils it; None where only all codes would do.

        Of hierarchies, codes may come that the code system does not define.
        """
        if self.op == "descendent-of":
            return descendants(system, self.value)
        if self.op == "is-a":
            return _with(self.value, descendants(system, self.value))
        if self.op == "generalizes":
            return _with(self.value, ancestors(system, self.value))
        if self.name in {"code", "concept"} and self.op in {"=", "in"}:
            return iter(self._listed())
        if self.name == "parent" and self.op == "=":
            return iter(system.children(self.value))
        if not isinstance(system, Indexed):
            return None
        if self.op == MEMBER_OF:
            return system.of_group(self.value)
        return system.with_value(self.name, self._listed()) if self.op in {"=", "in"} else None

    def decided_by(self, system: CodeSystem) -> bool:
        """Whether the code system has what the filter asks for."""
        if self.op == MEMBER_OF:
            return isinstance(system, Indexed) and system.has_group(self.value)
        return system.knows("parent" if names_hierarchy(self) else self.name)

    @property
    def asks_code(self) -> bool:
        """Whether the code alone decides, without its code system."""
        return self.name in {"code", "concept"} and self.op in _VALUES

    def fits(self, bare: Concept) -> bool:
        """Say whether the code fulfils it, when `asks_code`."""
        return _VALUES[self.op]([bare.code], self.value)

    @property
    def denies(self) -> bool:
        """Whether what is missing in a fragment could wrongly fulfil it."""
        return self.op in {"is-not-a", "not-in"} or (self.op == "exists" and self.value == "false")

    def _listed(self) -> list[str]:
        return sorted(_split(self.value)) if self.op == "in" else [self.value]


def read_filter(entry: Json, system: str = "") -> Filter:
    """Read a filter of a code system (URL). Raises NotConformant for what R4 does not define."""
    found = [entry.get(name) for name in ("property", "op", "value")]
    if not all(isinstance(one, str) and one for one in found):
        raise refused("a filter of a value set has no property, operator or value", code="required")
    made = Filter(*(str(one) for one in found))
    if (system, made.name, made.op) in _OWN:
        name, op = _OWN[system, made.name, made.op]
        return Filter(name, op, made.value)
    if made.op not in _HIERARCHY and made.op not in _VALUES:
        raise refused("a filter of a value set has an unknown operator", code="not-supported")
    if made.op in {"in", "not-in"} and made.value.count(",") >= _MOST_LISTED:
        raise refused("a filter of a value set lists too many codes", code="too-costly")
    if made.op == "regex":
        regex.full(made.value, "")  # a malformed pattern is refused before any code is looked at
    return made


def names_hierarchy(one: Filter) -> bool:
    """Whether the filter asks for the place in the hierarchy."""
    return one.op in _HIERARCHY or one.name in {"parent", "child"}


def values_of(system: CodeSystem, concept: Concept, name: str) -> list[str]:
    """Return the values of a property, implied ones included."""
    if name in _IMPLIED:
        return _IMPLIED[name](system, concept)
    found = [one.text for one in concept.properties if one.code == name]
    if not found and name in _FLAGS:
        return ["true" if _FLAGS[name](concept) else "false"]
    return found


def _with(code: str, others: Iterator[str]) -> Iterator[str]:
    yield code
    yield from others


@lru_cache(256)
def _split(value: str) -> frozenset[str]:
    return frozenset(one.strip() for one in value.split(","))


def _matches(values: list[str], pattern: str) -> bool:
    if any(len(one) > _LONGEST_TEXT for one in values):
        raise NotConformant("a text is too long for the regular expression of a value set")
    return any(regex.full(pattern, one) for one in values)


_HIERARCHY: dict[str, Test] = {
    "is-a": lambda system, one, value: is_a(system, one.code, value),
    "descendent-of": lambda system, one, value: one.code != value and is_a(system, one.code, value),
    "is-not-a": lambda system, one, value: not is_a(system, one.code, value),
    "generalizes": lambda system, one, value: is_a(system, value, one.code),
}
_VALUES: dict[str, Callable[[list[str], str], bool]] = {
    "=": lambda values, value: value in values,
    "regex": _matches,
    "in": lambda values, value: not _split(value).isdisjoint(values),
    "not-in": lambda values, value: _split(value).isdisjoint(values),
    "exists": lambda values, value: bool(values) == (value == "true"),
}
_IMPLIED: dict[str, Callable[[CodeSystem, Concept], list[str]]] = {
    "code": lambda _, one: [one.code],
    "concept": lambda _, one: [one.code],
    "display": lambda _, one: [one.display] if one.display else [],
    "definition": lambda _, one: [one.definition] if one.definition else [],
    "parent": lambda system, one: list(system.parents(one.code)),
    "child": lambda system, one: list(system.children(one.code)),
}
_FLAGS: dict[str, Callable[[Concept], bool]] = {
    "inactive": lambda one: one.inactive,
    "notSelectable": lambda one: one.abstract,
}
