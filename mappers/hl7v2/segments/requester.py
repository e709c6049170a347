"""ORC-12 and ORC-21 to -24, OBR-16 → who asks for it (HL7 v2.5 chapter 4.5.1.12)."""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.contacts import xad
from mappers.hl7v2.datatypes.parties import organization_at, practitioner
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "ORC-12": ("ServiceRequest.requester", "PractitionerRole.practitioner"),
    "ORC-21": ("ServiceRequest.requester", "PractitionerRole.organization", "Organization.name"),
    "ORC-22": ("ServiceRequest.requester", "Organization.address"),
    "ORC-23": ("ServiceRequest.requester", "Organization.telecom"),
    "ORC-24": ("ServiceRequest.requester", "Practitioner.address"),
    "OBR-16": ("ServiceRequest.requester",),
}


def requester(session: Session, orc: Segment | None, obr: Segment | None, draft: Draft) -> None:
    """Say who asks: a person, a house, or the person's role in the house."""
    places = [s.repetitions(n) for s, n in ((orc, 12), (obr, 16)) if s is not None and s.has(n)]
    people = _people(session, places[0]) if places else []
    for further in places[1:]:
        session.echoes.append(_people(session, further))
    house = None
    if orc is not None:
        names, addresses, phones = (orc.repetitions(field) for field in (21, 22, 23))
        house = organization_at(session, names, addresses, phones)
        _addresses(session, people, orc.repetitions(24))
    asking = people[0] if people else house
    if people and house is not None:
        asking = role(session, people[0], house)
    if asking is not None:
        session.say(draft, "requester", asking)


def _people(session: Session, repetitions: list[Repetition]) -> list[dict[str, Any]]:
    found = (practitioner(session, repetition) for repetition in repetitions)
    return [person for person in found if person is not None]


def role(session: Session, person: dict[str, Any], house: dict[str, Any]) -> dict[str, Any]:
    """A person in a house → Reference to a PractitionerRole."""
    identity = str(person["reference"]).partition("/")[2]
    named = house.get("identifier", {}).get("value") or house.get("display", "")
    made = session.natural("PractitionerRole", identity, "house", named, subject=False)
    session.say(made, "practitioner", person)
    session.say(made, "organization", house)
    stated: dict[str, Any] = {"reference": f"PractitionerRole/{made.id}"}
    if "display" in person:
        stated["display"] = str(person["display"])
    return stated


def _addresses(
    session: Session, people: list[dict[str, Any]], repetitions: list[Repetition]
) -> None:
    """ORC-24: where the person is reached."""
    identity = people[0]["reference"].partition("/")[2] if people else ""
    person = session.drafts.get(identity)
    for repetition in repetitions if person is not None else ():
        address = xad(session, repetition)
        if address is not None and person is not None:
            session.append(person, "address", address)
