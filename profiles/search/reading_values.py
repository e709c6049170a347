"""How the values of search criteria are read.

https://hl7.org/fhir/R4/search.html, section 3.1.1.4 (parameter types). Every reader takes
the text of one value (commas already split) and raises NotConformant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal, InvalidOperation
from typing import get_args

from profiles.issue import Issue, NotConformant, NotSupported
from profiles.search.dates import range_asked
from profiles.search.folding import folded
from profiles.search.near import NearValue, read_near
from profiles.search.parameters import Parameter
from profiles.search.surroundings import NOWHERE, Surroundings
from profiles.search.values import (
    CompositeValue,
    DateValue,
    MissingValue,
    Prefix,
    QuantityValue,
    ReferenceValue,
    StringValue,
    TokenSetValue,
    TokenValue,
    TypedIdentifierValue,
    UriValue,
    Value,
)

_PREFIXES: Mapping[str, Prefix] = {prefix: prefix for prefix in get_args(Prefix)}
_BARE_ID = re.compile(r"[A-Za-z0-9.-]{1,64}\Z")
_LOCAL = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}\Z")
_ESCAPED = re.compile(r"\\([,|$\\])")


def wrong_value(name: str) -> NotConformant:
    """Make the error for a value that its parameter cannot read."""
    text = f"the value of search parameter {name} is not valid"
    return NotConformant(text, issues=(Issue("error", "value", text),))


def read_value(
    parameter: Parameter, modifier: str, text: str, around: Surroundings = NOWHERE
) -> Value:
    """Read one value of a parameter. Raises NotConformant and NotSupported."""
    # No FHIR text has a NUL, and not every database takes one.
    if not text or "\0" in text:
        raise wrong_value(parameter.name)
    reader = _BY_MODIFIER.get(modifier) or _READERS[parameter.kind]
    return reader(parameter, modifier, text, around)


def split(text: str, mark: str, most: int = -1) -> list[str]:
    """Split at a mark that no backslash escapes, at most `most` times; escapes stay."""
    parts: list[str] = []
    start = at = 0
    while at < len(text) and len(parts) != most:
        if text[at] == "\\":
            at += 1
        elif text[at] == mark:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    return [*parts, text[start:]]


def _unescape(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _split_token(text: str) -> tuple[str, bool, str]:
    """Split at the first bar that is not escaped: (before, was there one, after)."""
    parts = split(text, "|", 1)
    before, after = parts[0], parts[1] if len(parts) == 2 else ""
    return _unescape(before), len(parts) == 2, _unescape(after)


def _missing(
    parameter: Parameter, _modifier: str, text: str, _around: Surroundings
) -> MissingValue:
    if text not in {"true", "false"}:
        raise wrong_value(parameter.name)
    return MissingValue(text == "true")


def _logical_reference(
    parameter: Parameter, _modifier: str, text: str, _around: Surroundings
) -> ReferenceValue:
    system, _, number = _split_token(text)
    if not number:
        raise wrong_value(parameter.name)
    return ReferenceValue(frozenset({f"|{system}|{number}"}))


def _token(parameter: Parameter, _modifier: str, text: str, _around: Surroundings) -> TokenValue:
    before, bar, after = _split_token(text)
    if not bar:
        return TokenValue(None, before)
    if not before and not after:
        raise wrong_value(parameter.name)
    return TokenValue(before, after or None)


def _hierarchy(
    parameter: Parameter, modifier: str, text: str, around: Surroundings
) -> TokenSetValue | UriValue:
    """Read the value of `:above` and `:below`."""
    if parameter.kind == "uri":
        return UriValue(_unescape(text))
    system, bar, code = _split_token(text)
    if not bar or not system or not code:
        raise wrong_value(parameter.name)
    if around.codes is None:
        return _set_of(None)
    return _set_of(getattr(around.codes, modifier)(system, code))


def _in_value_set(
    _parameter: Parameter, _modifier: str, text: str, around: Surroundings
) -> TokenSetValue:
    return _set_of(None if around.codes is None else around.codes.members(_unescape(text)))


def _set_of(members: Collection[tuple[str, str]] | None) -> TokenSetValue:
    if members is None:
        raise NotSupported("this gateway has no terminology that answers the search")
    return TokenSetValue(frozenset(members))


def _typed_identifier(
    parameter: Parameter, _modifier: str, text: str, _around: Surroundings
) -> TypedIdentifierValue:
    parts = [_unescape(part) for part in split(text, "|")]
    if len(parts) != 3 or not parts[1] or not parts[2]:
        raise wrong_value(parameter.name)
    return TypedIdentifierValue(*parts)


def _reference(
    parameter: Parameter, modifier: str, text: str, around: Surroundings
) -> ReferenceValue:
    plain = _unescape(text)
    if around.base and plain.startswith(f"{around.base}/"):
        plain = plain[len(around.base) + 1 :]
    if _BARE_ID.match(plain):
        types = (modifier,) if modifier else parameter.targets
        return _references([f"{one}/{plain}" for one in types], "", around)
    if modifier and not plain.startswith(f"{modifier}/"):
        # subject:Patient=Patient/1 says the type twice; any other type never matches.
        return ReferenceValue(frozenset())
    name, _, version = plain.partition("/_history/")
    return _references([name], version, around)


def _references(names: list[str], version: str, around: Surroundings) -> ReferenceValue:
    """A stored reference may name this server's resources by their full address as well."""
    full = [f"{around.base}/{one}" for one in names if around.base and _LOCAL.match(one)]
    return ReferenceValue(frozenset([*names, *full]), version)


