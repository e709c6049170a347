"""Whether a condition holds for a resource.

https://hl7.org/fhir/R4/search.html: the meaning of values, prefixes and modifiers. This is
the one definition; a store may plan with indexes as it likes and confirms hits here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from operator import attrgetter
from typing import Any, Protocol

from profiles.search.composite import composite_holds
from profiles.search.emitters import TEXT_PARTS, texts_of
from profiles.search.folding import folded
from profiles.search.near import NearValue, is_near
from profiles.search.parameters import Parameter
from profiles.search.terms import Terms
from profiles.search.units import UCUM, measure
from profiles.search.values import (
    DateValue,
    MissingValue,
    QuantityValue,
    ReferenceValue,
    StringValue,
    TokenSetValue,
    TokenValue,
    TypedIdentifierValue,
    UriValue,
    Value,
)
from profiles.search.words import displays, has_words

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
    look = _LOOKS.get((kind, modifier)) or _LOOKS.get((kind, ""))
    if look is not None:
        return look(parameter, resource, values)
    own = [term for term in _TERMS[kind](terms) if term[0] == parameter.name]
    test = _MODIFIED.get((kind, modifier), _TESTS[kind])
    found = any(test(value, term) for term in own for value in values)
    if not found and kind == "reference":
        return _names_version(parameter, resource, values)
    return not found if modifier in {"not", "not-in"} else found


def _composite(parameter: Parameter, resource: dict[str, Any], values: tuple[Value, ...]) -> bool:
    return composite_holds(parameter, values, resource, _meets)


def _text(parameter: Parameter, resource: dict[str, Any], values: tuple[Value, ...]) -> bool:
    return any(
        isinstance(value, StringValue) and has_words(parameter.name, resource, value.text)
        for value in values
    )


def _has_display(parameter: Parameter, resource: dict[str, Any], values: tuple[Value, ...]) -> bool:
    """`:text`: what is printed for a code begins so."""
    starts = tuple(value.folded for value in values if isinstance(value, StringValue))
    return any(
        folded(text).startswith(starts)
        for _, selected in parameter.select(resource)
        for text in displays(selected)
    )


def _is_typed(parameter: Parameter, resource: dict[str, Any], values: tuple[Value, ...]) -> bool:
    """`:of-type`: an identifier with this value whose type has this code."""
    return any(
        isinstance(value, TypedIdentifierValue)
        and identifier.get("value") == value.value
        and any(
            coding.get("code") == value.code and value.system in {"", coding.get("system", "")}
            for coding in identifier.get("type", {}).get("coding", ())
        )
        for kind, identifier in parameter.select(resource)
        if kind == "Identifier"
        for value in values
    )


def _names_version(
    parameter: Parameter, resource: dict[str, Any], values: tuple[Value, ...]
) -> bool:
    """Terms have no versions; where one is asked for, the reference itself has to say it."""
    wanted = {
        f"{key}/_history/{value.version}"
        for value in values
        if isinstance(value, ReferenceValue) and value.version
        for key in value.keys
    }
    return bool(wanted) and any(
        isinstance(selected, dict) and selected.get("reference") in wanted
        for _, selected in parameter.select(resource)
    )


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
    _, system, code = term
    if isinstance(value, TokenSetValue):
        return (system, code) in value.members
    if not isinstance(value, TokenValue):
        return False
    return value.system in {None, system} and value.code in {None, code}


def _reference(value: Value, term: Term) -> bool:
    return isinstance(value, ReferenceValue) and not value.version and term[1] in value.keys


def _starts_with(value: Value, term: Term) -> bool:
    return isinstance(value, StringValue) and term[1].startswith(value.folded)


def _contains(value: Value, term: Term) -> bool:
    return isinstance(value, StringValue) and value.folded in term[1]


def _uri(value: Value, term: Term) -> bool:
    return isinstance(value, UriValue) and term[1] == value.uri


def _uri_below(value: Value, term: Term) -> bool:
    return isinstance(value, UriValue) and is_below(term[1], value.uri)


def _uri_above(value: Value, term: Term) -> bool:
    return isinstance(value, UriValue) and is_below(value.uri, term[1])


def is_below(uri: str, above: str) -> bool:
    """Say whether a URL is another one or stands below it in its path."""
    return uri == above or ("://" in above and uri.startswith(above.rstrip("/") + "/"))


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
    "ap": lambda value, low, high: low < value.high and value.low < high,
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
    if value.system in {None, system} and value.code in {None, code}:
        return _NUMBER_PREFIXES[value.prefix](value, number)
    if system != UCUM or value.system != UCUM or not value.code:
        return False
    return _converted(value, code, number)


def _converted(value: QuantityValue, code: str, number: float) -> bool:
    """Compare quantities of different units of one dimension."""
    asked, stated = measure(UCUM, value.code or ""), measure(UCUM, code)
    if asked is None or stated is None or asked.dimension != stated.dimension:
        return False
    limits = [asked.of(one) for one in (value.number, value.low, value.high)]
    return _NUMBER_PREFIXES[value.prefix](_InBase(*limits), stated.of(number))


class _Limits(Protocol):
    """A number asked for and its precision."""

    @property
    def number(self) -> float | Fraction: ...
    @property
    def low(self) -> float | Fraction: ...
    @property
    def high(self) -> float | Fraction: ...


@dataclass(frozen=True, slots=True)
class _InBase:
    """Limits in base units."""

    number: Fraction
    low: Fraction
    high: Fraction


def _near(value: _Limits, number: float | Fraction) -> bool:
    return value.low <= number < value.high


#: "sa" and "eb" mean for single numbers what "gt" and "lt" do.
_NUMBER_PREFIXES: Mapping[str, Callable[[_Limits, float | Fraction], bool]] = {
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
_MODIFIED: Mapping[tuple[str, str], Callable[[Value, Term], bool]] = {
    ("string", "contains"): _contains,
    ("uri", "above"): _uri_above,
    ("uri", "below"): _uri_below,
}
#: (kind, modifier) → what looks at the resource itself, because terms do not say it.
_LOOKS: Mapping[tuple[str, str], Callable[[Parameter, dict[str, Any], tuple[Value, ...]], bool]] = {
    ("string", "exact"): _has_exact_text,
    ("token", "text"): _has_display,
    ("token", "of-type"): _is_typed,
    ("composite", ""): _composite,
    ("special", ""): _is_near,
    ("text", ""): _text,
}
