"""FHIR data types to System types.

https://hl7.org/fhir/R4/fhirpath.html#types: string-like types are String, integer types
Integer, date and dateTime keep their precision, Quantity maps UCUM codes.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from profiles.fhirpath.items import plain_value
from profiles.fhirpath.numbers import decimal
from profiles.fhirpath.quantity import CALENDAR_OF, Quantity
from profiles.fhirpath.temporal import Kind, read_temporal

UCUM = "http://unitsofmeasure.org"


def text(raw: Any) -> Any:
    """Return a text; malformed data as what it is."""
    return raw if raw.__class__ is str else plain_value(raw)


def _decimal(raw: Any) -> Any:
    if isinstance(raw, int | float | Decimal) and raw.__class__ is not bool:
        return decimal(raw)
    return plain_value(raw)


def _temporal(kind: Kind) -> Callable[[Any], Any]:
    def read(raw: Any) -> Any:
        if raw.__class__ is not str:
            return plain_value(raw)
        value = read_temporal(kind, raw)
        return raw if value is None else value

    return read


#: FHIR primitive → its conversion, where it is not a text.
CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "boolean": plain_value,
    "integer": plain_value,
    "unsignedInt": plain_value,
    "positiveInt": plain_value,
    "decimal": _decimal,
    "date": _temporal("Date"),
    "dateTime": _temporal("DateTime"),
    "instant": _temporal("DateTime"),
    "time": _temporal("Time"),
}


def quantity(raw: Any) -> Any:
    """Return a FHIR Quantity as a System one; None where its value does not stand for itself.

    A quantity with a comparator (`< 5 mg`) has no single value. Without a UCUM code the unit
    is taken as it is written, so that equal units still compare.
    """
    value = raw.get("value")
    if value is None or "comparator" in raw or not isinstance(value, int | float | Decimal):
        return None
    number = decimal(value)
    code = raw.get("code")
    if raw.get("system") == UCUM and isinstance(code, str):
        return Quantity(number, code, "either" if code in CALENDAR_OF else "ucum")
    unit = code or raw.get("unit")
    return Quantity(number, unit if isinstance(unit, str) else "1")