def _string(_parameter: Parameter, _modifier: str, text: str, _around: Surroundings) -> StringValue:
    plain = _unescape(text)
    return StringValue(plain, folded(plain))


def _uri(_parameter: Parameter, _modifier: str, text: str, _around: Surroundings) -> UriValue:
    return UriValue(_unescape(text))


def _prefixed(text: str) -> tuple[Prefix, str]:
    prefix = _PREFIXES.get(text[:2])
    return (prefix, text[2:]) if prefix else ("eq", text)


def _date(parameter: Parameter, _modifier: str, text: str, around: Surroundings) -> DateValue:
    prefix, rest = _prefixed(text)
    if prefix == "ap" and around.now is None:
        # Nearness of a date is measured from today.
        raise NotSupported("the date prefix ap is not supported")
    try:
        # A plus sign that was not percent-encoded arrives as a blank.
        low, high = range_asked(rest.replace(" ", "+"))
    except (ValueError, OverflowError):
        raise wrong_value(parameter.name) from None
    if prefix == "ap" and around.now is not None:
        # A tenth of the time between now and then, as the standard proposes.
        slack = min(abs(around.now - low), abs(around.now - high)) // 10
        low, high = low - slack, high + slack
    return DateValue(prefix, low, high)


def _number(
    parameter: Parameter, _modifier: str, text: str, _around: Surroundings
) -> QuantityValue:
    prefix, rest = _prefixed(text)
    return _quantity_of(parameter, prefix, rest)


def _quantity(
    parameter: Parameter, _modifier: str, text: str, _around: Surroundings
) -> QuantityValue:
    prefix, rest = _prefixed(text)
    number, *unit = split(rest, "|", 2)
    system, code = (_unescape(part) or None for part in [*unit, "", ""][:2])
    return _quantity_of(parameter, prefix, number, system, code)


def _quantity_of(
    parameter: Parameter,
    prefix: Prefix,
    text: str,
    system: str | None = None,
    code: str | None = None,
) -> QuantityValue:
    """Read the number; its last digit is known to half a unit ("ap": to a tenth of all)."""
    try:
        number = Decimal(text)
        exponent = int(number.as_tuple().exponent)
        half = Decimal(5).scaleb(exponent - 1)
    except (InvalidOperation, ValueError):
        raise wrong_value(parameter.name) from None
    if prefix == "ap":
        half = max(half, abs(number) / 10)
    low, high = float(number - half), float(number + half)
    if not abs(low) + abs(high) < float("inf"):
        raise wrong_value(parameter.name)
    return QuantityValue(prefix, float(number), low, high, system, code)


def _composite(
    parameter: Parameter, _modifier: str, text: str, around: Surroundings
) -> CompositeValue:
    """All that a composite is about has the same kinds of parts."""
    components, parts = parameter.components[0], split(text, "$")
    if len(parts) != len(components):
        raise wrong_value(parameter.name)
    values = tuple(
        read_value(one, "", part, around) for one, part in zip(components, parts, strict=True)
    )
    return CompositeValue(values, tuple(one.name for one in components))


def _near(parameter: Parameter, _modifier: str, text: str, _around: Surroundings) -> NearValue:
    value = read_near(_unescape(text))
    if value is None:
        raise wrong_value(parameter.name)
    return value


_Reader = Callable[[Parameter, str, str, Surroundings], Value]
#: Modifiers whose values are not those of the parameter's kind.
_BY_MODIFIER: Mapping[str, _Reader] = {
    "missing": _missing,
    "identifier": _logical_reference,
    "text": _string,
    "in": _in_value_set,
    "not-in": _in_value_set,
    "above": _hierarchy,
    "below": _hierarchy,
    "of-type": _typed_identifier,
}
_READERS: Mapping[str, _Reader] = {
    "token": _token,
    "reference": _reference,
    "string": _string,
    "uri": _uri,
    "date": _date,
    "number": _number,
    "quantity": _quantity,
    "composite": _composite,
    "special": _near,
    "text": _string,
}
