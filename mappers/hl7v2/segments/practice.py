"""ROL and PRT beyond the person: where, for whom and how one is reached → PractitionerRole.

HL7 v2.5 chapter 15.4.7 (ROL), v2.7 chapter 7.3.4 (PRT). Address and telecom of a role are the
Practitioner's, as far as the message says them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mappers.hl7v2.datatypes.annotations import coded_note
from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.contacts import xad, xtn
from mappers.hl7v2.datatypes.identifiers import ei, pln
from mappers.hl7v2.datatypes.parties import organization, places, practitioner
from mappers.hl7v2.segments.notes import NOTE
from mappers.hl7v2.session import V2, Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment
from mappers.trace import Value


class _Fields(NamedTuple):
    """Where a segment says what; 0: nowhere."""

    number: int
    role: int
    person: int
    specialty: int
    unit: int
    house: int
    place: int
    begin: int
    end: int
    address: int
    telecom: int


_PREFERRED = "http://hl7.org/fhir/StructureDefinition/iso21090-preferred"
#: Fields in whose words the role is explained: how long, why.
_WORDS = {"ROL": (7, 8), "PRT": (3, 13)}
_NOBODY = {"type": "Practitioner", "display": "unbekannt"}
#: Table 0185 → system or use of the telecom that is preferred.
_METHODS = {
    "B": "pager",
    "C": "mobile",
    "E": "email",
    "F": "fax",
    "H": "home",
    "O": "work",
}
_FIELDS = {
    "ROL": _Fields(1, 3, 4, 9, 10, 14, 13, 5, 6, 11, 12),
    "PRT": _Fields(1, 4, 5, 6, 7, 8, 9, 11, 12, 14, 15),
}

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "ROL-1": ("PractitionerRole.identifier",),
    "ROL-3": ("PractitionerRole.code",),
    "ROL-4": ("PractitionerRole.practitioner",),
    "ROL-5": ("PractitionerRole.period", "Encounter.participant.period"),
    "ROL-6": ("PractitionerRole.period", "Encounter.participant.period"),
    "ROL-7": ("PractitionerRole.extension",),
    "ROL-8": ("PractitionerRole.extension",),
    "PRT-3": ("PractitionerRole.extension",),
    "PRT-13": ("PractitionerRole.extension",),
    "ROL-9": ("PractitionerRole.specialty",),
    "ROL-10": ("PractitionerRole.specialty",),
    "ROL-11": ("Practitioner.address",),
    "ROL-12": ("PractitionerRole.telecom",),
    "ROL-13": ("PractitionerRole.location",),
    "ROL-14": ("PractitionerRole.organization",),
    "PRT-1": ("PractitionerRole.identifier",),
    "PRT-4": ("PractitionerRole.code",),
    "PRT-5": ("PractitionerRole.practitioner",),
    "PRT-6": ("PractitionerRole.specialty",),
    "PRT-7": ("PractitionerRole.specialty",),
    "PRT-8": ("PractitionerRole.organization",),
    "PRT-9": ("PractitionerRole.location",),
    "PRT-11": ("PractitionerRole.period", "Encounter.participant.period"),
    "PRT-12": ("PractitionerRole.period", "Encounter.participant.period"),
    "PRT-14": ("Practitioner.address",),
    "PRT-15": ("PractitionerRole.telecom",),
    "PRT-23": ("PractitionerRole.telecom",),
    "PRT-24": ("PractitionerRole.identifier",),
}


def period(session: Session, segment: Segment) -> dict[str, Any]:
    """How long the role lasts."""
    fields = _FIELDS[segment.name]
    sides = (("start", segment.first(fields.begin)), ("end", segment.first(fields.end)))
    return {k: when for k, v in sides if (when := session.date_time(v)) is not None}


def details(session: Session, segment: Segment, *, lasting: bool = False) -> Draft | None:
    """Write a PractitionerRole where the segment says more than who and since when.

    `lasting`: nothing else says how long the role lasts.
    """
    fields = _FIELDS[segment.name]
    house = fields.house if segment.name == "ROL" else 0
    said = [fields.specialty, fields.unit, fields.place, fields.address, fields.telecom, house]
    said += [fields.begin, fields.end] if lasting else []
    found = (practitioner(session, repetition) for repetition in segment.repetitions(fields.person))
    people = [one for one in found if one is not None]
    if not any(field and segment.has(field) for field in said):
        session.ignored.append((segment.repetitions(fields.number), "instance id of the role"))
        return None
    role = segment.first(fields.role) or ""
    identity = people[0]["reference"].partition("/")[2] if people else ""
    parent = session.encounter or session.patient
    owner = parent.id if parent is not None else ""
    draft = session.natural("PractitionerRole", identity, owner, role, subject=False)
    if people or not segment.has(fields.house):
        draft.resource["practitioner"] = people[0] if people else dict(_NOBODY)
    for element, values in _elements(session, segment, fields):
        for value in values:
            session.append(draft, element, value)
    if segment.name == "PRT":
        _preferred(segment, draft)
    _explained(session, segment, draft)
    _where_and_when(session, segment, draft)
    _addresses(session, segment.repetitions(fields.address), identity)
    return draft


def _where_and_when(session: Session, segment: Segment, draft: Draft) -> None:
    houses = [organization(session, r) for r in segment.repetitions(_FIELDS[segment.name].house)]
    if houses and houses[0] is not None:
        session.say(draft, "organization", houses[0])
    if lasting := period(session, segment):
        session.say(draft, "period", lasting)


def _explained(session: Session, segment: Segment, draft: Draft) -> None:
    """How long the role lasts and why, in words."""
    for field in _WORDS[segment.name]:
        for repetition in segment.repetitions(field):
            note = coded_note(session, repetition)
            if note is not None:
                session.append(draft, "extension", {"url": NOTE, "valueAnnotation": note})


def _addresses(session: Session, stated: list[Repetition], identity: str) -> None:
    """Where the person is reached stands with the person."""
    person = session.drafts.get(identity)
    for repetition in stated if person is not None else ():
        address = xad(session, repetition)
        if address is not None and person is not None:
            session.append(person, "address", address)


def _preferred(segment: Segment, draft: Draft) -> None:
    """PRT-23: the way of contact that is preferred; what says so is the number of that kind."""
    stated = segment.first(23)
    wanted = _METHODS.get(stated or "")
    for number, point in enumerate(draft.resource.get("telecom", ())):
        if (
            stated is None
            or wanted is None
            or wanted not in (point.get("system"), point.get("use"))
        ):
            continue
        mark = {"url": _PREFERRED, "valueBoolean": Value(True, stated.source)}  # noqa: FBT003
        extensions = [*point.get("extension", ()), mark]
        draft.resource["telecom"][number] = {**point, "extension": extensions}
        return


def _elements(
    session: Session, segment: Segment, fields: _Fields
) -> list[tuple[str, list[dict[str, Any]]]]:
    """The lists of a PractitionerRole."""
    read = segment.repetitions
    found: list[tuple[str, list[Any]]] = [
        ("identifier", [ei(session, r, "role") for r in read(fields.number)]),
        ("code", [concept(session, r, default=V2 + "0443") for r in read(fields.role)]),
        ("specialty", [concept(session, r) for r in (*read(fields.specialty), *read(fields.unit))]),
        ("location", [place for r in read(fields.place) for place, _ in places(session, r)]),
        ("telecom", [xtn(session, r, "work") for r in read(fields.telecom)]),
    ]
    if segment.name == "PRT":
        found.append(("identifier", [pln(session, r) for r in read(24)]))
    return [(element, [v for v in values if v is not None]) for element, values in found]
