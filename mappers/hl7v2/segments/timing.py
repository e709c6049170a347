"""TQ1 and TQ (ORC-7, OBR-27, RXE-1) → Timing, with what else they say of an order.

HL7 v2.5 chapter 4.5.4 (TQ1) and 4.3 (TQ). Several patterns (TQ1-3 repeats) are several timings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from mappers.hl7v2.datatypes import repeat_patterns
from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.converters import quantity
from mappers.hl7v2.datatypes.periods import ordered
from mappers.hl7v2.datatypes.units import cq, duration, time_unit, units_of
from mappers.hl7v2.session import ALTERNATE_CODES, V2, Session
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf, leaves_of
from mappers.trace import Text, Value, derived, text

_LASTING = re.compile(r"([SMHDWL])(\d{1,4})", re.IGNORECASE)
_LASTING_WORDS = re.compile(r"(\d{1,4})\s*([A-Za-zµ]+)")
_TIMES = re.compile(r"X(\d{1,4})", re.IGNORECASE)
_UNITS = {"S": "s", "M": "min", "H": "h", "D": "d", "W": "wk", "L": "mo"}
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "wk": 604800}
_UCUM = "http://unitsofmeasure.org"
DELETE = '""'


class Schedule(NamedTuple):
    """What a TQ1 or a TQ says."""

    #: One Timing per pattern; empty where nothing is said of when.
    timings: list[dict[str, Any]]
    #: How much each time.
    quantity: dict[str, Any] | None
    #: TQ1-9 or TQ.6, shaped as a CWE; None: not said.
    priority: Repetition | None
    #: On what it depends, in words.
    conditions: list[Text]
    #: Instructions in words.
    texts: list[Text]
    #: Only when needed: the leaf that says so.
    as_needed: Text | None


def of_segment(session: Session, segment: Segment) -> Schedule:
    """TQ1 → Schedule."""
    patterns = segment.repetitions(3)
    timings = [t for r in patterns if (t := repeat_patterns.timing(session, r)) is not None]
    timings = timings or [{}]
    lasting = next((d for r in segment.repetitions(6) if (d := duration(session, r))), None)
    start, end = segment.first(7), segment.first(8)
    bounds = _bounds(session, start, end, lasting)
    for made in timings:
        repeat = made.setdefault("repeat", {})
        repeat.update(bounds)
        _explicit_times(session, segment.texts(4), start, made)
        _relative(session, segment.repetitions(5), repeat)
        _occurrence(session, segment.repetitions(13), segment.first(14), repeat)
    amounts = [q for r in segment.repetitions(2) if (q := cq(session, r)) is not None]
    priority = next(iter(segment.repetitions(9)), None)
    return Schedule(
        _filled(timings),
        amounts[0] if amounts else None,
        priority,
        _words(segment.texts(10)),
        _words(segment.texts(11)),
        _as_needed(patterns, priority),
    )


def of_field(session: Session, repetition: Repetition) -> Schedule:
    """TQ → Schedule; its parts are components, theirs subcomponents."""
    intervals = units_of(repetition, 2)
    made = repeat_patterns.interval(session, intervals[0]) if intervals else None
    made = made if made is not None else {}
    repeat = made.setdefault("repeat", {})
    lasting = leaf(repetition, 3)
    span = _span(lasting, repeat) if lasting is not None else None
    repeat.update(_bounds(session, leaf(repetition, 4), leaf(repetition, 5), span))
    amounts = units_of(repetition, 1)
    _occurrence(session, units_of(repetition, 11), leaf(repetition, 12), repeat)
    stated = leaf(repetition, 6)
    priority: Repetition | None = [None, stated] if stated is not None else None
    return Schedule(
        _filled([made]),
        cq(session, amounts[0]) if amounts else None,
        priority,
        _words([leaf(repetition, 7)]),
        _words([leaf(repetition, 8)]),
        _as_needed(intervals, priority),
    )


def set_priority(session: Session, resource: dict[str, Any], stated: Repetition | None) -> None:
    """Set `priority`; a code the table does not know stays beside it as original text."""
    code = leaf(stated, 1) if stated is not None else None
    if code is None or stated is None or code == DELETE or "priority" in resource:
        return
    session.coded(resource, "priority", "order-priority", code)
    whole = concept(session, stated, default=V2 + "0485") if len(stated) > 4 else None
    if whole is not None:
        extension = {"url": ALTERNATE_CODES, "valueCodeableConcept": whole}
        resource.setdefault("_priority", {}).setdefault("extension", []).append(extension)
    known = session.lookup("order-priority", code)
    words, system = leaf(stated, 2), leaf(stated, 3)
    if known is not None and words is not None and words.lower() == known.display.lower():
        session.echoes.append(words)
    if known is not None and system is not None and system.endswith(("0485", "0027")):
        session.echoes.append(system)


def _filled(timings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for made in timings:
        if not made.get("repeat"):
            made.pop("repeat", None)
    return [made for made in timings if made]


def _words(stated: Sequence[Text | None]) -> list[Text]:
    return [one for one in stated if one is not None and one != DELETE]


def _as_needed(patterns: list[Repetition], priority: Repetition | None) -> Text | None:
    """A pattern or a priority `PRN…`."""
    for repetition in patterns:
        if repeat_patterns.is_as_needed(repetition):
            return next(iter(leaves_of(repetition)))
    code = leaf(priority, 1) if priority is not None else None
    return code if code is not None and code.upper() == "PRN" else None


def _bounds(
    session: Session, first: Text | None, last: Text | None, lasting: dict[str, Any] | None
) -> dict[str, Any]:
    """Start, end and how long: two of them are a period, a duration alone stays one."""
    start, end = session.date_time(first), session.date_time(last)
    if lasting is not None and (start is None) is not (end is None):
        moved = _moved(session, first or last, lasting, -1 if start is None else 1)
        start, end = (moved, end) if start is None else (start, moved)
    period = {k: v for k, v in (("start", start), ("end", end)) if v is not None}
    if period:
        return {"boundsPeriod": ordered(session, period)}
    return {"boundsDuration": lasting} if lasting is not None else {}


def _moved(session: Session, stated: Text | None, lasting: dict[str, Any], sign: int) -> str | None:
    """A time so much later or earlier, in its own precision; months have no fixed length."""
    moment = session.moment(stated)
    seconds = _SECONDS.get(lasting["code"])
    if moment is None or seconds is None:
        return None
    try:
        shift = timedelta(seconds=float(lasting["value"].value) * seconds * sign)
        moved = datetime.fromisoformat(moment.instant) + shift
    except (ValueError, OverflowError):
        return None
    written = moved.isoformat()
    if moment.precision <= 8 and not shift.seconds:
        written = written[: len(moment.fhir)]
    return derived(written, stated, lasting["value"], lasting["code"], lasting["unit"])


def _explicit_times(
    session: Session, stated: list[Text], start: Text | None, made: dict[str, Any]
) -> None:
    """TQ1-4: times of the day; beside an event (invariant tim-10) times of the first day."""
    times = [t for one in stated if (t := repeat_patterns.time_of_day(one)) is not None]
    if not times:
        return
    if "when" not in made["repeat"]:
        made["repeat"]["timeOfDay"] = times
        return
    moment = session.moment(start)
    if moment is None or moment.precision < 8:
        return
    day = moment.instant[:10]
    offset = "Z" if moment.instant.endswith("Z") else moment.instant[-6:]
    made["event"] = [derived(f"{day}T{time}{offset}", time, start) for time in times]


def _relative(session: Session, stated: list[Repetition], repeat: dict[str, Any]) -> None:
    """TQ1-5: minutes from the event, where the pattern names none the time between."""
    for repetition in stated[:1]:
        number, units = leaf(repetition, 1), units_of(repetition, 2)
        if number is None or not units or "offset" in repeat:
            continue
        if not repeat_patterns.set_offset(session, repeat, number, units[0]):
            repeat.update(period(session, repetition) if "period" not in repeat else {})


def period(session: Session, repetition: Repetition) -> dict[str, Any]:
    """CQ → period and unit of Timing.repeat; empty for what is no time."""
    number, units = leaf(repetition, 1), units_of(repetition, 2)
    code = time_unit(session, units[0]) if units else None
    value = quantity(session, number) if number is not None else None
    if code is None or value is None or value.value < 0:
        return {}
    return {"period": value, "periodUnit": code}


def _occurrence(
    session: Session, lasting: list[Repetition], total: Text | None, repeat: dict[str, Any]
) -> None:
    """How long each time and how often in all."""
    for repetition in lasting[:1]:
        found = duration(session, repetition)
        if found is not None and found["value"].value >= 0:
            words = found["unit"]
            repeat["duration"] = found["value"]
            repeat["durationUnit"] = derived(found["code"], found["code"], words)
    if total is not None and total.isdecimal() and len(total) <= 10 and 0 < int(total) < 2**31:
        repeat["count"] = Value(int(total), total.source)


def _span(stated: Text, repeat: dict[str, Any]) -> dict[str, Any] | None:
    """TQ.3: `D4` or `4 Tage` is a Duration, `X10` a number of times."""
    times = _TIMES.fullmatch(stated)
    if times is not None and int(times.group(1)):
        repeat["count"] = Value(int(times.group(1)), stated.source)
        return None
    match = _LASTING.fullmatch(stated)
    words = _LASTING_WORDS.fullmatch(stated)
    if match is not None:
        number, code = match.group(2), _UNITS[match.group(1).upper()]
    elif words is not None and words.group(2).upper() in _UNITS:
        number, code = words.group(1), _UNITS[words.group(2).upper()]
    else:
        return None
    value = Value(int(number), stated.source)
    unit = text(code, stated.source)
    return {"value": value, "unit": unit, "system": _UCUM, "code": unit}
