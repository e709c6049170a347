"""Deleting rows for good, with everything that points at them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.domain.time import Instant
from gateway.store.database import Database
from gateway.store.messages import targets
from gateway.store.trail import SEGMENT_BITS, pack_offsets, resources_in

#: Search tables whose rows go with their resources.
INDEXES = ("term", "date_term", "quantity_term", "string_term")
#: (table, column) of rows that go with a resource or Patient.
_DEPENDENT = (
    ("version", "resource"),
    ("patient_consent", "resource"),
    ("patient_consent", "patient"),
    ("patient_kvnr", "patient"),
    ("patient_link", "patient"),
    ("patient_link", "other"),
    ("link_event", "patient"),
    ("link_event", "other"),
    ("resource", "resource"),
)


def delete(db: Database, table: str, numbers: Sequence[int], *, column: str = "") -> None:
    """Delete rows by number."""
    db.execute_in(f"DELETE FROM {table} WHERE {column or table} {{ints}}", numbers)  # noqa: S608 - our own names


def expired_resources(db: Database, numbers: Iterable[int], now: Instant) -> list[int]:
    """Return those resources that are past their time and that nothing else needs.

    A Patient is needed as long as any other resource of it stays.
    """
    rows = db.query_in(
        "SELECT resource, patient FROM resource WHERE resource {ints} AND retain_until <= ?",
        sorted(set(numbers)),
        after=(now,),
    )
    expired = {row[0] for row in rows}
    patients = {row[0] for row in rows if row[0] == row[1]}
    staying = {
        patient
        for resource, patient in db.query_in(
            "SELECT resource, patient FROM resource WHERE patient {ints}", sorted(patients)
        )
        if resource not in expired
    }
    return sorted(expired - staying)


def keep_contents(db: Database, messages: Sequence[int], until: Instant) -> None:
    """Keep everything that messages consist of, bodies and data keys, a while longer."""
    bodies = {
        body
        for row in db.query_in(
            "SELECT raw_body, report_body FROM message WHERE message {ints}", messages
        )
        + db.query_in(
            "SELECT decision_body, body, answer_body FROM delivery WHERE message {ints}", messages
        )
        for body in row
    }
    spoken_of = {
        number
        for (packed,) in db.query_in("SELECT targets FROM message WHERE message {ints}", messages)
        for number, _ in targets(bytes(packed))
    }
    for table in ("resource", "version"):
        rows = db.query_in(f"SELECT body FROM {table} WHERE resource {{ints}}", spoken_of)  # noqa: S608 - our own names
        bodies |= {row[0] for row in rows}
    subjects = {
        row[0] for row in db.query_in("SELECT subject FROM body WHERE body {ints}", sorted(bodies))
    }
    for table, numbers in (("body", bodies), ("data_key", subjects)):
        column = "subject" if table == "data_key" else table
        db.executemany(
            f"UPDATE {table} SET retain_until = ? WHERE {column} = ? AND retain_until < ?",  # noqa: S608 - our own names
            [(until, number, until) for number in sorted(numbers)],
        )


def delete_resources(db: Database, numbers: Sequence[int]) -> None:
    """Delete resources with their versions, consents, links and KVNR statements."""
    for table, column in _DEPENDENT:
        delete(db, table, numbers, column=column)


def delete_deliveries(db: Database, messages: Sequence[int]) -> int:
    """Delete the (ended) deliveries of messages with their attempts; return how many."""
    numbers = [
        row[0]
        for row in db.query_in("SELECT delivery FROM delivery WHERE message {ints}", messages)
    ]
    delete(db, "attempt", numbers, column="delivery")
    delete(db, "delivery", numbers)
    return len(numbers)


def segments_of(resources: Iterable[int]) -> set[int]:
    """Return the segments of the search tables that name these resources."""
    return {number >> SEGMENT_BITS for number in resources}


def sweep_index(db: Database, table: str, segment: int) -> None:
    """Delete what a search table says about resources of a segment that no longer exist."""
    present = {
        row[0]
        for row in db.query(
            "SELECT resource FROM resource WHERE resource >= ? AND resource < ?",
            (segment << SEGMENT_BITS, (segment + 1) << SEGMENT_BITS),
        )
    }
    if table == "term":
        _sweep_terms(db, segment, present)
        return
    named = {
        row[0]
        for row in db.query(f"SELECT DISTINCT resource FROM {table} WHERE segment = ?", (segment,))  # noqa: S608 - our own names
    }
    db.executemany(
        f"DELETE FROM {table} WHERE segment = ? AND resource = ?",  # noqa: S608 - our own names
        [(segment, number) for number in sorted(named - present)],
    )


def _sweep_terms(db: Database, segment: int, present: set[int]) -> None:
    first = segment << SEGMENT_BITS
    gone, smaller = [], []
    for term, batch, content in db.query(
        "SELECT term, batch, resources FROM term WHERE segment = ?", (segment,)
    ):
        named = resources_in(segment, bytes(content))
        staying = [number - first for number in named if number in present]
        if not staying:
            gone.append((segment, term, batch))
        elif len(staying) < len(named):
            smaller.append((pack_offsets(staying), segment, term, batch))
    db.executemany("DELETE FROM term WHERE segment = ? AND term = ? AND batch = ?", gone)
    db.executemany(
        "UPDATE term SET resources = ? WHERE segment = ? AND term = ? AND batch = ?", smaller
    )
