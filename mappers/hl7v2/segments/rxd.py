"""RXD → MedicationDispense (HL7 v2.5 chapter 4.14.5)."""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.annotations import coded_note
from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.contacts import xad, xtn
from mappers.hl7v2.datatypes.units import measured
from mappers.hl7v2.segments import dosage
from mappers.hl7v2.segments.la2 import coded_location, location, with_address
from mappers.hl7v2.segments.medication import medication
from mappers.hl7v2.segments.pharmacy_order import Order, behind, named, orderers, placed, state
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import V2, Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment
from mappers.trace import Value

DELETE = '""'
#: Substitution status (table 0167) that says that nothing was substituted.
_NONE = frozenset({"N", "0", "1", "7"})

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "RXD": ("MedicationDispense.subject", "MedicationDispense.status"),
    "RXD-3": ("MedicationDispense.status", "MedicationDispense.whenHandedOver"),
    "RXD-4": ("MedicationDispense.quantity",),
    "RXD-5": ("MedicationDispense.quantity",),
    "RXD-7": ("MedicationDispense.authorizingPrescription",),
    "RXD-9": ("MedicationDispense.note",),
    "RXD-11": ("MedicationDispense.substitution",),
    "RXD-13": ("MedicationDispense.destination",),
    "RXD-15": ("MedicationDispense.note",),
    "RXD-30": ("MedicationDispense.location",),
    "RXD-31": ("Location.address",),
    "RXD-34": ("Location.telecom",),
}


def dispense(
    session: Session, order: Order, segment: Segment, request: Draft | None
) -> Draft | None:
    """Read RXD; `request` is the order it carries out."""
    patient = session.patient
    if patient is None:
        return None
    counter = segment.first(1) or segment.first(3) or ""
    draft = named(session, "MedicationDispense", order, segment, f"dispense|{counter}")
    resource = draft.resource
    _status(session, order, segment, draft)
    behind(session, order.orc, draft)
    resource["subject"] = reference(patient)
    if session.encounter is not None:
        resource["context"] = reference(session.encounter)
    components = [s for s in order.around if s.name == "RXC"]
    resource["medicationReference"] = medication(session, segment, draft, components)
    apply_rows(session, segment, table("rxd_medicationdispense"), draft)
    for asking in orderers(session, order.orc):
        session.append(draft, "supportingInformation", asking)
    quantity = measured(session, segment.first(4), segment.repetitions(5))
    if quantity is not None:
        resource["quantity"] = quantity
    _prescription(session, order, segment, draft, request)
    _notes(session, segment, draft)
    _substitution(session, segment, resource)
    _where(session, segment, draft)
    planned = dosage.plans(session, order.around, [])
    made = dosage.dosages(session, segment, planned, order.around)
    if made:
        resource["dosageInstruction"] = made
    return draft


def _status(session: Session, order: Order, segment: Segment, draft: Draft) -> None:
    """By the order, else what was dispensed at a time is dispensed."""
    status = state(session, order.orc, "dispense-status", "dispense-control")
    if status is None:
        draft.weak += ("status",)
        status = "completed" if segment.first(3) not in (None, DELETE) else "unknown"
    draft.resource["status"] = status


def _prescription(
    session: Session, order: Order, segment: Segment, draft: Draft, request: Draft | None
) -> None:
    """The order in the message, with the number of the prescription."""
    number = segment.first(7)
    found: dict[str, Any] = reference(request) if request is not None else {}
    if not found and (asked := placed(session, order.orc)) is not None:
        session.append(draft, "authorizingPrescription", asked)
    if number is not None and number != DELETE:
        system = f"{session.namespace}/prescription"
        found = {**found, "type": "MedicationRequest"}
        found["identifier"] = {"system": system, "value": number}
    if found:
        session.append(draft, "authorizingPrescription", found)


def _notes(session: Session, segment: Segment, draft: Draft) -> None:
    for words in segment.texts(9):
        if words != DELETE:
            session.append(draft, "note", {"text": words})
    for repetition in segment.repetitions(15):
        note = coded_note(session, repetition)
        if note is not None:
            session.append(draft, "note", note)


def _substitution(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    """RXD-11: whether and how another product was given (tables 0167)."""
    code = segment.first(11)
    for repetition in segment.repetitions(11)[:1]:
        kind = concept(session, repetition, default=V2 + "0167")
        if kind is not None and code is not None:
            was = Value(code.upper() not in _NONE, code.source)
            resource["substitution"] = {"wasSubstituted": was, "type": kind}


def _where(session: Session, segment: Segment, draft: Draft) -> None:
    """RXD-13 where it goes; RXD-30, -31 and -34 the pharmacy."""
    for repetition in segment.repetitions(13)[:1]:
        place = location(session, repetition)
        if place is not None:
            draft.resource["destination"] = place
    for repetition in segment.repetitions(30)[:1]:
        place = coded_location(session, repetition)
        if place is None:
            continue
        draft.resource["location"] = place
        addresses = [a for r in segment.repetitions(31) if (a := xad(session, r)) is not None]
        with_address(session, place, addresses)
        pharmacy = session.drafts.get(str(place["reference"]).partition("/")[2])
        for phone in segment.repetitions(34):
            number = xtn(session, phone, "work")
            if number is not None and pharmacy is not None:
                session.append(pharmacy, "telecom", number)
