"""Dates, times and both, each known only as precisely as it was written.

https://hl7.org/fhirpath/N1/#datetime, https://hl7.org/fhirpath/N1/#datetime-equality: values of
different precision compare as far as both are known, and give no answer beyond that. Seconds
and fractions of a second count as one precision.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Literal

Kind = Literal["Date", "DateTime", "Time"]
#: Integers down to the minute; seconds as Decimal with their written fraction.
Part = int | Decimal

_DATE = r"(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2}))?)?"
_CLOCK = r"(?P<hour>\d{2})(?::(?P<minute>\d{2})(?::(?P<second>\d{2}(?:\.\d{1,20})?))?)?"
_OFFSET = r"(?P<offset>Z|[+-]\d{2}:\d{2})?"
_PATTERNS: dict[Kind, re.Pattern[str]] = {
    "Date": re.compile(_DATE + r"\Z"),
    "DateTime": re.compile(_DATE + rf"(?:T(?:{_CLOCK}{_OFFSET})?)?\Z"),
    "Time": re.compile(rf"T?{_CLOCK}\Z"),
}
_NAMES: dict[Kind, tuple[str, ...]] = {
    "Date": ("year", "month", "day"),
    "DateTime": ("year", "month", "day", "hour", "minute", "second"),
    "Time": ("hour", "minute", "second"),
}
_HIGHEST = {"month": 12, "hour": 23, "minute": 59, "second": 60}
_MOST_OFFSET = 14 * 60
#: How far local time is from UTC at most: UTC+14 is earliest, UTC-12 latest.
_EARLIEST = timedelta(hours=14)
_LATEST = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Temporal:
    """A Date, DateTime or Time of FHIRPath's System types."""

    kind: Kind
    #: From the year (Time: the hour) down to what is known.
    parts: tuple[Part, ...]
    #: Minutes east of UTC; None where nothing was said.
    offset: int | None = None

    def __str__(self) -> str:
        """Write it as FHIR does: without the `@` of a literal."""
        if self.kind == "Time":
            return clock_text(self.parts)
        date = "-".join(f"{part:0{4 if not place else 2}d}" for place, part in _whole(self.parts))
        if len(self.parts) <= 3:
            return date
        return f"{date}T{clock_text(self.parts[3:])}{offset_text(self.offset)}"

    @property
    def precision(self) -> int:
        """Digits that are written, as precision() counts them."""
        digits = sum(4 if self.kind != "Time" and not at else 2 for at in range(len(self.parts)))
        return digits + (3 if self._has_fraction() else 0)

    def _has_fraction(self) -> bool:
        last = self.parts[-1]
        return isinstance(last, Decimal) and last.as_tuple().exponent != 0


def _whole(parts: tuple[Part, ...]) -> list[tuple[int, int]]:
    return [(place, int(part)) for place, part in enumerate(parts[:3])]


def clock_text(parts: tuple[Part, ...]) -> str:
    """Write hours, minutes and seconds."""
    written = [f"{int(part):02d}" for part in parts[:2]]
    if len(parts) == 3:
        whole, dot, fraction = str(parts[2]).partition(".")
        written.append(f"{whole:0>2}{dot}{fraction}")
    return ":".join(written)


def offset_text(offset: int | None) -> str:
    """Write the distance from UTC."""
    if offset is None:
        return ""
    if not offset:
        return "Z"
    hours, minutes = divmod(abs(offset), 60)
    return f"{'-' if offset < 0 else '+'}{hours:02d}:{minutes:02d}"


@lru_cache(maxsize=4096)
def read_temporal(kind: Kind, text: str) -> Temporal | None:
    """Read a written date or time; None when it is none, or none of the calendar."""
    match = _PATTERNS[kind].match(text)
    if match is None:
        return None
    parts: list[Part] = []
    for name in _NAMES[kind]:
        if (written := match[name]) is None:
            break
        parts.append(Decimal(written) if name == "second" else int(written))
    offset = _read_offset(match.groupdict().get("offset"))
    if offset is not None and abs(offset) > _MOST_OFFSET:
        return None
    return Temporal(kind, tuple(parts), offset) if _exists(kind, parts) else None


def _read_offset(text: str | None) -> int | None:
    if text is None:
        return None
    if text == "Z":
        return 0
    minutes = int(text[1:3]) * 60 + int(text[4:])
    if int(text[4:]) > 59:
        return _MOST_OFFSET + 1
    return -minutes if text[0] == "-" else minutes


