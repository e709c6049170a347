"""OBX-5 by datatype → Observation.value[x], OBX-6 its unit (HL7 v2.5 chapter 7.4.2.5)."""

from __future__ import annotations

import re
from typing import Any

from mappers.codes import table
from mappers.hl7v2.datatypes import units
from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.converters import quantity
from mappers.hl7v2.datatypes.money import amount_of
from mappers.hl7v2.datatypes.periods import ordered
from mappers.hl7v2.session import ALTERNATE_CODES, PACKAGE, Session
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf, leaves_of
from mappers.trace import Text, Value, derived, text

_COMPARATOR = re.compile(r"(<=|>=|<|>|=)?\s*([+-]?[\d.,]+(?:[eE][+-]?\d+)?)")
_TIME = re.compile(r"(\d\d)(\d\d)(\d\d)?(\.\d+)?([+-]\d{4})?")
_COMPARATORS = frozenset({"<", "<=", ">=", ">"})
#: Names of coding systems whose units are those of the laboratory's spellings.
_LOCAL_SYSTEMS = frozenset({"", "ISO+", "ISO", "ANS+", "ANSI+", "L", "LN", "LOCAL", "99LAB"})
DELETE = '""'

Found = dict[str, Any] | None


def unit_of(session: Session, segment: Segment) -> dict[str, Any]:
    """OBX-6 → unit, system and code of a Quantity."""
    stated = segment.repetitions(6)
    if not stated:
        return {}
    found: dict[str, Any] = session.once(_unit, stated[0])
    return found


def _unit(session: Session, repetition: Repetition) -> dict[str, Any]:
    """CWE → unit; the laboratory's spellings of UCUM first, then those of all."""
    code, words, system = (leaf(repetition, number) for number in (1, 2, 3))
    beside = _other_units(session, repetition) if len(repetition) > 4 else {}
    known = None
    if system is None or system.upper() in _LOCAL_SYSTEMS:
        spelled = table(PACKAGE, "laboratory-unit")
        known = next((spelled[w] for w in (code, words) if w is not None and w in spelled), None)
    if known is not None:
        shown = words if words is not None and words != DELETE else code
        both = derived(known.code, code, words, system)
        return {"unit": shown, "system": known.system, "code": both, **beside}
    return {**units.unit(session, repetition), **beside}


def _other_units(session: Session, repetition: Repetition) -> dict[str, Any]:
    """OBX-6.4 to .9: other codes and versions of the unit, for which a Quantity has no element."""
    found = concept(session, repetition)
    if found is None:
        return {}
    return {"_unit": {"extension": [{"url": ALTERNATE_CODES, "valueCodeableConcept": found}]}}


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
    return {"valueQuantity": {**made, **unit_of(session, segment)}}


def structured_numeric(session: Session, segment: Segment, repetition: Repetition) -> Found:
    """SN → Quantity, Ratio or Range by its separator; else None."""
    comparator, first, separator, second = (leaf(repetition, n) for n in (1, 2, 3, 4))
    unit = unit_of(session, segment)
    low = quantity(session, first) if first is not None else None
    high = quantity(session, second) if second is not None else None
    if separator is None and second is None and low is not None:
        return _sn_quantity(session, comparator, low, unit)
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


def _sn_quantity(
    session: Session, comparator: Text | None, value: Value, unit: dict[str, Any]
) -> Found:
    made: dict[str, Any] = {"value": value}
    if comparator in _COMPARATORS:
        made["comparator"] = comparator
    elif comparator is not None and comparator != "=":
        return None
    else:
        _remember(session, comparator)
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
    unit = unit_of(session, segment)
    made = {}
    for side, number in (("low", low), ("high", high)):
        value = quantity(session, number) if number is not None else None
        if value is not None:
            made[side] = {"value": value, **unit}
    return {"valueRange": made} if made else None


def quantity_value(session: Session, segment: Segment, repetition: Repetition) -> Found:
    """CQ → valueQuantity with its own unit."""
    found = units.cq(session, repetition)
    if found is None:
        return None
    return {"valueQuantity": found if "unit" in found else {**found, **unit_of(session, segment)}}


def other_text(session: Session, segment: Segment, repetition: Repetition) -> Found:
    """Any other datatype → valueString, components separated by blanks."""
    del session, segment
    leaves = leaves_of(repetition)
    return {"valueString": derived(" ".join(leaves), *leaves)} if leaves else None


def money_value(session: Session, segment: Segment, repetition: Repetition) -> Found:
    """MO and CP → valueQuantity in a currency (profile MoneyQuantity of FHIR)."""
    del segment
    if type(repetition[1]) is not list:
        repetition = [None, [leaf(repetition, 1), leaf(repetition, 2)]]
    found = amount_of(session, repetition)
    return {"valueQuantity": found} if found is not None else None
