"""OBX-5 by datatype → Observation.value[x]; OBX-7 → reference range (HL7 v2.5 chapter 7.4.2.5)."""

from __future__ import annotations

import re
from typing import Any

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.converters import quantity
from mappers.hl7v2.datatypes.periods import ordered
from mappers.hl7v2.session import Session
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf, leaves_of, sub
from mappers.trace import Text, Value, derived, text
from profiles.reading.decimals import decimal_from_literal

_UCUM = "http://unitsofmeasure.org"
_COMPARATOR = re.compile(r"(<=|>=|<|>|=)?\s*([+-]?[\d.,]+(?:[eE][+-]?\d+)?)")
_RANGE = re.compile(r"(-?\d+(?:[.,]\d+)?)\s*(?:-|–|bis)\s*(-?\d+(?:[.,]\d+)?)")
_LIMIT = re.compile(r"(<=|>=|<|>)\s*(-?\d+(?:[.,]\d+)?)")
_TIME = re.compile(r"(\d\d)(\d\d)(\d\d)?(\.\d+)?([+-]\d{4})?")
_COMPARATORS = frozenset({"<", "<=", ">=", ">"})
_UCUM_NAMES = frozenset({"UCUM", _UCUM, "2.16.840.1.113883.6.8"})
DELETE = '""'

Found = dict[str, Any] | None


def _unit(session: Session, segment: Segment) -> dict[str, Any]:
    """OBX-6 → unit, system and code of a Quantity."""
    for repetition in segment.repetitions(6):
        code, words, system = leaf(repetition, 1), leaf(repetition, 2), leaf(repetition, 3)
        if code is None or code == DELETE:
            return {"unit": words} if words is not None and words != DELETE else {}
        made: dict[str, Any] = {"unit": words if words is not None else code}
        if system is not None and system.upper() in _UCUM_NAMES:
            made["system"] = text(_UCUM, system.source)
            made["code"] = code
        elif system is not None and words is not None:
            made["system"] = text(f"{session.namespace}/unit/{system}", system.source)
            made["code"] = code
        elif words is not None:
            made["code"] = code
            made["system"] = f"{session.namespace}/unit"
        return made
    return {}


def numeric(session: Session, segment: Segment, repetition: Repetition) -> Found:
    """NM → valueQuantity; senders also write comparators into it."""
    stated = leaf(repetition, 1)
    if stated is None or stated == DELETE:
        return None
    match = _COMPARATOR.fullmatch(stated)
    if match is None:
        session.issue("value", "not a number; kept as text", stated, "102")
        return None
    comparator, number = match.groups()
    value = quantity(session, text(number, stated.source))
    if value is None:
        return None
    made: dict[str, Any] = {"value": value}
    if comparator in _COMPARATORS:
        made["comparator"] = text(comparator, stated.source)
    return {"valueQuantity": {**made, **_unit(session, segment)}}


def structured_numeric(session: Session, segment: Segment, repetition: Repetition) -> Found:
    """SN → Quantity, Ratio or Range by its separator; else None."""
    comparator, first, separator, second = (leaf(repetition, n) for n in (1, 2, 3, 4))
    unit = _unit(session, segment)
    low = quantity(session, first) if first is not None else None
    high = quantity(session, second) if second is not None else None
    if separator is None and second is None and low is not None:
        return _sn_quantity(comparator, low, unit)
    if separator in (":", "/") and low is not None and high is not None:
        numerator: dict[str, Any] = {"value": low}
        if comparator in _COMPARATORS:
            numerator["comparator"] = comparator
        ratio = {"numerator": {**numerator, **unit}, "denominator": {"value": high, **unit}}
        _remember(session, separator)
        return {"valueRatio": ratio}
    if separator == "-" and low is not None and high is not None and comparator is None:
        _remember(session, separator)
        return {"valueRange": {"low": {"value": low, **unit}, "high": {"value": high, **unit}}}
    return None


def _sn_quantity(comparator: Text | None, value: Value, unit: dict[str, Any]) -> Found:
    made: dict[str, Any] = {"value": value}
    if comparator in _COMPARATORS:
        made["comparator"] = comparator
    elif comparator is not None and comparator != "=":
        return None
    return {"valueQuantity": {**made, **unit}}


