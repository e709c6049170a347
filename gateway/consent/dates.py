"""Partial dates as half-open spans of seconds since 1970.

A date without time is the whole day where the patient lives (rule R4), not a day in UTC:
https://hl7.org/fhir/R4/datatypes.html#dateTime, https://hl7.org/fhir/R4/datatypes.html#Period
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from math import inf
from typing import Any
from zoneinfo import ZoneInfo

#: From (included) to (excluded).
Span = tuple[float, float]


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """Give the time zone of that name (raises ZoneInfoNotFoundError)."""
    return ZoneInfo(name)


def _local(year: int, month: int, day: int, where: ZoneInfo) -> float:
    """Seconds at the beginning of a local day; a year after 9999 is never reached."""
    return inf if year > 9999 else datetime(year, month, day, tzinfo=where).timestamp()


@lru_cache(maxsize=4096)
def span(text: str, where: ZoneInfo) -> Span | None:
    """Read a FHIR date, dateTime or instant; None when it is none."""
    try:
        if len(text) == 4:
            year = int(text)
            return _local(year, 1, 1, where), _local(year + 1, 1, 1, where)
        if len(text) == 7:
            year, month = int(text[:4]), int(text[5:])
            following = (year + 1, 1) if month == 12 else (year, month + 1)
            return _local(year, month, 1, where), _local(*following, 1, where)
        if len(text) == 10:
            day = date.fromisoformat(text)
            start = _local(day.year, day.month, day.day, where)
            if day == date.max:
                return start, inf
            after = day + timedelta(days=1)
            return start, _local(after.year, after.month, after.day, where)
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=where)
        seconds = moment.timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds, seconds + (1e-6 if moment.microsecond else 1.0)


def period(value: object, where: ZoneInfo) -> Span | None:
    """Read a Period with at least one end; None when it cannot be read or runs backwards."""
    if not isinstance(value, Mapping) or not value or not set(value) <= {"id", "start", "end"}:
        return None
    low, high = -inf, inf
    if "start" in value:
        start = _span(value["start"], where)
        if start is None:
            return None
        low = start[0]
    if "end" in value:
        end = _span(value["end"], where)
        if end is None:
            return None
        high = end[1]
    return (low, high) if low < high and ("start" in value or "end" in value) else None


def _span(text: Any, where: ZoneInfo) -> Span | None:
    return span(text, where) if isinstance(text, str) else None


def comes_of_age(birth_date: str, where: ZoneInfo) -> float | None:
    """Give the moment an 18th birthday begins (§ 187 (2), § 188 (2) BGB); None if unknown.

    A partial birth date counts from its first day: a permit given for a child must not outlive
    the earliest possible majority.
    """
    try:
        year = int(birth_date[:4])
        month = int(birth_date[5:7] or 1)
        day = int(birth_date[8:10] or 1)
        date(year, month, day)
    except ValueError:
        return None
    if (month, day) == (2, 29):
        # Born on 29 February: in a year without one, the 18th year ends with 28 February.
        month, day = 3, 1
    return _local(year + 18, month, day, where)
