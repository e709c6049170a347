"""The trailing index: search tables follow the commits in larger, sorted batches.

`index_pending` is durable and commits with the resources; a crash in between repeats nothing and
loses nothing, because rows leave it in the transaction that indexes them.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.pipeline.ports import Transaction
from gateway.store.database import Database, Insert, Row
from gateway.store.index_terms import decode
from gateway.store.pending import records
from gateway.store.unit import Unit, unit_of

#: Resources by whose numbers the search tables are cut: small trees stay fast to insert into.
SEGMENT_BITS = 15
#: Pending resources at which a batch is due however busy the writer is.
FULL = 4_096
#: Resources taken while idle: short enough that a message which then arrives hardly waits.
SMALL = 640
#: Seconds without a job after which the writer counts as idle.
IDLE = 0.05
#: How often other processes' rows are looked for (PostgreSQL), in seconds.
POLL = 1.0
_LOCK = 0x7261696C
_OFFSETS = (1 << SEGMENT_BITS) - 1
_OFFSET = struct.Struct(">H")

_TERM = Insert("term", ("segment", "term", "batch", "resources"))
_DATE = Insert("date_term", ("segment", "param", "low", "high", "resource"), keep_existing=True)
_QUANTITY = Insert("quantity_term", ("segment", "param", "value", "resource"), keep_existing=True)
_STRING = Insert("string_term", ("segment", "param", "prefix", "resource"), keep_existing=True)


@dataclass(slots=True)
class _Batch:
    #: Segment → term → offsets of resources, packed.
    terms: dict[int, dict[int, bytearray]] = field(default_factory=dict)
    dates: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    quantities: list[tuple[int, int, float, int]] = field(default_factory=list)
    strings: list[tuple[int, int, str, int]] = field(default_factory=list)

    def add(self, resource: int, data: bytes) -> None:
        segment = resource >> SEGMENT_BITS
        offset = _OFFSET.pack(resource & _OFFSETS)
        found = decode(data)
        postings = self.terms.get(segment)
        if postings is None:
            postings = self.terms[segment] = {}
        for term in found.terms:
            known = postings.get(term)
            if known is None:
                postings[term] = bytearray(offset)
            else:
                known += offset
        if found.dates:
            self.dates += [(segment, *date, resource) for date in found.dates]
        if found.quantities:
            self.quantities += [(segment, *quantity, resource) for quantity in found.quantities]
        if found.prefixes:
            self.strings += [(segment, *prefix, resource) for prefix in found.prefixes]

    def write(self, db: Database, number: int) -> None:
        for segment, postings in sorted(self.terms.items()):
            rows = [(segment, term, number, postings[term]) for term in sorted(postings)]
            db.insert(_TERM, rows)
        db.insert(_DATE, sorted(self.dates))
        db.insert(_QUANTITY, sorted(self.quantities))
        db.insert(_STRING, sorted(self.strings))


def pack_offsets(offsets: Sequence[int]) -> bytes:
    """Write the resources of one posting."""
    return struct.pack(f">{len(offsets)}H", *offsets)


def resources_in(segment: int, content: bytes) -> list[int]:
    """Read the resource numbers of one posting."""
    first = segment << SEGMENT_BITS
    return [first + offset for (offset,) in _OFFSET.iter_unpack(content)]


class Trail:
    """Lets the search tables follow; work of the writer between groups."""

    def __init__(self, unit: Unit) -> None:
        """Count what a former process left."""
        self._unit = unit
        self._many_writers = unit.db.dialect == "postgresql"
        rows = unit.db.query("SELECT coalesce(sum(resources), 0) FROM index_pending")
        unit.pending_resources = int(rows[0][0])

    def due_in(self, idle: float) -> float | None:
        """At once when much is pending, soon when idle."""
        pending = self._unit.pending_resources
        if pending >= FULL:
            return 0.0
        if pending > 0:
            return IDLE - idle
        return POLL if self._many_writers else None

    def run(self, tx: Transaction) -> None:
        """Index the oldest pending rows."""
        unit = unit_of(tx)
        full = unit.pending_resources >= FULL
        self.follow(unit, FULL if full else SMALL)

    def follow(self, unit: Unit, count: int) -> None:
        """Index at least `count` pending resources, or all there are."""
        if (
            self._many_writers
            and not unit.db.query("SELECT pg_try_advisory_xact_lock(?)", (_LOCK,))[0][0]
        ):
            return
        _index(unit, _oldest(unit.db, count))


def catch_up(unit: Unit) -> None:
    """Let the search tables have everything that is committed or written in this transaction.

    On PostgreSQL it waits for another process that indexes at the moment.
    """
    if unit.db.dialect == "postgresql":
        unit.db.query("SELECT pg_advisory_xact_lock(?)", (_LOCK,))
    _index(unit, _oldest(unit.db, sys.maxsize))


def _index(unit: Unit, rows: Sequence[Row]) -> None:
    batch = _Batch()
    for _, _, content in rows:
        for resource, data in records(bytes(content)):
            batch.add(resource, data)
    if rows:
        batch.write(unit.db, rows[0][0])
        # The rows go, their first number stays in the search tables: it must not come again.
        unit.numbers.remember("pending")
    unit.db.execute_in("DELETE FROM index_pending WHERE pending {ints}", [row[0] for row in rows])
    taken = sum(row[1] for row in rows)
    # Never 0 before a look has found nothing: the count is only an estimate.
    unit.pending_resources = max(unit.pending_resources - taken, 1) if rows else 0


def _oldest(db: Database, count: int) -> Sequence[Row]:
    chosen: list[Row] = []
    total, after = 0, 0
    while total < count:
        rows = db.query(
            "SELECT pending, resources, content FROM index_pending WHERE pending > ?"
            " ORDER BY pending LIMIT 16",
            (after,),
        )
        for row in rows:
            if total < count:
                chosen.append(row)
                total += row[1]
        if len(rows) < 16:
            break
        after = rows[-1][0]
    return chosen
