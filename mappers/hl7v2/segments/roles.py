"""ROL and PRT → participants; the general practitioner and letter recipients where the dialect
says they stand (HL7 v2.5 chapter 15.4.7, v2.7 chapter 7.3.4).
"""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.parties import organization, practitioner
from mappers.hl7v2.segments import participation, practice
from mappers.hl7v2.session import V2, Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf

_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
#: Role codes of the general practitioner: HL7 table 0443 and the German role table.
GENERAL_PRACTITIONER = frozenset({"PP", "FHCP", "HA", "HAUSARZT", "1"})
#: Segments that say themselves that somebody is the general practitioner.
_ALWAYS = ("ROL", "PRT")
#: Role codes of those a result or letter goes to.
RECIPIENT = frozenset({"RCT", "RCP", "IRCP", "RECIPIENT"})


#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "ROL-3": ("Encounter.participant.type", "CareTeam.participant.role"),
    "ROL-4": (
        "Encounter.participant.individual",
        "Patient.generalPractitioner",
        "CareTeam.participant.member",
    ),
    "ROL-5": ("CareTeam.participant.period",),
    "ROL-6": ("CareTeam.participant.period",),
    "PRT-4": ("Encounter.participant.type", "CareTeam.participant.role"),
    "PRT-5": (
        "Encounter.participant.individual",
        "Patient.generalPractitioner",
        "CareTeam.participant.member",
    ),
    "PRT-8": ("Encounter.participant.individual", "CareTeam.participant.member"),
    "PRT-11": ("CareTeam.participant.period",),
    "PRT-12": ("CareTeam.participant.period",),
    "PD1-4": ("Patient.generalPractitioner",),
}


def role_segments(session: Session, segments: list[Segment]) -> None:
    """ROL and PRT of the patient or visit level."""
    for segment in segments:
        role = _role(segment)
        elsewhere = role in GENERAL_PRACTITIONER or role in RECIPIENT
        practice.details(session, segment, lasting=elsewhere)
        if segment.name == "PRT":
            participation.equipment(session, segment)
        if elsewhere:
            continue
        visit = session.encounter
        for reference in _persons(session, segment):
            participant = _participant(session, segment, reference)
            if visit is not None:
                session.append(visit, "participant", participant)
            elif session.patient is not None and session.patient.id:
                _of_team(session, session.patient, participant)


def _participant(session: Session, segment: Segment, reference: dict[str, Any]) -> dict[str, Any]:
    """The person with the role and the time it lasts (ROL-5 and -6, PRT-11 and -12)."""
    role = _role(segment)
    known = role is not None and session.lookup("provider-role", role) is not None
    name, default = ("provider-role", "") if known else ("", V2 + "0443")
    kinds = (
        concept(session, repetition, name, default=default)
        for repetition in segment.repetitions(_role_field(segment))
    )
    kind = next((one for one in kinds if one is not None), None)
    participant: dict[str, Any] = {"individual": reference}
    if kind is not None:
        participant["type"] = [kind]
    period = practice.period(session, segment)
    if period:
        participant["period"] = period
    return participant


def _of_team(session: Session, patient: Draft, participant: dict[str, Any]) -> None:
    """Without a visit the person takes part in the care of the patient (table ROL[CareTeam])."""
    team = session.natural("CareTeam", patient.id, "roles")
    team.resource["subject"] = {"reference": f"Patient/{patient.id}"}
    made = {"member": participant["individual"]}
    if "type" in participant:
        made["role"] = participant["type"]
    if "period" in participant:
        made["period"] = participant["period"]
    session.append(team, "participant", made)


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
