"""AuditEvents for auditors: parts of the log by time, oldest or newest first.

Leaves follow the instants of their events within seconds, so that a stretch of time is a stretch
of leaves; the instant itself is compared on every row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.domain.time import SECOND, Instant
from gateway.store.bodies import Bodies
from gateway.store.database import Database
from gateway.store.seal import Kind

#: How far an event's leaf may stand from where its instant belongs.
SLACK = 60 * SECOND
#: Before and after everything that was ever recorded.
BEGINNING, END = -(2**62), 2**62

_AT = (
    "SELECT l.seq, e.recorded_at FROM leaf l JOIN audit_event e ON e.audit = l.audit"
    " WHERE l.seq >= ? ORDER BY l.seq LIMIT 1"
)
_EVENTS = (
    "SELECT l.seq, e.body, e.slot FROM leaf l JOIN audit_event e ON e.audit = l.audit"
    " WHERE l.seq > ? AND l.seq < ? AND e.recorded_at >= ? AND e.recorded_at < ?"
    " ORDER BY l.seq {order} LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is asked for: instants from `low` on and before `high`."""

    low: Instant = BEGINNING
    high: Instant = END
    newest_first: bool = True
    #: Leaf number after which (in this order) it goes on; None starts.
    after: int | None = None


def events(
    db: Database, bodies: Bodies, stretch: Stretch, limit: int
) -> list[tuple[int, dict[str, Any]]]:
    """Read at most `limit` numbered events of a stretch: (leaf number, AuditEvent)."""
    size = db.query("SELECT coalesce(max(seq), -1) FROM leaf")[0][0] + 1
    first = 0 if stretch.low <= BEGINNING else _first_at(db, size, stretch.low - SLACK)
    last = size if stretch.high >= END else _first_at(db, size, stretch.high + SLACK)
    above, below = first - 1, last
    if stretch.after is not None and stretch.newest_first:
        below = min(below, stretch.after)
    elif stretch.after is not None:
        above = max(above, stretch.after)
    order = "DESC" if stretch.newest_first else "ASC"
    rows = db.query(_EVENTS.format(order=order), (above, below, stretch.low, stretch.high, limit))
    return _opened(bodies, rows)


def _first_at(db: Database, size: int, at: Instant) -> int:
    """Return the first leaf of an event recorded at an instant or later, by halving."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        found = db.query(_AT, (middle,))
        if found and found[0][1] < at:
            low = found[0][0] + 1
        else:
            high = middle
    return low


def _opened(bodies: Bodies, rows: Sequence[tuple[Any, ...]]) -> list[tuple[int, dict[str, Any]]]:
    packs = bodies.read({(row[1], Kind.AUDIT) for row in rows})
    return [
        (seq, orjson.loads(packs[body][slot])["event"]) for seq, body, slot in rows if body in packs
    ]
