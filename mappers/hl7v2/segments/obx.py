"""OBX → Observation (HL7 v2.5 chapter 7.4.2); values by OBX-2, decimals as written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mappers.base import Action
from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.parties import organization_at
from mappers.hl7v2.datatypes.values import (
    coded_value,
    numeric,
    other_text,
    period_value,
    quantity_value,
    range_text,
    reference_range,
    structured_numeric,
    time_value,
    timestamp_value,
)
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaves_of
from mappers.trace import Text, derived, text

_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_SUB_ID = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Observation.subId"
_TEXT = frozenset({"ST", "TX", "FT"})
Convert = Callable[[Session, Segment, Repetition], dict[str, Any] | None]
_VALUES: dict[str, Convert] = {
    "NM": numeric,
    "SN": structured_numeric,
    "CE": coded_value,
    "CWE": coded_value,
    "CNE": coded_value,
    "CF": coded_value,
    "IS": coded_value,
    "ID": coded_value,
    "DT": timestamp_value,
    "DTM": timestamp_value,
    "TS": timestamp_value,
    "TM": time_value,
    "DR": period_value,
    "NR": range_text,
    "CQ": quantity_value,
}
_DELETED = frozenset({"D", "W"})


#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "OBX": ("Observation.subject", "Observation.encounter"),
    "OBX-4": ("Observation.extension",),
    "OBX-5": ("Observation.value", "Observation.component"),
    "OBX-6": ("Observation.value",),
    "OBX-7": ("Observation.referenceRange",),
    "OBX-11": ("Observation.status", "Observation.dataAbsentReason"),
    "OBX-23": ("Observation.performer", "Organization.name"),
    "OBX-24": ("Organization.address",),
}


def observation(
    session: Session, segment: Segment, parent: Draft, category: dict[str, Any] | None
) -> Draft | None:
    """OBX → Observation below a report (or a visit, or a patient)."""
    patient = session.patient
    code = next((c for r in segment.repetitions(3) if (c := concept(session, r))), None)
    if patient is None or code is None:
        return None
    draft = _named(session, segment, parent, code)
    resource = draft.resource
    continued = "code" in resource
    _status(session, segment, draft)
    if category is not None:
        resource["category"] = [category]
    resource["subject"] = reference(patient)
    if session.encounter is not None:
        resource["encounter"] = reference(session.encounter)
    if continued:
        session.echoes.append(code)
    apply_rows(session, segment, table("obx_observation"), draft)
    _performing_house(session, segment, draft)
    _sub_id(session, segment, resource)
    _value(session, segment, draft)
    ranges = reference_range(segment)
    if ranges is not None:
        resource["referenceRange"] = [ranges]
    return draft


def _named(session: Session, segment: Segment, parent: Draft, code: dict[str, Any]) -> Draft:
    """Parent, code and sub id; lines of text continue, other repeats are told apart by count."""
    coding = code.get("coding", [{}])[0]
    named = [str(coding.get("system", "")), str(coding.get("code") or code.get("text", ""))]
    named.append(str(segment.first(4) or ""))
    place = (parent.id, *named)
    count = session.counts.get(place, 1)
    while True:
        parts = [*named, count] if count > 1 else named
        draft = session.natural("Observation", parent.id, *parts)
        if "code" not in draft.resource or _continues(segment, draft):
            session.counts[place] = count
            return draft
        count += 1


def _continues(segment: Segment, draft: Draft) -> bool:
    return segment.first(2) in _TEXT and "valueString" in draft.resource


def _status(session: Session, segment: Segment, draft: Draft) -> None:
    stated = segment.first(11)
    status = session.code("observation-status", stated)
    if stated is not None and stated in _DELETED:
        draft.action = Action.CANCEL
    session.say(draft, "status", status or "unknown")


def _performing_house(session: Session, segment: Segment, draft: Draft) -> None:
    """OBX-23 and OBX-24: the laboratory that measured."""
    house = organization_at(session, segment.repetitions(23), segment.repetitions(24), [])
    if house is not None:
        session.append(draft, "performer", house)


def _sub_id(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    leaves = [part for repetition in segment.repetitions(4) for part in leaves_of(repetition)]
    if any(e["url"] == _SUB_ID for e in resource.get("extension", ())):
        session.echoes += leaves
    elif leaves:
        value = derived(".".join(leaves), *leaves)
        resource.setdefault("extension", []).append({"url": _SUB_ID, "valueString": value})


def _value(session: Session, segment: Segment, draft: Draft) -> None:
    kind = segment.first(2)
    resource = draft.resource
    if segment.deletes(5):
        session.deleted += segment.texts(5)
        draft.cleared.append("value[x]")
    elif not segment.has(5):
        if not any(key.startswith("value") for key in resource):
            resource.setdefault("dataAbsentReason", _absent(segment.first(11)))
    elif kind is None or kind in _TEXT:
        if kind is None:
            session.issue("required", "the value's datatype is missing; read as text", "OBX-2")
        _text_value(segment, resource)
    else:
        _typed_values(session, segment, kind.upper(), resource)


def _typed_values(session: Session, segment: Segment, kind: str, resource: dict[str, Any]) -> None:
    convert = _VALUES.get(kind, other_text)
    found = []
    for repetition in segment.repetitions(5):
        value = convert(session, segment, repetition) or other_text(session, segment, repetition)
        if value is not None:
            found.append(value)
    if len(found) == 1:
        resource.update(found[0])
        return
    # All of them are components: beside one with the same code there may be no value (obs-7).
    for one in found:
        component = {"code": resource["code"], **one}
        resource.setdefault("component", []).append(component)


def _text_value(segment: Segment, resource: dict[str, Any]) -> None:
    lines: list[str] = [line for line in segment.texts(5) if line != '""']
    before = resource.get("valueString")
    if before is not None:
        lines = [before, *lines]
    if lines:
        resource["valueString"] = derived("\n".join(lines), *lines)


def _absent(status: Text | None) -> dict[str, Any]:
    code: str = "unknown"
    if status == "N":
        code = text("not-asked", status.source)
    elif status == "X":
        code = text("not-performed", status.source)
    return {"coding": [{"system": _ABSENT, "code": code}]}
