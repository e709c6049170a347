"""6200 treatment data → an Encounter for every day of treatment, and what was found and done."""

from __future__ import annotations

from mappers.drafts import Draft
from mappers.uris import V2
from mappers.xdt.bdt.contents import Day, read_part
from mappers.xdt.bdt.parts import parts_of
from mappers.xdt.group import Entry, Group
from mappers.xdt.parties import doctor
from mappers.xdt.patient import reference
from mappers.xdt.session import Session

_ACT = f"{V2.removesuffix('v2-')}v3-ActCode"
_LEVEL = {
    "system": "http://fhir.de/CodeSystem/Kontaktebene",
    "code": "einrichtungskontakt",
    "display": "Einrichtungskontakt",
}
_CLASSES = {"AMB": "ambulatory", "IMP": "inpatient encounter"}
_PERFORMER = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
    "code": "PPRF",
    "display": "primary performer",
}
#: Who treated: initials, LANR.
_SIGNED = ("8990", "0212")


def days(session: Session, record: Group, house: Draft | None) -> None:
    """Read a record by its days; what stands before the first day is of no day."""
    for entries in _by_day(record.entries):
        _day(session, entries, house)


def _by_day(entries: list[Entry]) -> list[list[Entry]]:
    found: list[list[Entry]] = [[]]
    for entry in entries:
        if entry[0] == "6200":
            found.append([])
        found[-1].append(entry)
    return [one for one in found if one]


def _day(session: Session, entries: list[Entry], house: Draft | None) -> None:
    parts, loose = parts_of(entries)
    stated = loose.first("6200")
    day = session.when(stated, loose.first("6201"))
    visit = _visit(session, loose, day, house) if stated is not None and day else None
    for kind, group in parts:
        read_part(session, Day(day, visit), kind, group)


def _visit(session: Session, loose: Group, day: str, house: Draft | None) -> Draft | None:
    """6200 with 6201: one contact a day, whoever of the practice had it."""
    draft = visit(session, ("6200", str(day)[:10]), "AMB", house)
    if draft is None:
        return None
    session.say(draft, "period", {"start": day})
    for fk, leaf in loose.entries:
        if fk in _SIGNED:
            one = Group("", 0)
            one.entries = [(fk, leaf)]
            who = {"type": [{"coding": [_PERFORMER]}], "individual": doctor(session, one)}
            session.append(draft, "participant", who)
    return draft


def visit(session: Session, named: tuple[str, ...], kind: str, house: Draft | None) -> Draft | None:
    """Begin the Encounter of a day (AMB) or of a stay (IMP) without its period."""
    patient = session.patient
    if patient is None:
        return None
    draft = session.natural("Encounter", patient.id, *named)
    resource = draft.resource
    resource["status"] = "finished"
    resource["class"] = {"system": _ACT, "code": kind, "display": _CLASSES[kind]}
    resource["type"] = [{"coding": [_LEVEL]}]
    resource["subject"] = reference(patient)
    if house is not None:
        resource["serviceProvider"] = reference(house)
    return draft
