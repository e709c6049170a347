"""Source timestamps to FHIR dates, their precision kept (https://hl7.org/fhir/R4/datatypes.html).

A time without zone gets the sender's zone, across daylight saving: a local time that exists
twice takes the first (summer) reading, one that does not exist the offset before the change;
both are reported.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache, lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

_DTM = re.compile(
    r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d{1,9}))?)?)?)?)?)?"
    r"(?:([+-])(\d\d):?(\d\d)|(Z))?"
)

_LEAP_SECOND = 60
#: Digits of a timestamp to the second.
_SECONDS = 14
_WIDEST_OFFSET = timedelta(hours=14)
_NO_SHIFT = timedelta(0)


class Moment(NamedTuple):
    """One point in time as the source says it."""

    #: FHIR date or dateTime in the precision of the source.
    fhir: str
    #: FHIR instant; parts the source leaves out are the earliest ones.
    instant: str
    #: UTC, fixed width, comparable as text.
    utc: str
    #: Digits of the source: 4 year, 6 month, 8 day, 10 hour, 12 minute, 14 second.
    precision: int
    #: What was uncertain: "", "ambiguous" or "skipped" local time.
    doubt: str


@cache
def _zone(name: str) -> tzinfo:
    return ZoneInfo(name)


@lru_cache(maxsize=512)
def moment(text: str, zone: str) -> Moment | None:
    """Read an HL7 timestamp (`YYYY[MM[DD[HH[MM[SS[.S…]]]]]][+ZZZZ]`), None when invalid."""
    if len(text) == _SECONDS and text.isdecimal() and text.isascii():
        hour, minute, second = _hour(text[:10], zone), text[10:12], text[12:]
        if hour is not None and minute < "60" and second < "60":
            date, utc, offset = hour
            shown = f"{date}T{text[8:10]}:{minute}:{second}{offset}"
            return Moment(shown, shown, f"{utc}:{minute}:{second}.000000Z", _SECONDS, "")
    return _moment(text, zone)


@lru_cache(maxsize=512)
def _hour(text: str, zone: str) -> tuple[str, str, str] | None:
    """Date, UTC up to the hour and offset of an hour (`YYYYMMDDHH`) without a clock change.

    None where the minutes are not those of UTC, and for what is no hour.
    """
    begin, end = _moment(f"{text}0000", zone), _moment(f"{text}5959", zone)
    if begin is None or end is None or begin.doubt or end.doubt:
        return None
    date, _, clock = begin.fhir.partition("T")
    if clock[8:] != end.fhir.partition("T")[2][8:] or not begin.utc.endswith(":00:00.000000Z"):
        return None
    return date, begin.utc.removesuffix(":00:00.000000Z"), clock[8:]


def _moment(text: str, zone: str) -> Moment | None:
    match = _DTM.fullmatch(text)
    if match is None or int(match[6] or 0) > _LEAP_SECOND:
        return None
    year, month, day, hour, minute, second, fraction, sign, hours, minutes, utc = match.groups()
    try:
        local = datetime(  # noqa: DTZ001  the zone is attached below
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            min(int(second or 0), 59),
            int((fraction or "0")[:6].ljust(6, "0")),
        )
        shift, doubt = _shift(local, zone, sign, hours, minutes, utc)
        stamp = (local - shift).isoformat(timespec="microseconds") + "Z"
    except (ValueError, OverflowError):
        return None
    offset = _offset(shift)
    clock = f"{hour or '00'}:{minute or '00'}:{second or '00'}"
    if fraction:
        clock += f".{fraction}"
    date = "-".join(part for part in (year, month, day) if part)
    instant = f"{year}-{month or '01'}-{day or '01'}T{clock}{offset}"
    precision = 2 + 2 * sum(1 for part in (year, month, day, hour, minute, second) if part)
    return Moment(instant if hour else date, instant, stamp, precision, doubt if hour else "")


def _shift(
    local: datetime, zone: str, sign: str | None, hours: str, minutes: str, utc: str | None
) -> tuple[timedelta, str]:
    """Return how far a local time is from UTC, and what is doubtful about it."""
    if utc:
        return _NO_SHIFT, ""
    if sign:
        shift = timedelta(hours=int(hours), minutes=int(minutes))
        if shift > _WIDEST_OFFSET:
            raise ValueError("no zone is so far from UTC")
        return (shift if sign == "+" else -shift), ""
    aware = local.replace(tzinfo=_zone(zone))
    shift = aware.utcoffset() or _NO_SHIFT
    if shift == aware.replace(fold=1).utcoffset():
        return shift, ""
    exists = aware.astimezone(UTC).astimezone(_zone(zone)).replace(tzinfo=None) == local
    return shift, "ambiguous" if exists else "skipped"


@lru_cache(maxsize=256)
def _offset(shift: timedelta) -> str:
    minutes = int(shift.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def to_hl7(fhir: str) -> str:
    """Write a FHIR date, dateTime or instant as an HL7 timestamp, its precision kept."""
    date, _, rest = fhir.partition("T")
    written = date.replace("-", "")
    if not rest:
        return written
    match = re.fullmatch(r"(\d\d):(\d\d):(\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?", rest)
    if match is None:
        return written
    hour, minute, second, fraction, offset = match.groups()
    shift = "+0000" if offset == "Z" else (offset or "").replace(":", "")
    return f"{written}{hour}{minute}{second}{(fraction or '')[:5]}{shift}"


def is_after(one: str, other: str) -> bool:
    """Tell whether one FHIR date or dateTime surely lies after another, by what both state."""
    if "T" in one and "T" in other:
        return datetime.fromisoformat(one) > datetime.fromisoformat(other)
    shorter = min(len(one), len(other), len("YYYY-MM-DD"))
    return one[:shorter] > other[:shorter]
