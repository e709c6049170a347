"""Dates and times plus or minus a duration.

https://hl7.org/fhirpath/N1/#datetime-arithmetic. The day is kept inside its month
(31 January + 1 month is the last of February); a duration finer than the value's precision is
converted to it (1 year = 365 days, 1 month = 30 days) and cut off. Only seconds keep a fraction.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from decimal import Decimal

from profiles.fhirpath.temporal import Part, Temporal

#: Calendar unit → seconds, as the specification converts them.
SECONDS = {
    "year": Decimal(365 * 86_400),
    "month": Decimal(30 * 86_400),
    "week": Decimal(7 * 86_400),
    "day": Decimal(86_400),
    "hour": Decimal(3_600),
    "minute": Decimal(60),
    "second": Decimal(1),
    "millisecond": Decimal("0.001"),
}
_MONTHS = {"year": 12, "month": 1}
_PRECISIONS = ("year", "month", "day", "hour", "minute", "second")
_CLOCK_UNITS = frozenset({"hour", "minute", "second", "millisecond"})
_DAY = 86_400
#: Longer durations leave the years 1 to 9999 anyway.
_MOST_SECONDS = Decimal(10_000 * 366 * _DAY)


def add(value: Temporal, amount: Decimal, unit: str) -> Temporal | None:
    """Add a calendar duration; None when the result is beyond the years 1 to 9999.

    Raises ValueError when a Time is moved by days or more.
    """
    if value.kind == "Time" and unit not in _CLOCK_UNITS:
        raise ValueError("a Time moves by hours, minutes, seconds or milliseconds")
    if abs(amount * SECONDS[unit]) > _MOST_SECONDS:
        return None
    if unit not in ("second", "millisecond"):
        amount = Decimal(int(amount))
    precision = _precision(value)
    if SECONDS[unit] < SECONDS[precision] and precision != "second":
        amount, unit = _converted(amount, unit, precision), precision
    if value.kind == "Time":
        return Temporal("Time", _clock_after(value.parts, amount * SECONDS[unit])[1])
    return _moved(value, amount, unit)


def _precision(value: Temporal) -> str:
    start = 3 if value.kind == "Time" else 0
    return _PRECISIONS[start + len(value.parts) - 1]


def _converted(amount: Decimal, unit: str, target: str) -> Decimal:
    if unit in _MONTHS:
        return Decimal(int(amount / 12))
    return Decimal(int(amount * SECONDS[unit] / SECONDS[target]))


def _moved(value: Temporal, amount: Decimal, unit: str) -> Temporal | None:
    try:
        if unit in _MONTHS:
            parts = _months_later(value.parts, int(amount) * _MONTHS[unit])
        else:
            parts = _seconds_later(value.parts, amount * SECONDS[unit])
    except (OverflowError, ValueError):
        return None
    return Temporal(value.kind, parts, value.offset)


def _months_later(parts: tuple[Part, ...], months: int) -> tuple[Part, ...]:
    first = int(parts[1]) if len(parts) > 1 else 1
    year, month = divmod(int(parts[0]) * 12 + first - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise ValueError("beyond the calendar")
    if len(parts) <= 2:
        return (year, month + 1)[: len(parts)]
    day = min(int(parts[2]), calendar.monthrange(year, month + 1)[1])
    return (year, month + 1, day, *parts[3:])


def _seconds_later(parts: tuple[Part, ...], seconds: Decimal) -> tuple[Part, ...]:
    days, clock = _clock_after(parts[3:], seconds)
    start = date(int(parts[0]), int(parts[1]), int(parts[2]))
    after = start + timedelta(days=days)
    return (after.year, after.month, after.day, *clock)


def _clock_after(parts: tuple[Part, ...], seconds: Decimal) -> tuple[int, tuple[Part, ...]]:
    """Move a clock, return the days it went over and the clock as precise as it was."""
    weights = (3_600, 60, 1)
    # A leap second counts as the one before it.
    known = [_within(Decimal(part)) if at == 2 else part for at, part in enumerate(parts)]
    start = sum((Decimal(part) * weights[at] for at, part in enumerate(known)), Decimal(0))
    total = start + seconds
    days = int((total / _DAY).to_integral_value(rounding="ROUND_FLOOR"))
    rest = total - days * _DAY
    hour, rest = divmod(rest, 3_600)
    minute, second = divmod(rest, 60)
    clock: tuple[Part, ...] = (int(hour), int(minute), _tidy(second, parts))
    return days, clock[: len(parts)]


def _within(second: Decimal) -> Decimal:
    return second - 1 if second >= 60 else second


def _tidy(second: Decimal, before: tuple[Part, ...]) -> Decimal:
    """Keep the fraction digits that were written; show new ones as milliseconds."""
    written = before[2] if len(before) == 3 else Decimal(0)
    digits = -int(Decimal(written).as_tuple().exponent)
    needed = -int(second.normalize().as_tuple().exponent)
    if needed > digits:
        digits = max(needed, 3)
    return second.quantize(Decimal(1).scaleb(-max(digits, 0)))
