"""The present moment, and parts of dates and times.

https://hl7.org/fhirpath/N1/#current-date-and-time-functions; the parts (yearOf() …) are STU in
the current build.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from profiles.fhirpath.context import Evaluation
from profiles.fhirpath.functions.function import Function
from profiles.fhirpath.items import Items
from profiles.fhirpath.singles import value
from profiles.fhirpath.temporal import Temporal, read_temporal


def _now(evaluation: Evaluation, _items: Items) -> Items:
    return [evaluation.now()]


def _today(evaluation: Evaluation, _items: Items) -> Items:
    return [Temporal("Date", evaluation.now().parts[:3])]


def _time_of_day(evaluation: Evaluation, _items: Items) -> Items:
    return [Temporal("Time", evaluation.now().parts[3:])]


def _temporal(items: Items) -> Temporal | None:
    known = value(items)
    if known.__class__ is str:
        return read_temporal("DateTime", known)
    return known if isinstance(known, Temporal) else None


def _part(name: str, take: Callable[[Any], Any]) -> Callable[[Evaluation, Items], Items]:
    places = ("year", "month", "day", "hour", "minute", "second")

    def call(_evaluation: Evaluation, items: Items) -> Items:
        moment = _temporal(items)
        if moment is None:
            return []
        place = places.index(name) - (3 if moment.kind == "Time" else 0)
        if not 0 <= place < len(moment.parts):
            return []
        part = take(moment.parts[place])
        return [] if part is None else [part]

    return call


def _milliseconds(second: Decimal) -> int | None:
    written = int(second.as_tuple().exponent)
    return int(second % 1 * 1000) if written < 0 else None


def _offset(_evaluation: Evaluation, items: Items) -> Items:
    moment = _temporal(items)
    if moment is None or moment.offset is None:
        return []
    return [Decimal(moment.offset) / 60]


def _date(_evaluation: Evaluation, items: Items) -> Items:
    moment = _temporal(items)
    return [] if moment is None or moment.kind == "Time" else [Temporal("Date", moment.parts[:3])]


def _time(_evaluation: Evaluation, items: Items) -> Items:
    moment = _temporal(items)
    if moment is None or moment.kind == "Time" or len(moment.parts) < 4:
        return []
    return [Temporal("Time", moment.parts[3:])]


FUNCTIONS: dict[str, Function] = {
    "now": Function(_now),
    "today": Function(_today),
    "timeOfDay": Function(_time_of_day),
    "yearOf": Function(_part("year", int)),
    "monthOf": Function(_part("month", int)),
    "dayOf": Function(_part("day", int)),
    "hourOf": Function(_part("hour", int)),
    "minuteOf": Function(_part("minute", int)),
    "secondOf": Function(_part("second", int)),
    "millisecondOf": Function(_part("second", _milliseconds)),
    "timezoneOffsetOf": Function(_offset),
    "dateOf": Function(_date),
    "timeOf": Function(_time),
}
