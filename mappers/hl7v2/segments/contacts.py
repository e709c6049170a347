"""Who asks for, keeps and enters an appointment: SCH-12 to -22, ARQ-15 to -21 (chapter 10.6).

Each takes part; phone and address are the person's, the place one works at that of a role.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mappers.hl7v2.datatypes.contacts import xad, xtn
from mappers.hl7v2.datatypes.parties import places, practitioner
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment

_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/participant-type"
_PROVENANCE = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


class _Contact(NamedTuple):
    """Fields of one contact; 0: the segment has none."""

    person: int
    phone: int
    address: int
    place: int
    system: str
    code: str


_CONTACTS = {
    "SCH": (
        _Contact(12, 13, 14, 15, _PARTICIPANT, "placer contact"),
        _Contact(16, 17, 18, 19, _PARTICIPANT, "filler contact"),
        _Contact(20, 21, 0, 22, _PROVENANCE, "enterer"),
    ),
    "ARQ": (
        _Contact(15, 16, 17, 18, _PARTICIPANT, "placer contact"),
        _Contact(19, 20, 0, 21, _PROVENANCE, "enterer"),
    ),
}

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    f"{name}-{field}": targets
    for name, found in _CONTACTS.items()
    for contact in found
    for field, targets in (
        (contact.person, ("Appointment.participant",)),
        (contact.phone, ("Practitioner.telecom",)),
        (contact.address, ("Practitioner.address",)),
        (contact.place, ("PractitionerRole.location",)),
    )
    if field
}


def of_appointment(session: Session, segment: Segment, draft: Draft) -> None:
    """Contacts → participants."""
    for contact in _CONTACTS[segment.name]:
        coding = {"system": contact.system, "code": contact.code}
        for repetition in segment.repetitions(contact.person):
            who = practitioner(session, repetition)
            if who is None:
                continue
            participant: dict[str, Any] = {"type": [{"coding": [coding]}], "actor": who}
            participant["status"] = "accepted"
            session.append(draft, "participant", participant)
            _reached(session, segment, contact, who, draft)


def enterers(session: Session, segment: Segment) -> list[dict[str, Any]]:
    """Who entered it, for Provenance (table SCH[Provenance])."""
    field = _CONTACTS[segment.name][-1].person
    found = [practitioner(session, repetition) for repetition in segment.repetitions(field)]
    return [who for who in found if who is not None]


def _reached(
    session: Session, segment: Segment, contact: _Contact, who: dict[str, Any], draft: Draft
) -> None:
    """Phone, address and place of a contact."""
    identity = who["reference"].partition("/")[2]
    person = session.drafts[identity]
    for repetition in segment.repetitions(contact.phone):
        point = xtn(session, repetition, "work")
        if point is not None:
            session.append(person, "telecom", point)
    for repetition in segment.repetitions(contact.address) if contact.address else ():
        address = xad(session, repetition)
        if address is not None:
            session.append(person, "address", address)
    found = [places(session, repetition) for repetition in segment.repetitions(contact.place)]
    where = [levels[0][0] for levels in found if levels]
    if where:
        role = session.natural("PractitionerRole", identity, draft.id, contact.code, subject=False)
        role.resource["practitioner"] = who
        for place in where:
            session.append(role, "location", place)
        stated = {"reference": f"PractitionerRole/{role.id}"}
        session.append(draft, "supportingInformation", stated)
