"""The outbox: deliveries enqueued, claimed, begun, settled, recovered.

Every state change checks `domain.delivery.TRANSITIONS` and the fence of the claim it belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gateway.domain.delivery import CLAIMABLE, ENDED, Delivery, DeliveryState
from gateway.domain.time import Instant
from gateway.pipeline.ports import NewDelivery
from gateway.store import lanes
from gateway.store.bodies import Parts, whole_days
from gateway.store.database import Insert, Row
from gateway.store.seal import Kind
from gateway.store.unit import Unit

_DELIVERY = Insert(
    "delivery",
    (
        "delivery",
        "message",
        "endpoint",
        "route",
        "organization",
        "patient",
        "lanes",
        "subject",
        "state",
        "reason",
        "attempts",
        "control_id",
        "created_at",
        "changed_at",
        "next_at",
        "expires_at",
        "fence",
        "decision_body",
        "decision_slot",
        "body",
        "answer_body",
        "retain_until",
    ),
)
COLUMNS = (
    "delivery, message, endpoint, route, organization, lanes, state, attempts, control_id,"
    " created_at, next_at, expires_at, reason, fence"
)
_BY_NUMBER = f"SELECT {COLUMNS} FROM delivery WHERE delivery {{ints}} ORDER BY delivery"  # noqa: S608 - a constant
_DUE = (
    "SELECT lane, head FROM lane WHERE endpoint = ? AND next_at <= ?"
    " ORDER BY next_at, head LIMIT ? {skip_locked}"
)
_CLAIM = (
    "UPDATE delivery SET state = 'claimed', fence = fence + 1, changed_at = ? WHERE delivery {ints}"
)
_LEASE = "UPDATE lane SET next_at = NULL, lease_until = ? WHERE lane {ints}"
_BEGIN = (
    "UPDATE delivery SET state = 'inflight', attempts = attempts + 1, changed_at = ?,"
    " body = ?, decision_body = ?, decision_slot = ? WHERE delivery = ?"
)


def delivery_of(row: Row) -> Delivery:
    """Make a delivery of its columns."""
    patients = tuple(int(part) for part in row[5].split(","))
    values: Row = (*row[:5], patients, DeliveryState(row[6]), *row[7:])
    return Delivery(*values)


def by_number(unit: Unit, numbers: Iterable[int], *, locked: bool = False) -> list[Delivery]:
    """Read deliveries, in order of their numbers."""
    sql = _BY_NUMBER + (" {lock}" if locked else "")
    return [delivery_of(row) for row in unit.db.query_in(sql, sorted(set(numbers)))]


def add(unit: Unit, rows: Sequence[NewDelivery]) -> list[int]:
    """Enqueue deliveries into their lanes; return their numbers in order.

    Those denied from the start stand in no lane: nothing may wait behind them.
    """
    if not rows:
        return []
    undone = [row for row in rows if row.state not in ENDED]
    present = lanes.ensure(
        unit, [(patient, row.endpoint) for row in undone for patient in row.lanes]
    )
    # The lanes are locked: whoever enqueues for them next gets larger numbers.
    numbers = unit.numbers.take("delivery", len(rows))
    decisions = _write_decisions(unit, rows)
    unit.db.insert(
        _DELIVERY,
        [
            _row(unit, number, row, *decision)
            for number, row, decision in zip(numbers, rows, decisions, strict=True)
        ],
    )
    members = [
        (present[patient, row.endpoint], number, row)
        for number, row in zip(numbers, rows, strict=True)
        if row.state not in ENDED
        for patient in row.lanes
    ]
    lanes.enter(
        unit,
        [(lane.number, number, _place(unit, lane, number, row)) for lane, number, row in members],
    )
    _place_heads(unit, members)
    return numbers


def _place(unit: Unit, lane: lanes.Lane, number: int, row: NewDelivery) -> int:
    """Stand in the place of the delivery that is replaced, else behind all others."""
    instead = lanes.place_of(unit, lane.number, row.instead_of) if row.instead_of else 0
    return instead or number


def _place_heads(unit: Unit, members: Sequence[tuple[lanes.Lane, int, NewDelivery]]) -> None:
    heads: dict[int, tuple[int, int, Instant | None]] = {}
    shared = {}
    for lane, number, row in members:
        if len(row.lanes) > 1:
            shared[lane.number] = lane
        elif not lane.head and lane.number not in heads:
            heads[lane.number] = (lane.number, number, unit.now if _claimable(row) else None)
    lanes.set_heads(unit, [head for lane, head in heads.items() if lane not in shared])
    if shared:
        lanes.refresh(unit, [shared[number] for number in sorted(shared)])


def _claimable(row: NewDelivery) -> bool:
    return row.state in CLAIMABLE


def _write_decisions(unit: Unit, rows: Sequence[NewDelivery]) -> list[tuple[int, int]]:
    """Write decisions, one body for each message and subject; return (body, slot)."""
    packs: dict[tuple[int, int], list[NewDelivery]] = {}
    slots = []
    for row in rows:
        members = packs.setdefault((row.message_id, row.subject), [])
        slots.append(len(members))
        members.append(row)
    numbers = unit.bodies.write(
        [
            Parts(
                Kind.DECISIONS,
                subject,
                [member.decision for member in members],
                max(member.retain_until for member in members),
            )
            for (_, subject), members in packs.items()
        ]
    )
    body_of = dict(zip(packs, numbers, strict=True))
    return [
        (body_of[row.message_id, row.subject], slot) for row, slot in zip(rows, slots, strict=True)
    ]


def _row(unit: Unit, number: int, row: NewDelivery, body: int, slot: int) -> tuple[object, ...]:
    return (
        number,
        row.message_id,
        row.endpoint,
        row.route,
        row.organization,
        row.patient,
        ",".join(map(str, row.lanes)),
        row.subject,
        row.state.value,
        row.reason,
        0,
        row.control_id,
        unit.now,
        unit.now,
        unit.now,
        row.expires_at,
        0,
        body,
        slot,
        0,
        0,
        whole_days(row.retain_until),
    )


def claim(unit: Unit, endpoints: Mapping[str, int], *, lease_until: Instant) -> list[Delivery]:
    """Claim due lane heads, at most `endpoints[id]` for each endpoint."""
    due: dict[int, int] = {}
    for endpoint, count in sorted(endpoints.items()):
        if count > 0:
            rows = unit.db.query(_DUE, (endpoint, unit.now, count))
            due.update((head, lane) for lane, head in rows)
    claimed = [d for d in by_number(unit, due, locked=True) if d.state in CLAIMABLE]
    unit.db.execute_in(_CLAIM, [delivery.id for delivery in claimed], (unit.now,))
    unit.db.execute_in(_LEASE, [due[delivery.id] for delivery in claimed], (lease_until,))
    return [
        replace(delivery, state=DeliveryState.CLAIMED, fence=delivery.fence + 1)
        for delivery in claimed
    ]


def begin(unit: Unit, rows: Sequence[tuple[Delivery, bytes, bytes]]) -> list[int]:
    """Mark claimed deliveries inflight with the bytes to send; return those refused."""
    present = {
        row[0]: row[1:]
        for row in unit.db.query_in(
            "SELECT delivery, state, fence, subject, retain_until, body FROM delivery"
            " WHERE delivery {ints} ORDER BY delivery {lock}",
            sorted(delivery.id for delivery, _, _ in rows),
        )
    }
    allowed, refused = [], []
    for delivery, payload, decision in rows:
        state, fence, subject, until, body = present.get(delivery.id, ("", -1, 0, 0, 0))
        if state == DeliveryState.CLAIMED and fence == delivery.fence:
            # A resend repeats the stored bytes: they are never replaced.
            kind = Kind.DECISIONS if body else Kind.OUTGOING
            parts = (decision,) if body else (payload, decision)
            allowed.append((delivery.id, body, Parts(kind, subject, parts, until)))
        else:
            refused.append(delivery.id)
    numbers = unit.bodies.write([parts for _, _, parts in allowed])
    unit.db.executemany(
        _BEGIN,
        [
            (unit.now, body or number, number, 0 if body else 1, delivery_id)
            for (delivery_id, body, _), number in zip(allowed, numbers, strict=True)
        ],
    )
    return refused


def outgoing(unit: Unit, deliveries: Sequence[int]) -> dict[int, bytes]:
    """Read the stored bytes of deliveries that were begun before."""
    bodies: dict[int, int] = dict(
        unit.db.query_in(
            "SELECT body, delivery FROM delivery WHERE delivery {ints} AND body > 0", deliveries
        )
    )
    opened = unit.bodies.read((body, Kind.OUTGOING) for body in bodies)
    return {bodies[body]: parts[0] for body, parts in opened.items()}
