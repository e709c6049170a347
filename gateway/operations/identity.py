"""A person decides who is whom: two patient records are one person, or two.

Both are events that a later one can undo; deliveries of both are decided again in the same
transaction, because consents and order follow the person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from gateway.evidence import audit_event
from gateway.evidence.event_class import EventClass
from gateway.evidence.parts import Party
from gateway.identity.links import Kind, Source
from gateway.operations.desk import Desk
from gateway.pipeline import redecide
from gateway.pipeline.book import Book
from gateway.pipeline.ports import Current, Transaction
from profiles.issue import NotConformant

_PATIENT = "Patient"


def link(desk: Desk, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Say that two records are one person: {"patients": [id, id]}."""
    return _say(desk, arguments, (Kind.LINKED,), "link")


def separate(desk: Desk, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Say that two records are two persons: {"patients": [id, id]}; a KVNR links them no more."""
    return _say(desk, arguments, (Kind.UNLINKED, Kind.RESOLVED), "unlink")


def _say(
    desk: Desk,
    arguments: Mapping[str, Any],
    kinds: Sequence[Kind],
    act: Literal["link", "unlink"],
) -> dict[str, Any]:
    ids = arguments.get("patients")
    if not isinstance(ids, list) or len(ids) != 2 or ids[0] == ids[1]:
        raise NotConformant("Name two different patient records by their ids.")

    def job(tx: Transaction) -> dict[str, Any]:
        one, other = _records(tx, [str(name) for name in ids])
        before = _persons(tx, (one.number, other.number))
        rule = Source.OPERATOR.value
        tx.link([(one.number, other.number, kind.value, rule, 0, desk.by) for kind in kinds])
        released = _decide_again(desk, tx, before | _persons(tx, (one.number, other.number)))
        _record(desk, tx, act, (one.id, other.id))
        return {"patients": [one.id, other.id], "act": act, "released": released}

    return desk.write(job)


def _records(tx: Transaction, ids: Sequence[str]) -> tuple[Current, Current]:
    found = tx.current([(_PATIENT, name) for name in ids], bodies=False)
    missing = [name for name in ids if (_PATIENT, name) not in found]
    if missing:
        raise NotConformant("There is no patient record of this id.")
    return found[_PATIENT, ids[0]], found[_PATIENT, ids[1]]


def _persons(tx: Transaction, patients: Sequence[int]) -> set[int]:
    return {number for person in tx.linked(patients).values() for number in person}


def _decide_again(desk: Desk, tx: Transaction, concerned: set[int]) -> int:
    book = Book()
    book.resources.update(tx.current_by_number(concerned, bodies=False))
    book.read_persons(tx, concerned, consents=True)
    return redecide.patients(tx, book, desk.site(), concerned, except_message=0)


def _record(
    desk: Desk, tx: Transaction, act: Literal["link", "unlink"], patients: tuple[str, str]
) -> None:
    auditor = desk.site().auditor
    event = audit_event.identity(
        auditor.stamp(tx.now),
        act=act,
        patients=patients,
        rule=Source.OPERATOR.value,
        actor=Party(value=desk.by),
    )
    tx.add_audit([auditor.row(EventClass.IDENTITY, tx.now, event)])
