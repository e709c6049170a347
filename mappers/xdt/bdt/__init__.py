"""BDT 02/94, xBDT 2.9 and KVDT: what a practice keeps of its patients, or bills (QMS, KBV).

A message is the neighbouring records of one patient: master data (6100), treatment (6200) and
Scheine (0101 to 0191).
"""

from __future__ import annotations

from collections.abc import Sequence

from mappers.xdt.bdt.cases import case
from mappers.xdt.bdt.days import days
from mappers.xdt.bdt.master import master
from mappers.xdt.bdt.persons import coverages, person
from mappers.xdt.bdt.practice import practice_of
from mappers.xdt.group import Group
from mappers.xdt.message import Message
from mappers.xdt.records import role_of
from mappers.xdt.session import Session
from profiles.issue import Issue, NotConformant


def read(session: Session, message: Message) -> None:
    """Read the records of one patient; raises NotConformant when they are of two."""
    house = practice_of(session, message.headers)
    records = message.items
    if _is_catalogue(session, records):
        return
    _check(message, records)
    person(session, records)
    insured = coverages(session, records)
    for record in records:
        if record.name == "6100":
            master(session, record)
        elif record.name == "6200":
            days(session, record, house)
        else:
            case(session, record, insured.get(record.line), house)


def _is_catalogue(session: Session, records: Sequence[Group]) -> bool:
    """Leave out what a practice's system keeps about no patient (xBDT: 0080 to 0084)."""
    if any(role_of(record.name) != "catalogue" for record in records):
        return False
    for record in records:
        leaves = [leaf for group in record.walk() for fk, leaf in group.entries if fk != "8000"]
        session.ignored.append((leaves, "a catalogue of the practice's system, about no patient"))
    return True


def _check(message: Message, records: list[Group]) -> None:
    """A message is about one patient, or whose is what would be guessed."""
    numbers = {str(record.first("3000") or "").strip() for record in records}
    for record in records:
        if role_of(record.name) != "patient" or len(numbers) > 1:
            place = message.path(record.line)
            sentence = "a message holds the records of one patient (FK 3000)"
            issue = Issue("error", "structure", sentence, place)
            raise NotConformant(sentence, location=place, issues=(issue,))