def _exists(kind: Kind, parts: list[Part]) -> bool:
    for name, part in zip(_NAMES[kind], parts, strict=False):
        if name in _HIGHEST and int(part) > _HIGHEST[name]:
            return False
        if name in ("year", "month", "day") and part < 1:
            return False
    if kind != "Time" and len(parts) >= 3:
        return int(parts[2]) <= calendar.monthrange(int(parts[0]), int(parts[1]))[1]
    return True


def read_literal(text: str) -> Temporal | None:
    """Read a literal after its `@`."""
    if text.startswith("T"):
        return read_temporal("Time", text)
    return read_temporal("DateTime" if "T" in text else "Date", text)


def comparable(left: Temporal, right: Temporal) -> bool:
    """Say whether two values are of kinds that compare: a Date with a DateTime does."""
    return (left.kind == "Time") == (right.kind == "Time")


def compare(left: Temporal, right: Temporal) -> int | None:
    """Order two comparable values: -1, 0, 1; None where their precision leaves it open."""
    if left.offset is not None and right.offset is not None and left.offset != right.offset:
        return _compare_parts(in_utc(left).parts, in_utc(right).parts)
    if (left.offset is None) != (right.offset is None):
        return _compare_spans(_span(left), _span(right))
    return _compare_parts(left.parts, right.parts)


def _compare_parts(left: tuple[Part, ...], right: tuple[Part, ...]) -> int | None:
    for mine, other in zip(left, right, strict=False):
        if mine != other:
            return -1 if mine < other else 1
    return 0 if len(left) == len(right) else None


def _compare_spans(left: tuple[datetime, datetime], right: tuple[datetime, datetime]) -> int | None:
    """One of both has no offset: only what holds anywhere on earth is certain."""
    if left[1] < right[0]:
        return -1
    return 1 if left[0] > right[1] else None


def _span(value: Temporal) -> tuple[datetime, datetime]:
    """Earliest and latest instant in UTC that the value may mean."""
    numbers = [int(part) for part in value.parts]
    least = [*numbers, *(0, 1, 1, 0, 0, 0)[len(numbers) :]]
    most = [*numbers, *(0, 12, 31, 23, 59, 59)[len(numbers) :]]
    if len(numbers) < 3:
        most[2] = calendar.monthrange(most[0], most[1])[1]
    fraction = _fraction(value.parts)
    try:
        if value.offset is not None:
            shift = timedelta(minutes=value.offset)
            return _instant(least, fraction) - shift, _instant(most, fraction) - shift
        return _instant(least, fraction) - _EARLIEST, _instant(most, fraction) + _LATEST
    except OverflowError:
        return _instant(least, fraction), _instant(most, fraction)


def _fraction(parts: tuple[Part, ...]) -> int:
    return int(parts[5] % 1 * 1_000_000) if len(parts) == 6 else 0


def _instant(numbers: list[int], microseconds: int) -> datetime:
    year, month, day, hour, minute, second = numbers
    return datetime(year, month, day, hour, minute, min(second, 59), microseconds)  # noqa: DTZ001


def in_utc(value: Temporal) -> Temporal:
    """Move a DateTime with an offset to UTC; its precision stays."""
    if not value.offset or len(value.parts) < 4:
        return value
    numbers = [int(part) for part in value.parts]
    moment = datetime(*(numbers[:5] + [0])[:5])  # type: ignore[arg-type]  # noqa: DTZ001, RUF005
    try:
        moment -= timedelta(minutes=value.offset)
    except OverflowError:
        return value
    moved = (moment.year, moment.month, moment.day, moment.hour, moment.minute)
    return Temporal("DateTime", (*moved, *value.parts[5:])[: len(numbers)], 0)


def now_as_temporal(moment: datetime) -> Temporal:
    """Turn an aware datetime into a DateTime with milliseconds."""
    seconds = Decimal(moment.second) + Decimal(moment.microsecond // 1000) / 1000
    parts = (moment.year, moment.month, moment.day, moment.hour, moment.minute)
    shift = moment.utcoffset() or timedelta()
    offset = int(shift.total_seconds()) // 60
    return Temporal("DateTime", (*parts, seconds.quantize(Decimal("0.001"))), offset)
