"""Height, weight, pressure and other measures of a day (FK 3622, 3623, 6230, 6411 to 6417)."""

from __future__ import annotations

import re
from typing import Any

from mappers.drafts import Draft
from mappers.trace import Text, Value
from mappers.xdt.datatypes import UCUM, clean, number
from mappers.xdt.group import Group
from mappers.xdt.patient import reference
from mappers.xdt.results import LOINC, field_code
from mappers.xdt.session import Session
from profiles.reading.decimals import decimal_from_literal

#: FK → LOINC code or none, its name, unit, code of the unit.
_MEASURES = {
    "3622": ("8302-2", "Body height", "cm", "cm"),
    "6411": ("8302-2", "Body height", "cm", "cm"),
    "3623": ("29463-7", "Body weight", "kg", "kg"),
    "6412": ("29463-7", "Body weight", "kg", "kg"),
    "6413": ("8310-5", "Body temperature", "°C", "Cel"),
    "6414": ("", "Hüftumfang", "cm", "cm"),
    "6415": ("", "Taillenumfang", "cm", "cm"),
    "6417": ("8867-4", "Heart rate", "/min", "/min"),
}
_PRESSURE = re.compile(r"(\d{2,3})\s*/\s*(\d{2,3})(?:\s*mm\s?Hg)?", re.IGNORECASE)
_PARTS = (("8480-6", "Systolic blood pressure"), ("8462-4", "Diastolic blood pressure"))
_PANEL = ("85354-9", "Blood pressure panel with all children optional")
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def measure(session: Session, when: str | None, group: Group) -> list[Draft]:
    """A number with the unit of its field; what is no number stays as words."""
    (fk, stated), *_ = group.entries
    loinc, name, unit, code = _MEASURES[fk]
    told = len(session.issues)
    value = number(session, stated)
    draft = _observed(session, stated, _named(loinc, name, fk), when)
    if draft is None:
        return []
    if value is None:
        del session.issues[told:]
        draft.resource["valueString"] = clean(stated)
    else:
        measured = {"value": value, "unit": unit, "system": UCUM, "code": code}
        draft.resource["valueQuantity"] = measured
    return [draft]


def pressure(session: Session, when: str | None, group: Group) -> list[Draft]:
    """150/90 → the panel of blood pressure in mmHg; what is written otherwise stays as words."""
    (fk, stated), *_ = group.entries
    match = _PRESSURE.fullmatch(stated.strip())
    if match is None:
        draft = _observed(session, stated, field_code(fk, "Blutdruck"), when)
        if draft is not None:
            draft.resource["valueString"] = clean(stated)
        return [draft] if draft is not None else []
    code = {**_named(*_PANEL, fk), "text": "Blutdruck"}
    draft = _observed(session, stated, code, when)
    if draft is None:
        return []
    draft.resource["component"] = [
        {"code": _named(loinc, name, fk), "valueQuantity": _mmhg(value, stated)}
        for (loinc, name), value in zip(_PARTS, match.groups(), strict=True)
    ]
    return [draft]


def _mmhg(digits: str, stated: Text) -> dict[str, Any]:
    value = Value(decimal_from_literal(digits.lstrip("0") or "0"), stated.source)
    return {"value": value, "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"}


def _named(loinc: str, name: str, fk: str) -> dict[str, Any]:
    if not loinc:
        return field_code(fk, name)
    return {"coding": [{"system": LOINC, "code": loinc, "display": name}]}


def _observed(
    session: Session, stated: Text, code: dict[str, Any], when: str | None
) -> Draft | None:
    """Begin an Observation; None where the same value was told of the moment already."""
    patient = session.patient
    if patient is None:
        return None
    named = code.get("coding", [{}])[0]["code"]
    draft = session.natural("Observation", patient.id, when or "", named, stated.strip())
    resource = draft.resource
    if "code" in resource:
        session.echoes.append(stated)
        return None
    resource["status"] = "final"
    resource["category"] = [{"coding": [{"system": _CATEGORY, "code": "vital-signs"}]}]
    resource["code"] = code
    resource["subject"] = reference(patient)
    if when is not None:
        resource["effectiveDateTime"] = when
    return draft
