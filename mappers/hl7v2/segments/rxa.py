"""RXA → MedicationAdministration (HL7 v2.5 chapter 4.14.7)."""

from __future__ import annotations

from typing import Any

from mappers.base import Action
from mappers.hl7v2.datatypes.annotations import coded_note
from mappers.hl7v2.datatypes.codings import code_system
from mappers.hl7v2.datatypes.contacts import xad
from mappers.hl7v2.datatypes.parties import places, practitioner
from mappers.hl7v2.datatypes.periods import ordered
from mappers.hl7v2.datatypes.units import measured
from mappers.hl7v2.segments import rxr
from mappers.hl7v2.segments.dosage import span
from mappers.hl7v2.segments.la2 import location, with_address
from mappers.hl7v2.segments.medication import medication
from mappers.hl7v2.segments.pharmacy_order import Order, behind, named, orderers, placed
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import V2, Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf
from mappers.trace import text

DELETE = '""'
#: R5's MedicationAdministration.recorded, for R4.
_RECORDED = (
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-MedicationAdministration.recorded"
)
_UNKNOWN = {
    "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
    "valueCode": "unknown",
}

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "RXA": ("MedicationAdministration.subject", "Immunization.patient"),
    "RXA-3": ("MedicationAdministration.effective",),
    "RXA-4": ("MedicationAdministration.effective",),
    "RXA-6": ("MedicationAdministration.dosage.dose", "Immunization.doseQuantity"),
    "RXA-7": ("MedicationAdministration.dosage.dose", "Immunization.doseQuantity"),
    "RXA-9": ("MedicationAdministration.note", "Immunization.primarySource", "Immunization.note"),
    "RXA-10": ("MedicationAdministration.performer", "Immunization.performer"),
    "RXA-11": ("MedicationAdministration.supportingInformation", "Immunization.location"),
    "RXA-12": ("MedicationAdministration.dosage.rateRatio",),
    "RXA-20": ("MedicationAdministration.status", "Immunization.status"),
    "RXA-21": ("MedicationAdministration.status", "Immunization.status"),
    "RXA-22": ("MedicationAdministration.extension",),
    "RXA-27": ("MedicationAdministration.supportingInformation", "Immunization.location"),
    "RXA-28": ("Location.address",),
    "ORC-12": ("MedicationAdministration.performer", "Immunization.performer"),
}


def administration(
    session: Session, order: Order, segment: Segment, request: Draft | None
) -> Draft | None:
    """Read RXA; `request` is the order it carries out."""
    patient = session.patient
    if patient is None:
        return None
    counters = "|".join(str(segment.first(n) or "") for n in (1, 2, 3))
    draft = named(session, "MedicationAdministration", order, segment, f"given|{counters}")
    resource = draft.resource
    set_status(session, segment, draft, "administration-status")
    behind(session, order.orc, draft)
    resource["subject"] = reference(patient)
    if session.encounter is not None:
        resource["context"] = reference(session.encounter)
    asked = reference(request) if request is not None else placed(session, order.orc)
    if asked is not None:
        resource["request"] = asked
    _recorded(session, order, segment, resource)
    components = [s for s in order.around if s.name == "RXC"]
    resource["medicationReference"] = medication(session, segment, draft, components)
    apply_rows(session, segment, table("rxa_medicationadministration"), draft)
    _effective(session, segment, resource)
    _who_and_where(session, order, segment, draft)
    add_notes(session, segment, draft)
    _dosage(session, order, segment, draft)
    return draft


def _recorded(session: Session, order: Order, segment: Segment, resource: dict[str, Any]) -> None:
    """RXA-22 is when it was entered; the status of the order is not that of what was given."""
    stated = order.orc.first(5) if order.orc is not None else None
    if stated is not None:
        session.ignored.append((stated, "status of the order: what was given has its own"))
    recorded = session.date_time(segment.first(22))
    if recorded is not None:
        extension = {"url": _RECORDED, "valueDateTime": recorded}
        resource.setdefault("extension", []).append(extension)


def _who_and_where(session: Session, order: Order, segment: Segment, draft: Draft) -> None:
    """People are performers; a house and places are information."""
    for person in performers(session, order, segment):
        if str(person["actor"].get("reference", "")).startswith("Organization/"):
            session.append(draft, "supportingInformation", person["actor"])
        else:
            session.append(draft, "performer", person)
    for place in locations(session, segment):
        session.append(draft, "supportingInformation", place)


