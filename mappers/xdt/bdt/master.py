"""6100 patient master: history, permanent diagnoses and drugs, allergies, job."""

from __future__ import annotations

from mappers.xdt.bdt.contents import Day, read_part
from mappers.xdt.bdt.parts import parts_of
from mappers.xdt.gdt.basics import basics
from mappers.xdt.gdt.facts import fact
from mappers.xdt.group import Group
from mappers.xdt.session import Session

_JOB = ("3620", "3625")


def master(session: Session, record: Group) -> None:
    """Read what the master data say of the patient besides who that is."""
    patient = session.patient
    if patient is None:
        return
    parts, loose = parts_of(record.entries)
    basics(session, loose)
    for fk in _JOB:
        fact(session, loose, fk, (patient.id,), None)
    for kind, group in parts:
        read_part(session, Day(None, None), kind, group)
