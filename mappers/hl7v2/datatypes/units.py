"""CWE and CQ → the unit of a Quantity, and Quantity (HL7 v2.5 chapter 2.A.13, 2.A.15).

A unit that names UCUM, or one UCUM knows by another spelling, gets its code; every other keeps
the words of the sender (https://hl7.org/fhir/R4/datatypes.html#Quantity).
"""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.codings import code_system, concept
from mappers.hl7v2.datatypes.converters import quantity
from mappers.hl7v2.session import ALTERNATE_CODES, Session
from mappers.hl7v2.tokenizer import Repetition, leaf
from mappers.trace import Text, derived, text

_UCUM = "http://unitsofmeasure.org"
DELETE = '""'


def unit(session: Session, repetition: Repetition) -> dict[str, Any]:
    """CWE → unit, system and code of a Quantity; empty where it names none."""
    code, words, system = (_said(leaf(repetition, number)) for number in (1, 2, 3))
    if code is None and words is None:
        return {}
    shown = words or code
    made: dict[str, Any] = {"unit": shown}
    if words is not None and code == words:
        made["unit"] = derived(words, words, code)
    if code is not None and system is not None:
        made["system"] = text(code_system(session, system).uri, system.source)
        made["code"] = code
        if made["system"] != _UCUM:
            return made
    known = session.lookup("unit", code) if code is not None else None
    known = known or (session.lookup("unit", words) if words is not None else None)
    if known is not None and "code" not in made:
        made["system"], made["code"] = _UCUM, derived(known.code, code or words)
    elif code is not None and words is not None and code != words and "code" not in made:
        made["system"], made["code"] = f"{session.namespace}/unit", code
    return made


def measured(
    session: Session, number: Text | None, units: list[Repetition]
) -> dict[str, Any] | None:
    """NM and the CWE of its unit → Quantity; None without a number."""
    value = quantity(session, number) if _said(number) is not None and number else None
    if value is None:
        return None
    if not units:
        return {"value": value}
    return {"value": value, **unit(session, units[0]), **_beside(session, units[0])}


def _beside(session: Session, repetition: Repetition) -> dict[str, Any]:
    """Other codes of a unit, for which a Quantity has no element."""
    found = concept(session, repetition) if any(repetition[4:]) else None
    if found is None:
        return {}
    return {"_unit": {"extension": [{"url": ALTERNATE_CODES, "valueCodeableConcept": found}]}}


def cq(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """CQ → Quantity; the unit is a CWE whose parts are subcomponents."""
    return measured(session, leaf(repetition, 1), units_of(repetition, 2))


def units_of(repetition: Repetition, number: int) -> list[Repetition]:
    """Return a component as if it were a repetition of its own; empty without one."""
    whole = repetition[number] if number < len(repetition) else None
    if whole is None:
        return []
    return [[None, *whole]] if type(whole) is list else [[None, whole]]


def time_unit(session: Session, repetition: Repetition) -> str | None:
    """CWE → UCUM code of a unit of time (value set units-of-time), None for any other."""
    for number in (1, 2):
        stated = _said(leaf(repetition, number))
        found = session.lookup("time-unit", stated) if stated is not None else None
        if found is not None and stated is not None:
            return derived(found.code, stated, _said(leaf(repetition, 2)), leaf(repetition, 3))
    return None


def duration(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """CQ → Duration, whose unit is one of time; None for any other."""
    stated = leaf(repetition, 1)
    value = quantity(session, stated) if _said(stated) is not None and stated else None
    units = units_of(repetition, 2)
    code = time_unit(session, units[0]) if units else None
    if value is None or code is None:
        return None
    words = leaf(units[0], 2) or leaf(units[0], 1)
    return {"value": value, "unit": words, "system": _UCUM, "code": code}


def _said(stated: Text | None) -> Text | None:
    return None if stated == DELETE else stated
