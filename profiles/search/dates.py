"""Dates of any precision as ranges of time.

https://hl7.org/fhir/R4/search.html#date: a date stands for all instants it covers. Ranges
are half-open, in microseconds since 1970-01-01T00:00Z. A day, month or year means that of
the region's civil time, on both sides of a comparison. A time without a zone, which only
a search can have, is UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

#: Civil time of the health region (IANA time zone database).
REGION = "Europe/Berlin"
#: Ends of open ranges.
BEGINNING = -(2**62)
END = 2**62

Range = tuple[int, int]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?\Z")
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?\Z", re.ASCII
)
_FINER = re.compile(r"\.\d{6}(\d+)", re.ASCII)
_MINUTE = 60_000_000


@lru_cache(maxsize=4096)
def range_of(text: str) -> Range:
    """Return the range a date, dateTime or instant covers.

    Raises ValueError for what is none. Seconds may be left out, as search allows.
    """
    if len(text) <= 10:
        return _of_date(text)
    if len(text) == 25 and text[10] == "T" and text[19] in "+-":
        return _of_second(text)
    moment = _MOMENT.match(text)
    if moment is None:
        raise ValueError("not a FHIR date")
    minute, second, fraction, zone = moment.groups()
    start = datetime.fromisoformat(minute + (zone or ""))
    low = _instant(start if zone else start.replace(tzinfo=UTC))
    if second is None:
        return low, low + _MINUTE
    digits = (fraction or "")[:6]
    width = 10 ** (6 - len(digits))
    low += int(second) * 1_000_000 + int(digits or "0") * width
    return low, low + width


def range_asked(text: str) -> Range:
    """Return the range a search means; raises ValueError.

    What is finer than a microsecond lies between two: no instant is in it.
    """
    low, high = range_of(text)
    finer = _FINER.search(text)
    return (high, high) if finer is not None and finer[1].strip("0") else (low, high)


def _of_second(text: str) -> Range:
    """Read the usual form, 2024-01-02T03:04:05+01:00, the quick way."""
    second = text[17:19]
    start = datetime.fromisoformat(text if second != "60" else f"{text[:17]}59{text[19:]}")
    low = _instant(start) + (1_000_000 if second == "60" else 0)
    return low, low + 1_000_000


def _of_date(text: str) -> Range:
    parts = _DATE.match(text)
    if parts is None:
        raise ValueError("not a FHIR date")
    year, month, day = int(parts[1]), parts[2], parts[3]
    first = date(year, int(month or "1"), int(day or "1"))
    if day:
        return _midnight(first), _after(first)
    if month:
        return _midnight(first), _after(_last_of_month(first))
    return _midnight(first), _after(date(year, 12, 31))


def _last_of_month(first: date) -> date:
    if first.month == 12:
        return first.replace(day=31)
    return first.replace(month=first.month + 1) - _DAY


def _after(day: date) -> int:
    return END if day == date.max else _midnight(day + _DAY)


def _midnight(day: date) -> int:
    return _instant(datetime(day.year, day.month, day.day, tzinfo=_region()))


@cache
def _region() -> ZoneInfo:
    """Read the zone at first use: a system may lack the time zone database."""
    return ZoneInfo(REGION)


def _instant(moment: datetime) -> int:
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def range_of_value(value: Any) -> Range | None:
    """Return the range of a date text, Period or Timing; None when it says nothing.

    A text with fractions of a second is an instant, as exact as this system is.
    """
    if isinstance(value, str):
        found = _range_or_none(value)
        return (found[0], found[0] + 1) if found is not None and "." in value else found
    if "event" in value or "repeat" in value:
        return _of_timing(value)
    return _of_period(value)


def _range_or_none(text: Any) -> Range | None:
    try:
        return range_of(text)
    except (ValueError, TypeError, OverflowError):
        return None


def _of_period(period: dict[str, Any]) -> Range | None:
    start = _range_or_none(period.get("start"))
    end = _range_or_none(period.get("end"))
    if start is None and end is None:
        return None
    return start[0] if start else BEGINNING, end[1] if end else END


def _of_timing(timing: dict[str, Any]) -> Range | None:
    """Return the outer limits: the bounds where given, and all events."""
    ranges = [found for event in timing.get("event", ()) if (found := _range_or_none(event))]
    if bounds := timing.get("repeat", {}).get("boundsPeriod"):
        ranges.extend(filter(None, [_of_period(bounds)]))
    if not ranges:
        return None
    return min(low for low, _ in ranges), max(high for _, high in ranges)
