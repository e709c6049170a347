"""NK1 → RelatedPerson and Patient.contact (HL7 v2.5 chapter 3.4.5).

Organizations (employer, agencies, insurer) are contacts only; persons are both.
"""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.contacts import xad, xtn
from mappers.hl7v2.datatypes.names import xpn
from mappers.hl7v2.datatypes.periods import settle
from mappers.hl7v2.segments import facts
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.table_rows import apply_rows, clear, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment

#: NK1-3 and NK1-7 codes of those who are contacts and no relatives.
_ORGANIZATIONS = frozenset({"EMR", "E", "F", "I", "S"})

#: A contact of the patient has at least one of these (invariant pat-1).
_DETAILS = frozenset({"name", "telecom", "address", "organization"})

#: Addresses and numbers of the person, of a contact person and of old versions.
_REACHED = (4, 5, 6, 30, 31, 32, 40, 41)

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "NK1": ("RelatedPerson.patient",),
    "NK1-30": ("Patient.contact.organization", "Organization.contact"),
    "NK1-31": ("Patient.contact.organization", "Organization.contact"),
    "NK1-32": ("Patient.contact.organization", "Organization.contact"),
}


def next_of_kin(session: Session, segment: Segment) -> None:
    """NK1 → contact of the patient, and RelatedPerson where it is a person."""
    patient = session.patient
    if patient is None:
        return
    if not segment.states():
        _nobody(session, segment, patient)
        return
    contact = Draft({"resourceType": "Patient", "id": patient.id}, patient.keys, "")
    apply_rows(session, segment, table("nk1_contact"), contact)
    settle(session, contact.resource)
    said = {k: v for k, v in contact.resource.items() if k not in ("resourceType", "id")}
    if said.keys() & _DETAILS:
        patient.resource.setdefault("contact", []).append(said)
    _contact_of_house(session, segment, contact.resource.get("organization", {}))
    role = segment.first(3) or segment.first(7)
    if role not in _ORGANIZATIONS:
        _related_person(session, segment, said, patient)


def _nobody(session: Session, segment: Segment, patient: Draft) -> None:
    """NK1 that says nothing but `""`: there is nobody to contact any more."""
    for field in range(2, len(segment.raw)):
        if segment.deletes(field):
            clear(session, segment, field, patient, "contact")


def _contact_of_house(session: Session, segment: Segment, house: dict[str, Any]) -> None:
    """NK1-30 to -32: whom to reach at the organization of NK1-13, and where."""
    draft = session.drafts.get(str(house.get("reference", "")).partition("/")[2])
    if draft is None:
        return
    person: dict[str, Any] = {}
    for element, field, convert in (("name", 30, xpn), ("address", 32, xad)):
        found = [v for r in segment.repetitions(field) if (v := convert(session, r)) is not None]
        if found:
            person[element] = found[0]
    points = [p for r in segment.repetitions(31) if (p := xtn(session, r, "work")) is not None]
    if points:
        person["telecom"] = points
    if person:
        session.append(draft, "contact", person)


def _related_person(
    session: Session, segment: Segment, said: dict[str, Any], patient: Draft
) -> None:
    name = said.get("name", {})
    identifier = segment.first(33) or segment.first(12) or ""
    given = " ".join(name.get("given", ()))
    role = segment.first(3) or ""
    named: tuple[str, ...] = (name.get("family", ""), given, role, identifier)
    if not any(named):
        # Nobody knows who it is, but how to reach them.
        named = tuple(segment.raw[n] for n in _REACHED if segment.has(n) and not segment.deletes(n))
    if not named:
        return
    draft = session.natural("RelatedPerson", patient.id, *named)
    if "patient" in draft.resource:
        return
    draft.resource["patient"] = reference(patient)
    apply_rows(session, segment, table("nk1_relatedperson"), draft)
    settle(session, draft.resource)
    facts.about(session, segment, draft)