def set_status(session: Session, segment: Segment, draft: Draft, table_name: str) -> None:
    """RXA-21 takes it back; else RXA-20, else a refusal is not done; else it is completed."""
    stated, action = segment.first(20), segment.first(21)
    status: str | None = None
    if action is not None and action.upper() == "D":
        draft.action = Action.CANCEL
        status = text("entered-in-error", action.source)
    elif stated is not None and stated != DELETE:
        status = session.code(table_name, stated)
    elif (reason := segment.first(18)) is not None and reason != DELETE:
        status = "not-done"
    draft.resource["status"] = status or "completed"
    if action is not None and draft.action is not Action.CANCEL:
        session.ignored.append((action, "action code: the change itself says it"))
    if status is not None and stated is not None and draft.action is Action.CANCEL:
        session.ignored.append((stated, "the entry is taken back"))


def performers(session: Session, order: Order, segment: Segment) -> list[dict[str, Any]]:
    """RXA-10 who administered (AP), ORC-12 who ordered (OP)."""
    givers = [p for r in segment.repetitions(10) if (p := practitioner(session, r)) is not None]
    both = (("AP", givers), ("OP", orderers(session, order.orc)))
    return [
        {"function": {"coding": [{"system": V2 + "0443", "code": function}]}, "actor": actor}
        for function, actors in both
        for actor in actors
    ]


def locations(session: Session, segment: Segment) -> list[dict[str, Any]]:
    """RXA-27 and RXA-11 → where it was administered; RXA-28 is the address of the first."""
    found = [
        place
        for repetition in segment.repetitions(27)[:1]
        for place, _ in places(session, repetition)[:1]
    ]
    for repetition in segment.repetitions(11)[:1]:
        place = location(session, repetition)
        if place is not None and place not in found:
            found.append(place)
    addresses = [a for r in segment.repetitions(28) if (a := xad(session, r)) is not None]
    if found:
        with_address(session, found[0], addresses)
    return found


def add_notes(session: Session, segment: Segment, draft: Draft) -> None:
    """RXA-9 → notes; codes with their words."""
    for repetition in segment.repetitions(9):
        note = coded_note(session, repetition)
        if note is not None:
            session.append(draft, "note", note)


def _effective(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    """RXA-3 and RXA-4: a moment, or a period where the end is another."""
    start, end = session.date_time(segment.first(3)), session.date_time(segment.first(4))
    if start is None and end is None:
        resource["effectivePeriod"] = {"extension": [dict(_UNKNOWN)]}
    elif end is None or start == end:
        resource["effectiveDateTime"] = start
        session.echoes.append(end)
    else:
        period = {k: v for k, v in (("start", start), ("end", end)) if v is not None}
        resource["effectivePeriod"] = ordered(session, period)


def _dosage(session: Session, order: Order, segment: Segment, draft: Draft) -> None:
    """RXA-6, RXA-7, RXA-12 and RXR; a dosage has a dose or says it is unknown (mad-1)."""
    made: dict[str, Any] = {}
    routes = [s for s in order.around if s.name == "RXR"]
    for rxr_ in routes[:1]:
        said = rxr.dosage(session, rxr_)
        made = {part: said[part] for part in ("site", "route", "method") if part in said}
        for device in rxr_.repetitions(3):
            found = coded_device(session, device)
            if found is not None:
                session.append(draft, "device", found)
    dose = measured(session, segment.first(6), segment.repetitions(7))
    lasting = span(segment.first(12))
    if dose is not None:
        made["dose"] = dose
        if lasting is not None:
            made["rateRatio"] = {"numerator": dose, "denominator": lasting}
    elif made:
        made["dose"] = {"extension": [dict(_UNKNOWN)]}
    if made:
        draft.resource["dosage"] = made


def coded_device(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """CWE → Reference to a Device by its code, or by its words."""
    code, words = leaf(repetition, 1), leaf(repetition, 2)
    if code is None or code == DELETE:
        return {"type": "Device", "display": words} if words is not None else None
    system: str = f"{session.namespace}/device"
    named = leaf(repetition, 3)
    if named is not None:
        system = text(code_system(session, named).uri, named.source)
    identifier = {"system": system, "value": code}
    return {"type": "Device", "identifier": identifier, "display": words or code}