def _remember(session: Session, separator: Text | None) -> None:
    """The separator became the shape of the value."""
    if separator is not None:
        session.echoes.append(separator)


def coded_value(session: Session, segment: Segment, repetition: Repetition) -> Found:
    """CE, CWE, CNE, CF, IS, ID → valueCodeableConcept."""
    del segment
    found = concept(session, repetition)
    return {"valueCodeableConcept": found} if found else None


def timestamp_value(session: Session, segment: Segment, repetition: Repetition) -> Found:
    """DT, DTM, TS → valueDateTime."""
    del segment
    found = session.date_time(leaf(repetition, 1))
    return {"valueDateTime": found} if found is not None else None


def time_value(session: Session, segment: Segment, repetition: Repetition) -> Found:
    """TM → valueTime."""
    del segment
    stated = leaf(repetition, 1)
    match = _TIME.fullmatch(stated) if stated is not None else None
    if stated is None or match is None:
        return None
    hour, minute, second, fraction, _ = match.groups()
    if int(hour) > 23 or int(minute) > 59 or int(second or 0) > 59:
        session.issue("value", "not a valid time", stated, "102")
        return None
    written = f"{hour}:{minute}:{second or '00'}{fraction or ''}"
    return {"valueTime": text(written, stated.source)}


def period_value(session: Session, segment: Segment, repetition: Repetition) -> Found:
    """DR → valuePeriod."""
    del segment
    start, end = session.date_time(leaf(repetition, 1)), session.date_time(leaf(repetition, 2))
    period = {k: v for k, v in (("start", start), ("end", end)) if v is not None}
    return {"valuePeriod": ordered(session, period)} if period else None


def range_text(session: Session, segment: Segment, repetition: Repetition) -> Found:
    """NR → valueRange."""
    low, high = leaf(repetition, 1), leaf(repetition, 2)
    unit = _unit(session, segment)
    made = {}
    for side, number in (("low", low), ("high", high)):
        value = quantity(session, number) if number is not None else None
        if value is not None:
            made[side] = {"value": value, **unit}
    return {"valueRange": made} if made else None


def quantity_value(session: Session, segment: Segment, repetition: Repetition) -> Found:
    """CQ → valueQuantity with its own unit."""
    number = leaf(repetition, 1)
    value = quantity(session, number) if number is not None else None
    if value is None:
        return None
    unit = sub(repetition, 2, 1)
    stated = {"unit": unit} if unit is not None else _unit(session, segment)
    return {"valueQuantity": {"value": value, **stated}}


def other_text(session: Session, segment: Segment, repetition: Repetition) -> Found:
    """Any other datatype → valueString, components separated by blanks."""
    del session, segment
    leaves = leaves_of(repetition)
    return {"valueString": derived(" ".join(leaves), *leaves)} if leaves else None


def reference_range(segment: Segment) -> dict[str, Any] | None:
    """OBX-7 → text, and low and high where it is a plain interval or limit."""
    lines = [line for line in segment.texts(7) if line != DELETE]
    if not lines:
        return None
    made: dict[str, Any] = {}
    stated = lines[0]
    interval, limit = _RANGE.fullmatch(stated), _LIMIT.fullmatch(stated)
    if interval is not None:
        made["low"] = {"value": _bound(interval.group(1), stated)}
        made["high"] = {"value": _bound(interval.group(2), stated)}
    elif limit is not None:
        side = "high" if limit.group(1).startswith("<") else "low"
        made[side] = {"value": _bound(limit.group(2), stated)}
    made["text"] = derived(" ".join(lines), *lines)
    return made


def _bound(literal: str, stated: Text) -> Value:
    sign = "-" if literal.startswith("-") else ""
    digits = literal.removeprefix("-").replace(",", ".")
    whole, dot, rest = digits.partition(".")
    return Value(
        decimal_from_literal(f"{sign}{whole.lstrip('0') or '0'}{dot}{rest}"), stated.source
    )
