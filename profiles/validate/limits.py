"""Lengths and ranges of single values (ElementDefinition.maxLength, minValue, maxValue).

https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.minValue_x_: the limit
of a date may be a duration, which counts from now: back for a least value, forward for a largest.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from profiles.fhirpath.quantity import Quantity, compare
from profiles.fhirpath.temporal import Kind, Temporal, now_as_temporal, read_temporal
from profiles.fhirpath.temporal import compare as compare_times
from profiles.fhirpath.temporal_math import add
from profiles.snapshot.elements import Element
from profiles.validate.members import Item
from profiles.validate.run import Check, Run

UCUM = "http://unitsofmeasure.org"
#: UCUM's code of a duration → unit of the calendar.
_CALENDAR = {
    "a": "year",
    "mo": "month",
    "wk": "week",
    "d": "day",
    "h": "hour",
    "min": "minute",
    "s": "second",
}
#: Parts of a date: year, month and day.
_DAY = 3


def limit_checks(element: Element, base: Element) -> Iterator[Check]:
    """Return what checks the limits an element has and its base has not."""
    if element.max_length is not None and element.max_length != base.max_length:
        yield _length(element.max_length)
    if element.min_value is not None and element.min_value != base.min_value:
        yield _limit(element.min_value.value, least=True)
    if element.max_value is not None and element.max_value != base.max_value:
        yield _limit(element.max_value.value, least=False)


def _length(most: int) -> Check:
    def check(item: Item, run: Run) -> None:
        if isinstance(item.value, str) and len(item.value) > most:
            text = f"the text is longer than {most} characters"
            run.report("error", "too-long", text, item.place)

    return check


def _limit(limit: Any, *, least: bool) -> Check:
    text = (
        f"the value is {'smaller than the least' if least else 'larger than the largest'} allowed"
    )

    def check(item: Item, run: Run) -> None:
        bound = limit
        if isinstance(limit, dict) and isinstance(item.value, str):
            bound = _moment(limit, run, sign=-1 if least else 1)
        order = compared(item.value, bound)
        if order is not None and (order < 0 if least else order > 0):
            run.report("error", "value", text, item.place)

    return check


def _moment(duration: Any, run: Run, sign: int) -> str | None:
    """Return the limit of a date: so long before now, or after it."""
    amount, code = _decimal(duration.get("value")), duration.get("code")
    clock = run.services.clock
    now = clock() if clock is not None else datetime.now().astimezone()
    unit = _CALENDAR.get(code) if duration.get("system") == UCUM else None
    if amount is None or unit is None:
        return None
    moment = add(now_as_temporal(now), sign * amount, unit)
    return str(moment) if moment is not None else None


def compared(value: Any, limit: Any) -> int | None:
    """Return -1, 0 or 1; None where the two cannot be compared.

    Dates and times are compared as far as both go, quantities after conversion of their units.
    """
    if isinstance(limit, dict):
        one, other = _quantity(value), _quantity(limit)
        return compare(one, other) if one is not None and other is not None else None
    if isinstance(limit, str) and isinstance(value, str):
        return _compared_times(value, limit)
    numbers = _decimal(value), _decimal(limit)
    if numbers[0] is None or numbers[1] is None:
        return None
    return (numbers[0] > numbers[1]) - (numbers[0] < numbers[1])


def _compared_times(value: str, limit: str) -> int | None:
    kind: Kind = "Time" if value[2:3] == ":" else "DateTime"
    one, other = read_temporal(kind, value), read_temporal(kind, limit)
    if one is None or other is None:
        return None
    size = min(len(one.parts), len(other.parts))
    if kind == "DateTime" and size <= _DAY:
        # A date has no zone: it is the date wherever the limit's clock stands.
        one, other = (Temporal(kind, each.parts[:size]) for each in (one, other))
    return compare_times(one, other)


def _quantity(value: Any) -> Quantity | None:
    if not isinstance(value, dict):
        return None
    number, code = _decimal(value.get("value")), value.get("code")
    if number is None or value.get("system") != UCUM or not isinstance(code, str):
        return None
    return Quantity(number, code, "ucum")


def _decimal(value: Any) -> Decimal | None:
    """Return a number as it is written; None for what is none, and for NaN and the infinities."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    return number if number.is_finite() else None
