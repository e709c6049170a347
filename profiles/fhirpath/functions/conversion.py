"""toInteger(), convertsToDate() and their like.

https://hl7.org/fhirpath/N1/#conversion; toLong() of the current build.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from profiles.fhirpath.context import Evaluation
from profiles.fhirpath.errors import FHIRPathError
from profiles.fhirpath.functions.function import Function
from profiles.fhirpath.items import Items, Node
from profiles.fhirpath.numbers import Long, integer, long_integer, text_of
from profiles.fhirpath.quantity import Quantity, convert, read_quantity
from profiles.fhirpath.singles import single, text, value
from profiles.fhirpath.temporal import Temporal, read_temporal

_INTEGER = re.compile(r"[+-]?\d{1,40}\Z")
_DECIMAL = re.compile(r"[+-]?\d{1,60}(?:\.\d{1,60})?\Z")
_TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "0.0"})

#: System value → converted value; None where there is no conversion.
Convert = Callable[[Any], Any]


def _boolean(known: Any) -> Any:
    if known.__class__ is bool:
        return known
    if isinstance(known, int | Decimal):
        return bool(known) if known in (0, 1) else None
    if known.__class__ is str:
        word = known.lower()
        return True if word in _TRUE else False if word in _FALSE else None
    return None


def _whole(known: Any) -> int | None:
    if isinstance(known, int):
        return int(known)
    if known.__class__ is str and _INTEGER.match(known):
        return int(known)
    return None


def _integer(known: Any) -> Any:
    number = _whole(known)
    return None if number is None else integer(number)


def _long(known: Any) -> Any:
    number = _whole(known)
    return None if number is None else long_integer(number)


def _decimal(known: Any) -> Any:
    if isinstance(known, Decimal):
        return known
    if isinstance(known, int):
        return Decimal(int(known))
    return Decimal(known) if known.__class__ is str and _DECIMAL.match(known) else None


def to_text(known: Any) -> str | None:
    """Write a System value as toString() does; None for what has no text."""
    if known.__class__ is str:
        return str(known)
    if known.__class__ is bool:
        return "true" if known else "false"
    if isinstance(known, int | Decimal):
        return text_of(known)
    return str(known) if isinstance(known, Temporal | Quantity) else None


def _date(known: Any) -> Any:
    if isinstance(known, Temporal) and known.kind != "Time":
        return Temporal("Date", known.parts[:3])
    return read_temporal("Date", known) if known.__class__ is str else None


def _date_time(known: Any) -> Any:
    if isinstance(known, Temporal) and known.kind != "Time":
        return Temporal("DateTime", known.parts, known.offset)
    return read_temporal("DateTime", known) if known.__class__ is str else None


def _time(known: Any) -> Any:
    if isinstance(known, Temporal):
        return known if known.kind == "Time" else None
    return read_temporal("Time", known) if known.__class__ is str else None


def to_quantity(known: Any) -> Quantity | None:
    """Return a System value as Quantity; None where there is no conversion."""
    if known.__class__ is Quantity:
        found: Quantity = known
        return found
    if known.__class__ is str:
        return read_quantity(known)
    if known.__class__ is Long:
        return None
    number = _decimal(known)
    return None if number is None else Quantity(number)


def _to(convert_value: Convert) -> Callable[[Evaluation, Items], Items]:
    def call(_evaluation: Evaluation, items: Items) -> Items:
        known = value(items)
        result = None if known is None else convert_value(known)
        return [] if result is None else [result]

    return call


def _converts(convert_value: Convert) -> Callable[[Evaluation, Items], Items]:
    def call(_evaluation: Evaluation, items: Items) -> Items:
        known = value(items)
        return [] if known is None else [convert_value(known) is not None]

    return call


def _quantity_of(items: Items) -> Quantity | None:
    item = single(items)
    if item.__class__ is Node and item.value.__class__ is dict:
        if "comparator" in item.value:
            raise FHIRPathError("a Quantity with a comparator is no single value")
        if item.type.convert is not None and not item.type.untyped:
            system = item.value.get("system")
            if system != "http://unitsofmeasure.org" and "code" in item.value:
                return None
    known = value(items)
    return None if known is None else to_quantity(known)


def _to_quantity(_evaluation: Evaluation, items: Items, unit: Items | None = None) -> Items:
    found = _quantity_of(items)
    wanted = None if unit is None else text(unit, "toQuantity(unit)")
    if found is not None and wanted is not None:
        found = convert(found, wanted)
    return [] if found is None else [found]


def _converts_to_quantity(evaluation: Evaluation, items: Items, unit: Items | None = None) -> Items:
    return [bool(_to_quantity(evaluation, items, unit))] if items else []


_CONVERSIONS: dict[str, Convert] = {
    "Boolean": _boolean,
    "Integer": _integer,
    "Long": _long,
    "Decimal": _decimal,
    "String": to_text,
    "Date": _date,
    "DateTime": _date_time,
    "Time": _time,
}
FUNCTIONS: dict[str, Function] = {
    **{f"to{name}": Function(_to(one)) for name, one in _CONVERSIONS.items()},
    **{f"convertsTo{name}": Function(_converts(one)) for name, one in _CONVERSIONS.items()},
    "toQuantity": Function(_to_quantity, 0, 1),
    "convertsToQuantity": Function(_converts_to_quantity, 0, 1),
}
