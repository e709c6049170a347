"""What needs a person, oldest first, and how much is where.

A message no route asks for is visible as unrouted, but nobody has to look at it.
"""

from __future__ import annotations

from gateway.domain.time import Instant
from gateway.store.database import Database, Rows
from gateway.store.views import Counts, WorkItem

_MESSAGES = (
    "SELECT message, state, reason, received_at, endpoint, patient FROM message"
    " WHERE state IN ('quarantined', 'unrouted') AND reason <> 'no-route'"
    " ORDER BY message LIMIT ?"
)
_DELIVERIES = (
    "SELECT delivery, state, reason, changed_at, endpoint, lanes FROM delivery"
    " WHERE state IN ('waiting_for_consent', 'held', 'ambiguous', 'dead')"
    " ORDER BY delivery LIMIT ?"
)
_IDENTITY = (
    "SELECT event, kind, rule, at, patient, other FROM link_event WHERE open = 1"
    " ORDER BY event LIMIT ?"
)


def items(db: Database, *, limit: int) -> list[WorkItem]:
    """Read the work list, oldest first."""
    found = [
        WorkItem("message", number, state, reason, since, endpoint, (patient,) if patient else ())
        for number, state, reason, since, endpoint, patient in db.query(_MESSAGES, (limit,))
    ]
    found += [
        WorkItem("delivery", number, state, reason, since, endpoint, _numbers(lanes))
        for number, state, reason, since, endpoint, lanes in db.query(_DELIVERIES, (limit,))
    ]
    found += [
        WorkItem("identity", number, kind, rule, since, "", (patient, other))
        for number, kind, rule, since, patient, other in db.query(_IDENTITY, (limit,))
    ]
    return sorted(found, key=lambda item: (item.since, item.kind, item.number))[:limit]


def _numbers(lanes: str) -> tuple[int, ...]:
    return tuple(number for part in lanes.split(",") if (number := int(part)))


def counts(db: Database) -> Counts:
    """Count what is undone; reads partial indexes and the lanes only."""
    in_lanes = db.query(
        "SELECT d.state, d.endpoint, count(*), min(d.created_at) FROM delivery d"
        " WHERE d.delivery IN (SELECT delivery FROM lane_delivery) GROUP BY d.state, d.endpoint"
    )
    dead = db.query("SELECT count(*) FROM delivery WHERE state = 'dead'")[0][0]
    deliveries = _sums(in_lanes, 0) | ({"dead": dead} if dead else {})
    unnumbered, since = db.query(
        "SELECT count(*), min(e.recorded_at) FROM audit_pending p"
        " JOIN audit_event e ON e.audit = p.audit"
    )[0]
    return Counts(
        messages=dict(
            db.query(
                "SELECT state, count(*) FROM message"
                " WHERE state IN ('received', 'quarantined', 'unrouted') GROUP BY state"
            )
        ),
        deliveries=deliveries,
        endpoints=_sums(in_lanes, 1),
        identity=db.query("SELECT count(*) FROM link_event WHERE open = 1")[0][0],
        unnumbered=unnumbered,
        unnumbered_since=since or 0,
        unindexed=int(db.query("SELECT coalesce(sum(resources), 0) FROM index_pending")[0][0]),
        oldest_delivery=min((row[3] for row in in_lanes), default=0),
        oldest_work=_oldest_work(db),
        leaves=(db.query("SELECT max(seq) FROM leaf")[0][0] or 0) + _one_if_any(db),
        messages_ever=db.query("SELECT max(message) FROM message")[0][0] or 0,
    )


def _one_if_any(db: Database) -> int:
    """Leaves are numbered from 0."""
    return len(db.query("SELECT seq FROM leaf LIMIT 1"))


def _sums(rows: Rows, column: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        found[row[column]] = found.get(row[column], 0) + row[2]
    return found


def _oldest_work(db: Database) -> Instant:
    """When the oldest item came to be that only a person can move on."""
    oldest = [
        db.query(sql)[0][0]
        for sql in (
            "SELECT min(received_at) FROM message WHERE state IN ('quarantined', 'unrouted')",
            "SELECT min(changed_at) FROM delivery WHERE state IN ('held', 'ambiguous', 'dead')",
            "SELECT min(at) FROM link_event WHERE open = 1",
        )
    ]
    return min((at for at in oldest if at), default=0)
