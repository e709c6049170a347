"""PRA, EDU and CER → Practitioner.qualification, PractitionerRole (HL7 v2.5 chapter 15.4)."""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.identifiers import pln
from mappers.hl7v2.datatypes.parties import organization
from mappers.hl7v2.datatypes.periods import ordered
from mappers.hl7v2.reader import Reader
from mappers.hl7v2.segments import stf
from mappers.hl7v2.session import V2, Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "PRA-2": ("PractitionerRole.organization",),
    "PRA-3": ("PractitionerRole.code",),
    "PRA-5": ("PractitionerRole.specialty", "Practitioner.qualification"),
    "PRA-6": ("Practitioner.identifier",),
    "PRA-7": ("PractitionerRole.code",),
    "PRA-8": ("PractitionerRole.period",),
    "PRA-9": ("PractitionerRole.organization",),
    "PRA-10": ("PractitionerRole.period",),
    "EDU-2": ("Practitioner.qualification.code",),
    "EDU-3": ("Practitioner.qualification.period",),
    "EDU-4": ("Practitioner.qualification.period",),
    "EDU-5": ("Practitioner.qualification.period",),
    "EDU-6": ("Practitioner.qualification.issuer",),
    "EDU-9": ("Practitioner.qualification.code",),
    "CER-2": ("Practitioner.qualification.identifier",),
    "CER-4": ("Practitioner.qualification.issuer",),
    "CER-10": ("Practitioner.qualification.code",),
    "CER-11": ("Practitioner.qualification.code",),
    "CER-25": ("Practitioner.qualification.period",),
    "CER-27": ("Practitioner.qualification.period",),
    "CER-29": ("Practitioner.qualification.period",),
}


def details(reader: Reader, segment: Segment) -> None:
    """PRA → numbers and specialties of the Practitioner, and the role in the practice."""
    session, person = reader.session, reader.now.get("Practitioner")
    if person is None:
        return
    for repetition in segment.repetitions(6):
        number = pln(session, repetition)
        if number is not None:
            session.append(person, "identifier", number)
    session.echoes.append(segment.repetitions(1))
    _groups(session, segment, person)
    role = stf.post(session, person, "practice", segment.first(9) or "")
    _house_and_codes(session, segment, role)
    for repetition in segment.repetitions(5):
        _specialty(session, repetition, person, role)
    _practising(session, segment, role)
    reader.before = None


def _groups(session: Session, segment: Segment, person: Draft) -> None:
    """PRA-2: a role in each group of practitioners."""
    for repetition in segment.repetitions(2):
        where = stf.house(session, repetition)
        if where is not None:
            role = stf.post(session, person, "group", where["display"])
            role.resource["organization"] = where


def _house_and_codes(session: Session, segment: Segment, role: Draft) -> None:
    for repetition in segment.repetitions(9):
        where = stf.house(session, repetition)
        if where is not None:
            role.resource["organization"] = where
    kinds = [(r, "0186") for r in segment.repetitions(3)]
    kinds += [([None, *_parts(r[1])], "0525") for r in segment.repetitions(7)]
    for repetition, system in kinds:
        kind = concept(session, repetition, default=V2 + system)
        if kind is not None:
            session.append(role, "code", kind)


def _parts(component: Any) -> list[Any]:
    return component if type(component) is list else [component]


def _specialty(session: Session, repetition: Repetition, person: Draft, role: Draft) -> None:
    """SPD: a specialty, and who certified it when."""
    name = leaf(repetition, 1)
    if name is None or name == '""':
        return
    kind = {"text": name}
    session.append(role, "specialty", kind)
    board, status, when = (leaf(repetition, n) for n in (2, 3, 4))
    if board is None and status is None and when is None:
        return
    codings = [{"system": V2 + "0337", "code": status}] if status is not None else []
    made: dict[str, Any] = {"code": {"coding": codings, **kind} if codings else kind}
    certified = session.date_time(when)
    if certified is not None:
        made["period"] = {"start": certified}
    if board is not None:
        made["issuer"] = {"type": "Organization", "display": board}
    session.append(person, "qualification", made)


def _practising(session: Session, segment: Segment, role: Draft) -> None:
    sides = (("start", segment.first(8)), ("end", segment.first(10)))
    period = {k: when for k, v in sides if (when := session.date_time(v)) is not None}
    if period:
        role.resource["period"] = ordered(session, period)


def education(reader: Reader, segment: Segment) -> None:
    """EDU → a qualification: the degree, its field and school."""
    session = reader.session
    degree = _first(session, segment, (2,), V2 + "0360")
    field = _first(session, segment, (9,), "")
    if degree is not None and field is not None:
        coding = field.get("coding", [{}])[0]
        said = field.get("text") or coding.get("display") or coding.get("code")
        degree = {**degree, "text": said}
    granted = session.date_time(segment.first(5))
    period = {"start": granted} if granted is not None else _studied(session, segment)
    _qualify(reader, segment, 6, degree or field, period)


def _studied(session: Session, segment: Segment) -> dict[str, Any]:
    """EDU-4, else EDU-3: from when until when somebody took part."""
    period: dict[str, Any] = {}
    for repetition in (*segment.repetitions(4), *segment.repetitions(3)):
        for side, number in (("start", 1), ("end", 2)):
            when = session.date_time(leaf(repetition, number))
            if when is not None:
                period.setdefault(side, when)
    return period


def certificate(reader: Reader, segment: Segment) -> None:
    """CER → a qualification: what is certified, by whom and until when."""
    session = reader.session
    code = _first(session, segment, (10, 11), "")
    begins = next((f for f in (25, 23, 24) if segment.has(f)), 0)
    ends = next((f for f in (29, 26, 27) if segment.has(f)), 0)
    sides = ((side, segment.first(f)) for side, f in (("start", begins), ("end", ends)) if f)
    period = {k: when for k, v in sides if (when := session.date_time(v)) is not None}
    made = _qualify(reader, segment, 4, code, period)
    number = segment.first(2)
    if made is not None and number is not None:
        system = f"{session.namespace}/certificate"
        made["identifier"] = [{"system": system, "value": number}]


def _first(
    session: Session, segment: Segment, fields: tuple[int, ...], default: str
) -> dict[str, Any] | None:
    for field in fields:
        for repetition in segment.repetitions(field):
            found = concept(session, repetition, default=default)
            if found is not None:
                return found
    return None


def _qualify(
    reader: Reader,
    segment: Segment,
    issuer: int,
    code: dict[str, Any] | None,
    period: dict[str, Any],
) -> dict[str, Any] | None:
    session, person = reader.session, reader.now.get("Practitioner")
    if person is None or code is None:
        return None
    made: dict[str, Any] = {"code": code}
    if period:
        made["period"] = ordered(session, period)
    for repetition in segment.repetitions(issuer):
        house = organization(session, repetition)
        if house is not None:
            made["issuer"] = house
    person.resource.setdefault("qualification", []).append(made)
    return made
