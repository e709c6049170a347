"""Erasing everything about patients: rows, bodies and the keys that open them (Art. 17 DSGVO).

The audit log keeps its events, which hold identifiers only. What was sent is with its recipients;
what a backup holds is opened with its keys until the backup goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.store import erasure, pending
from gateway.store.unit import Unit


@dataclass(frozen=True, slots=True)
class Erased:
    """What went, as numbers."""

    resources: int
    #: Messages that went as a whole, and those of other patients too, whose bytes went.
    messages: int
    emptied: int
    deliveries: int
    bodies: int
    keys: int
    #: Segments of the search tables that still name what is gone.
    segments: frozenset[int]


def erase(unit: Unit, patients: Sequence[int]) -> Erased:
    """Delete everything of Patients (store numbers) in this transaction.

    Their deliveries have to be ended before: lanes are not looked after here.
    """
    resources = _numbers(unit, "SELECT resource FROM resource WHERE patient {ints}", patients)
    own, shared = _messages(unit, patients, resources)
    bodies = _bodies(unit, patients, resources, own, shared)
    subjects = _subjects(unit, resources, own)
    deliveries = _deliveries(unit, patients, own)
    pending.remove(unit, resources)
    erasure.delete_resources(unit.db, sorted(resources))
    erasure.delete(unit.db, "message", sorted(own))
    erasure.delete(unit.db, "body", sorted(bodies))
    erasure.delete(unit.db, "data_key", sorted(subjects), column="subject")
    unit.numbers.remember()
    unit.bodies.forget()
    return Erased(
        resources=len(resources),
        messages=len(own),
        emptied=len(shared),
        deliveries=deliveries,
        bodies=len(bodies),
        keys=len(subjects),
        segments=frozenset(erasure.segments_of(resources)),
    )


def _messages(
    unit: Unit, patients: Iterable[int], resources: Iterable[int]
) -> tuple[set[int], set[int]]:
    """Return the messages about these patients alone, and those that are about others as well."""
    found = _numbers(unit, "SELECT message FROM message WHERE patient {ints}", patients)
    for table in ("resource", "version"):
        sql = f"SELECT DISTINCT message FROM {table} WHERE message > 0 AND resource {{ints}}"  # noqa: S608 - our own names
        found |= _numbers(unit, sql, resources)
    gone = set(patients)
    rows = unit.db.query_in(
        "SELECT DISTINCT message, patient FROM resource WHERE patient > 0 AND message {ints}",
        found,
    )
    rows += unit.db.query_in("SELECT message, patient FROM message WHERE message {ints}", found)
    shared = {message for message, patient in rows if patient and patient not in gone}
    return found - shared, shared


def _bodies(
    unit: Unit,
    patients: Iterable[int],
    resources: Iterable[int],
    own: Iterable[int],
    shared: Iterable[int],
) -> set[int]:
    """Return the bodies that hold anything of the patients and nothing that others need."""
    found: set[int] = set()
    for table in ("resource", "version"):
        found |= _numbers(unit, f"SELECT body FROM {table} WHERE resource {{ints}}", resources)  # noqa: S608 - our own names
    columns = (
        ("SELECT raw_body, report_body FROM message WHERE message {ints}", [*own, *shared]),
        ("SELECT decision_body, body, answer_body FROM delivery WHERE message {ints}", own),
        ("SELECT body, answer_body FROM delivery WHERE patient {ints}", patients),
    )
    for sql, numbers in columns:
        found |= {body for row in unit.db.query_in(sql, sorted(set(numbers))) for body in row}
    return found - {0}


def _subjects(unit: Unit, resources: Iterable[int], own: Iterable[int]) -> set[int]:
    """Return the data keys that opened nothing but this, except for the shared one."""
    found = _numbers(unit, "SELECT DISTINCT subject FROM resource WHERE resource {ints}", resources)
    found |= _numbers(unit, "SELECT DISTINCT subject FROM message WHERE message {ints}", own)
    needed = unit.db.query_in(
        "SELECT subject, resource FROM resource WHERE subject {ints}", sorted(found)
    )
    gone = set(resources)
    return found - {subject for subject, resource in needed if resource not in gone} - {0}


def _deliveries(unit: Unit, patients: Iterable[int], own: Iterable[int]) -> int:
    numbers = _numbers(unit, "SELECT delivery FROM delivery WHERE patient {ints}", patients)
    numbers |= _numbers(unit, "SELECT delivery FROM delivery WHERE message {ints}", own)
    erasure.delete(unit.db, "attempt", sorted(numbers), column="delivery")
    erasure.delete(unit.db, "delivery", sorted(numbers))
    return len(numbers)


def _numbers(unit: Unit, sql: str, keys: Iterable[int]) -> set[int]:
    return {row[0] for row in unit.db.query_in(sql, sorted(set(keys)))}
