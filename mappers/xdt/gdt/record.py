"""One GDT record → resources; what a Satzart means is one line of `_SATZARTEN`."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mappers.xdt.gdt.basics import basics
from mappers.xdt.gdt.inquiry import inquiry
from mappers.xdt.gdt.report import report
from mappers.xdt.gdt.request import request, withdrawn
from mappers.xdt.group import Group
from mappers.xdt.insurance import coverage
from mappers.xdt.patient import patient
from mappers.xdt.session import Session
from mappers.xdt.table_rows import apply_rows, table

_PATIENT = ("Obj_Patient", "Obj_0045")
_REQUEST = ("Obj_Anforderung", "Obj_0012")
_HEAD = ("Obj_Kopfdaten", "Obj_0033")
_CARD = ("Obj_Versichertenkarte",)
_NOTHING = Group("", 0)


class Parts(NamedTuple):
    """Where the fields of a record are looked for; all the same in GDT 2.1."""

    #: The record with all its objects.
    record: Group
    #: Fields about the person.
    person: Group
    #: Fields that name what is (or was) asked for.
    asked: Group
    #: Everything but the head and what is asked for.
    body: Group


Read = Callable[[Session, Parts], None]


def parts_of(record: Group) -> Parts:
    """Tell the parts of a record of any version."""
    if not record.groups:
        return Parts(record, record, record, record)
    person, asked = record.find(*_PATIENT), record.find(*_REQUEST)
    return Parts(
        record,
        person.merged() if person is not None else record,
        asked.merged() if asked is not None else _NOTHING,
        record.merged((*_HEAD, *_REQUEST)),
    )


def read_record(session: Session, record: Group) -> None:
    """Read a record by its Satzart."""
    parts = parts_of(record)
    _created(session, record)
    patient(session, parts.person)
    _check(session, parts.person)
    card = record.find(*_CARD)
    insured = parts.person
    if card is not None:
        insured = Group(record.name, record.line)
        insured.entries = [*parts.person.entries, *card.merged().entries]
    made = coverage(session, insured)
    if made is not None:
        apply_rows(session, insured, table("family", "card", "Coverage"), made.resource)
    basics(session, parts.body)
    _SATZARTEN[record.name](session, parts)


def _created(session: Session, record: Group) -> None:
    """GDT 3.5: the timestamp of the head (8218) says when the record was made."""
    head = record.find("Obj_0033")
    stamp = head.find("Obj_0054") if head is not None else None
    day = stamp.first("7278") if stamp is not None else None
    if stamp is not None and day is not None:
        session.recorded = session.instant_of(day, stamp.first("7279"), stamp.first("7273"))


def _check(session: Session, person: Group) -> None:
    """Name and birth date are required where a practice sends; devices leave them out."""
    if session.event not in ("6301", "6302", "6303"):
        return
    for fk in ("3101", "3102", "3103"):
        if person.first(fk) is None:
            session.issue("required", "a required field is missing", f"FK {fk}", "101")


def _patient_data(session: Session, parts: Parts) -> None:
    """6301 says who the patient is, and nothing else."""


def _request(session: Session, parts: Parts) -> None:
    """6302 asks for an examination."""
    request(session, parts.asked, parts.body)


def _shown(session: Session, parts: Parts) -> None:
    """6311 asks to show an examination; some devices send results by it."""
    if parts.body.has("8420", "8480", "6220", "6228"):
        report(session, parts.asked, parts.body, parts.record)
    else:
        inquiry(session, parts.asked, "Untersuchung zeigen", parts.body)


_SATZARTEN: dict[str, Read] = {
    "6300": lambda session, parts: inquiry(session, parts.asked, "Stammdaten anfordern"),
    "6301": _patient_data,
    "6302": _request,
    "6303": lambda session, parts: withdrawn(session, parts.asked, parts.body),
    "6310": lambda session, parts: report(session, parts.asked, parts.body, parts.record),
    "6311": _shown,
}
