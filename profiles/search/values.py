"""Values of search criteria: one frozen class per kind, and how each is read.

https://hl7.org/fhir/R4/search.html, section 3.1.1.4 (parameter types). Every reader takes
the text of one value (commas already split) and raises NotConformant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal, get_args

from profiles.issue import Issue, NotConformant, NotSupported
from profiles.search.dates import range_of
from profiles.search.folding import folded
from profiles.search.near import NearValue, read_near
from profiles.search.parameters import Parameter

Prefix = Literal["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]

_PREFIXES: Mapping[str, Prefix] = {prefix: prefix for prefix in get_args(Prefix)}
_BARE_ID = re.compile(r"[A-Za-z0-9.-]{1,64}\Z")
_ESCAPED = re.compile(r"\\([,|$\\])")
_UNESCAPED_BAR = re.compile(r"(?<!\\)\|")
_UNESCAPED_DOLLAR = re.compile(r"(?<!\\)\$")


@dataclass(frozen=True, slots=True)
class TokenValue:
    """`code` (system None: any), `|code` (system ""), `system|code`, `system|` (code None)."""

    system: str | None
    code: str | None


@dataclass(frozen=True, slots=True)
class ReferenceValue:
    """Any of these keys, as in `Terms.references`."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StringValue:
    """The text as given, and folded as in `Terms.strings`."""

    text: str
    folded: str


@dataclass(frozen=True, slots=True)
class UriValue:
    """A URI, compared as it stands."""

    uri: str


@dataclass(frozen=True, slots=True)
class DateValue:
    """A range of time as in `Terms.dates`, with the comparison."""

    prefix: Prefix
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class QuantityValue:
    """A number with its implicit precision [low, high), and the unit if one is asked for.

    system None: any; code matches the coded or the printed unit; None: any.
    """

    prefix: Prefix
    number: float
    low: float
    high: float
    system: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class MissingValue:
    """Whether the element is to be absent."""

    missing: bool


@dataclass(frozen=True, slots=True)
class CompositeValue:
    """Values of the parts of a composite, in their order, and the parameters that define them."""

    parts: tuple[Value, ...]
    names: tuple[str, ...]


Value = (
    TokenValue
    | ReferenceValue
    | StringValue
    | UriValue
    | DateValue
    | QuantityValue
    | MissingValue
    | NearValue
    | CompositeValue
)


def wrong_value(name: str) -> NotConformant:
    """Make the error for a value that its parameter cannot read."""
    text = f"the value of search parameter {name} is not valid"
    return NotConformant(text, issues=(Issue("error", "value", text),))


def read_value(parameter: Parameter, modifier: str, text: str) -> Value:
    """Read one value of a parameter."""
    if not text:
        raise wrong_value(parameter.name)
    if modifier == "missing":
        return _missing(parameter, text)
    if modifier == "identifier":
        return _logical_reference(parameter, text)
    return _READERS[parameter.kind](parameter, modifier, text)


def _unescape(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _split_token(text: str) -> tuple[str, bool, str]:
    """Split at the first bar that is not escaped: (before, was there one, after)."""
    parts = _UNESCAPED_BAR.split(text, maxsplit=1)
    before, after = parts[0], parts[1] if len(parts) == 2 else ""
    return _unescape(before), len(parts) == 2, _unescape(after)


def _missing(parameter: Parameter, text: str) -> MissingValue:
    if text not in {"true", "false"}:
        raise wrong_value(parameter.name)
    return MissingValue(text == "true")


def _logical_reference(parameter: Parameter, text: str) -> ReferenceValue:
    system, _, number = _split_token(text)
    if not number:
        raise wrong_value(parameter.name)
    return ReferenceValue((f"|{system}|{number}",))


def _token(parameter: Parameter, _modifier: str, text: str) -> TokenValue:
    before, bar, after = _split_token(text)
    if not bar:
        return TokenValue(None, before)
    if not before and not after:
        raise wrong_value(parameter.name)
    return TokenValue(before, after or None)


def _reference(parameter: Parameter, modifier: str, text: str) -> ReferenceValue:
    plain = _unescape(text)
    if not _BARE_ID.match(plain):
        if modifier:
            # subject:Patient=Patient/1 says the type twice; any other type never matches.
            return ReferenceValue((plain,) if plain.startswith(f"{modifier}/") else ())
        return ReferenceValue((plain.partition("/_history/")[0],))
    types = (modifier,) if modifier else parameter.targets
    return ReferenceValue(tuple(f"{one}/{plain}" for one in types))


def _string(_parameter: Parameter, _modifier: str, text: str) -> StringValue:
    plain = _unescape(text)
    return StringValue(plain, folded(plain))


def _uri(_parameter: Parameter, _modifier: str, text: str) -> UriValue:
    return UriValue(_unescape(text))


def _prefixed(text: str) -> tuple[Prefix, str]:
    prefix = _PREFIXES.get(text[:2])
    return (prefix, text[2:]) if prefix else ("eq", text)


def _date(parameter: Parameter, _modifier: str, text: str) -> DateValue:
    prefix, rest = _prefixed(text)
    if prefix == "ap":
        # Nearness of a date is measured from today, and criteria have no clock.
        raise NotSupported("the date prefix ap is not supported")
    try:
        # A plus sign that was not percent-encoded arrives as a blank.
        low, high = range_of(rest.replace(" ", "+"))
    except (ValueError, OverflowError):
        raise wrong_value(parameter.name) from None
    return DateValue(prefix, low, high)


def _number(parameter: Parameter, _modifier: str, text: str) -> QuantityValue:
    prefix, rest = _prefixed(text)
    return _quantity_of(parameter, prefix, rest)


def _quantity(parameter: Parameter, _modifier: str, text: str) -> QuantityValue:
    prefix, rest = _prefixed(text)
    number, *unit = _UNESCAPED_BAR.split(rest, maxsplit=2)
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


def _composite(parameter: Parameter, _modifier: str, text: str) -> CompositeValue:
    """All that a composite is about has the same kinds of parts."""
    components, parts = parameter.components[0], _UNESCAPED_DOLLAR.split(text)
    if len(parts) != len(components):
        raise wrong_value(parameter.name)
    values = tuple(read_value(one, "", part) for one, part in zip(components, parts, strict=True))
    return CompositeValue(values, tuple(one.name for one in components))


def _near(parameter: Parameter, _modifier: str, text: str) -> NearValue:
    value = read_near(_unescape(text))
    if value is None:
        raise wrong_value(parameter.name)
    return value


_READERS: Mapping[str, Callable[[Parameter, str, str], Value]] = {
    "token": _token,
    "reference": _reference,
    "string": _string,
    "uri": _uri,
    "date": _date,
    "number": _number,
    "quantity": _quantity,
    "composite": _composite,
    "special": _near,
}
