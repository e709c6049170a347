"""Whether a condition holds for a resource.

https://hl7.org/fhir/R4/search.html: the meaning of values, prefixes and modifiers. This is
the one definition; a store may plan with indexes as it likes and confirms hits here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from operator import attrgetter
from typing import Any

from profiles.search.composite import composite_holds
from profiles.search.emitters import TEXT_PARTS, texts_of
from profiles.search.near import NearValue, is_near
from profiles.search.parameters import Parameter
from profiles.search.terms import Terms
from profiles.search.values import (
    DateValue,
    MissingValue,
    QuantityValue,
    ReferenceValue,
    StringValue,
    TokenValue,
    UriValue,
    Value,
)

Term = tuple[Any, ...]


def holds(
    kind: str,
    modifier: str,
    values: tuple[Value, ...],
    parameter: Parameter,
    resource: dict[str, Any],
    terms: Terms,
) -> bool:
    """Say whether a resource with these index terms meets one condition."""
    if modifier == "missing":
        return _is_missing(parameter, resource, terms, values)
    if modifier == "exact":
        return _has_exact_text(parameter, resource, values)
    if kind == "composite":
        return composite_holds(parameter, values, resource, _meets)
    if kind == "special":
        return _is_near(parameter, resource, values)
    own = [term for term in _TERMS[kind](terms) if term[0] == parameter.name]
    test = _contains if modifier == "contains" else _TESTS[kind]
    found = any(test(value, term) for term in own for value in values)
    return not found if modifier == "not" else found


def _meets(kind: str, value: Value, term: Term) -> bool:
    return _TESTS[kind](value, term)


def _is_near(parameter: Parameter, resource: dict[str, Any], values: tuple[Value, ...]) -> bool:
    places = [position for _, position in parameter.select(resource)]
    return any(
        isinstance(value, NearValue) and is_near(value, place)
        for value in values
        for place in places
    )


def _is_missing(
    parameter: Parameter, resource: dict[str, Any], terms: Terms, values: tuple[Value, ...]
) -> bool:
    # Where only some references count, the terms know which; text-only concepts have none.
    anything = tuple(program for program in parameter.programs if "target" not in program)
    present = any(True for _ in replace(parameter, programs=anything).select(resource)) or any(
        term[0] == parameter.name for term in _TERMS.get(parameter.kind, _no_terms)(terms)
    )
    return any(isinstance(value, MissingValue) and value.missing != present for value in values)


def _has_exact_text(
    parameter: Parameter, resource: dict[str, Any], values: tuple[Value, ...]
) -> bool:
    wanted = {value.text for value in values if isinstance(value, StringValue)}
    return any(
        text in wanted
        for data_type, selected in parameter.select(resource)
        for text in texts_of(selected, TEXT_PARTS.get(data_type, ()))
    )


def _token(value: Value, term: Term) -> bool:
    if not isinstance(value, TokenValue):
        return False
    _, system, code = term
    return value.system in {None, system} and value.code in {None, code}


def _reference(value: Value, term: Term) -> bool:
    return isinstance(value, ReferenceValue) and term[1] in value.keys


def _starts_with(value: Value, term: Term) -> bool:
    return isinstance(value, StringValue) and term[1].startswith(value.folded)


def _contains(value: Value, term: Term) -> bool:
    return isinstance(value, StringValue) and value.folded in term[1]


def _uri(value: Value, term: Term) -> bool:
    return isinstance(value, UriValue) and term[1] == value.uri


def _date(value: Value, term: Term) -> bool:
    if not isinstance(value, DateValue):
        return False
    _, low, high = term
    return _DATE_PREFIXES[value.prefix](value, low, high)


def _within(value: DateValue, low: int, high: int) -> bool:
    return value.low <= low and high <= value.high


#: How the range (low, high) of a resource compares with a search value.
_DATE_PREFIXES: Mapping[str, Callable[[DateValue, int, int], bool]] = {
    "eq": _within,
    "ne": lambda value, low, high: not _within(value, low, high),
    "gt": lambda value, _low, high: high > value.high,
    "lt": lambda value, low, _high: low < value.low,
    "ge": lambda value, low, high: high > value.high or _within(value, low, high),
    "le": lambda value, low, high: low < value.low or _within(value, low, high),
    "sa": lambda value, low, _high: low >= value.high,
    "eb": lambda value, _low, high: high <= value.low,
}


def _quantity(value: Value, term: Term) -> bool:
    if not isinstance(value, QuantityValue):
        return False
    _, system, code, number = term
    unit = value.system in {None, system} and value.code in {None, code}
    return unit and _NUMBER_PREFIXES[value.prefix](value, number)


def _near(value: QuantityValue, number: float) -> bool:
    return value.low <= number < value.high


#: "sa" and "eb" mean for single numbers what "gt" and "lt" do.
_NUMBER_PREFIXES: Mapping[str, Callable[[QuantityValue, float], bool]] = {
    "eq": _near,
    "ap": lambda value, number: value.low <= number <= value.high,
    "ne": lambda value, number: not _near(value, number),
    "gt": lambda value, number: number > value.number,
    "sa": lambda value, number: number > value.number,
    "lt": lambda value, number: number < value.number,
    "eb": lambda value, number: number < value.number,
    "ge": lambda value, number: number >= value.number,
    "le": lambda value, number: number <= value.number,
}


def _no_terms(_terms: Terms) -> tuple[Term, ...]:
    return ()


_TERMS: Mapping[str, Callable[[Terms], tuple[Term, ...]]] = {
    "token": attrgetter("tokens"),
    "reference": attrgetter("references"),
    "string": attrgetter("strings"),
    "uri": attrgetter("uris"),
    "date": attrgetter("dates"),
    "quantity": attrgetter("quantities"),
    "number": attrgetter("quantities"),
}
_TESTS: Mapping[str, Callable[[Value, Term], bool]] = {
    "token": _token,
    "reference": _reference,
    "string": _starts_with,
    "uri": _uri,
    "date": _date,
    "quantity": _quantity,
    "number": _quantity,
}
