"""The sequencer: numbers waiting commitments into the Merkle log within a second.

With SQLite the writer's thread is the only one; on PostgreSQL whoever gets the lock numbers what
all processes committed. Acts never wait for it.
"""

from __future__ import annotations

import time

from gateway.domain.time import fhir_instant
from gateway.evidence.event_class import EventClass
from gateway.evidence.sequence import Head, sequence
from gateway.pipeline.ports import Transaction
from gateway.store.database import Database, Insert
from gateway.store.unit import Unit, unit_of

#: Seconds between two runs.
EVERY = 0.6
#: Most leaves in one run: about 60 ms of the writer's time.
MOST = 4_000
_LOCK = 0x6C6F67
_LEAF = Insert("leaf", ("seq", "audit", "data"))
_HEAD = Insert("tree_head", ("size", "at", "root", "frontier"))


class Sequencer:
    """Work of the writer between groups: numbers what waits."""

    def __init__(self, unit: Unit) -> None:
        """Number at once what a former process left."""
        self._unit = unit
        self._many_writers = unit.db.dialect == "postgresql"
        self._last = 0.0
        unit.unnumbered = True

    def due_in(self, idle: float) -> float | None:  # noqa: ARG002 - evidence does not wait
        """Some time after the last run, when something may wait."""
        if not self._unit.unnumbered and not self._many_writers:
            return None
        return self._last + EVERY - time.monotonic()

    def run(self, tx: Transaction) -> None:
        """Number what waits."""
        unit = unit_of(tx)
        self._last = time.monotonic()
        if (
            self._many_writers
            and not unit.db.query("SELECT pg_try_advisory_xact_lock(?)", (_LOCK,))[0][0]
        ):
            return
        if number_waiting(unit) < MOST:
            unit.unnumbered = False


def number_waiting(unit: Unit, most: int = MOST) -> int:
    """Number waiting commitments in order; return how many there were."""
    rows = unit.db.query(
        "SELECT p.audit, e.class, e.commitment FROM audit_pending p"
        " JOIN audit_event e ON e.audit = p.audit ORDER BY p.audit LIMIT ?",
        (most,),
    )
    waiting = [(EventClass(kind), bytes(commitment)) for _, kind, commitment in rows]
    run = sequence(last_head(unit.db), waiting, fhir_instant(unit.now))
    if run is None:
        return 0
    first = run.head.size - len(run.leaves)
    unit.db.insert(
        _LEAF,
        [
            (first + index, row[0], leaf)
            for index, (row, leaf) in enumerate(zip(rows, run.leaves, strict=True))
        ],
    )
    unit.db.insert(_HEAD, [(run.head.size, run.head.time, run.head.root, run.head.frontier)])
    unit.db.execute_in("DELETE FROM audit_pending WHERE audit {ints}", [row[0] for row in rows])
    return len(rows)


def last_head(db: Database) -> Head | None:
    """Return the newest head; None for an empty log."""
    rows = db.query("SELECT size, root, at, frontier FROM tree_head ORDER BY size DESC LIMIT 1")
    return Head(rows[0][0], bytes(rows[0][1]), rows[0][2], bytes(rows[0][3])) if rows else None
