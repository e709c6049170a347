"""ROL and PRT → participants; the general practitioner and letter recipients where the dialect
says they stand (HL7 v2.5 chapter 15.4.7, v2.7 chapter 7.3.4).
"""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.parties import organization, practitioner
from mappers.hl7v2.segments import participation, practice
from mappers.hl7v2.session import V2, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf
from mappers.trace import text

_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
#: Role codes of the general practitioner: HL7 table 0443 and the German role table.
GENERAL_PRACTITIONER = frozenset({"PP", "FHCP", "HA", "HAUSARZT", "1"})
#: Segments that say themselves that somebody is the general practitioner.
_ALWAYS = ("ROL", "PRT")
#: Role codes of those a result or letter goes to.
RECIPIENT = frozenset({"RCT", "RCP", "IRCP", "RECIPIENT"})


#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "ROL-3": ("Encounter.participant.type",),
    "ROL-4": ("Encounter.participant.individual", "Patient.generalPractitioner"),
    "PRT-4": ("Encounter.participant.type",),
    "PRT-5": ("Encounter.participant.individual", "Patient.generalPractitioner"),
    "PRT-8": ("Encounter.participant.individual",),
    "PD1-4": ("Patient.generalPractitioner",),
}


def role_segments(session: Session, segments: list[Segment]) -> None:
    """ROL and PRT of the patient or visit level."""
    for segment in segments:
        practice.details(session, segment)
        if segment.name == "PRT":
            participation.equipment(session, segment)
        role = _role(segment)
        if role in GENERAL_PRACTITIONER or role in RECIPIENT:
            continue
        visit = session.encounter
        for reference in _persons(session, segment):
            if visit is not None:
                session.append(visit, "participant", _participant(session, segment, reference))


def _participant(session: Session, segment: Segment, reference: dict[str, Any]) -> dict[str, Any]:
    """The person with the role and the time it lasts (ROL-5 and -6, PRT-11 and -12)."""
    role = _role(segment)
    found = session.lookup("provider-role", role) if role is not None else None
    participant: dict[str, Any] = {"individual": reference}
    if found is not None and role is not None:
        coding = {"system": found.system, "code": text(found.code, role.source)}
        participant["type"] = [{"coding": [coding]}]
    else:
        kinds = (
            concept(session, repetition, default=V2 + "0443")
            for repetition in segment.repetitions(_role_field(segment))
        )
        kind = next((one for one in kinds if one is not None), None)
        if kind is not None:
            participant["type"] = [kind]
    period = practice.period(session, segment)
    if period:
        participant["period"] = period
    return participant


def general_practitioner(session: Session) -> None:
    """Patient.generalPractitioner from the first place of the dialect that names somebody."""
    patient = session.patient
    if patient is None:
        return
    chosen: list[dict[str, Any]] = []
    for place in (*session.dialect.general_practitioner, *_ALWAYS):
        if chosen and place not in _ALWAYS:
            continue
        found = _named_at(session, place, GENERAL_PRACTITIONER)
        for reference in found:
            session.append(patient, "generalPractitioner", reference)
        chosen = chosen or found
    _recipient(session, "Patient.generalPractitioner", chosen)


def document_recipients(session: Session) -> list[dict[str, Any]]:
    """Recipients of a document from all places the dialect names."""
    found: list[dict[str, Any]] = []
    for place in session.dialect.document_recipients:
        found += _named_at(session, place, RECIPIENT)
    _recipient(session, "DocumentReference.recipient", found)
    return found


def _named_at(session: Session, place: str, roles: frozenset[str]) -> list[dict[str, Any]]:
    name, _, field = place.partition("-")
    found: list[dict[str, Any]] = []
    for segment in session.all(name):
        if field.isdigit():
            for repetition in segment.repetitions(int(field)):
                found += _person_or_house(session, repetition)
        elif _role(segment) in roles:
            found += _persons(session, segment)
            role = segment.repetitions(_role_field(segment))
            session.ignored.append((role, "says what the element says"))
    return found


def _person_or_house(session: Session, repetition: Repetition) -> list[dict[str, Any]]:
    if leaf(repetition, 1) == '""':
        return []
    reference = practitioner(session, repetition)
    return [reference] if reference is not None else []


def _persons(session: Session, segment: Segment) -> list[dict[str, Any]]:
    """ROL-4, or PRT-5 (person) and PRT-8 (organization)."""
    fields = (4,) if segment.name == "ROL" else (5,)
    found = []
    for field in fields:
        for repetition in segment.repetitions(field):
            found += _person_or_house(session, repetition)
    if segment.name == "PRT":
        for repetition in segment.repetitions(8):
            house = organization(session, repetition)
            if house is not None:
                found.append(house)
    return found


def _role_field(segment: Segment) -> int:
    return 3 if segment.name == "ROL" else 4


def _role(segment: Segment) -> Any:
    return segment.first(_role_field(segment))


def _recipient(session: Session, element: str, references: list[dict[str, Any]]) -> None:
    """Remember identifiers for routing: system, value, display."""
    stated = session.recipients.setdefault(element, [])
    for reference in references:
        identifier = reference.get("identifier")
        if identifier is None:
            continue
        known = {"system": str(identifier["system"]), "value": str(identifier["value"])}
        known["display"] = str(reference.get("display", ""))
        session.add(stated, known)
