"""How deliveries go on: results of attempts, decisions, the clock, the operator, a crash."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.domain.delivery import ENDED, Delivery, DeliveryState, may_become
from gateway.domain.time import Instant
from gateway.pipeline.ports import Settled
from gateway.store import lanes
from gateway.store.bodies import Parts
from gateway.store.deliveries import by_number
from gateway.store.seal import Kind
from gateway.store.unit import Unit

_SETTLE = (
    "UPDATE delivery SET state = ?, reason = ?, next_at = ?, changed_at = ?,"
    " answer_body = CASE WHEN ? = 0 THEN answer_body ELSE ? END WHERE delivery = ?"
)
_DECIDE = "UPDATE delivery SET decision_body = ?, decision_slot = 0 WHERE delivery = ?"
_ATTEMPT = (
    "INSERT INTO attempt (delivery, number, started_at, ended_at, result, detail)"
    " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (delivery, number) DO UPDATE"
    " SET ended_at = excluded.ended_at, result = excluded.result, detail = excluded.detail"
)


def settle(unit: Unit, rows: Sequence[Settled]) -> list[int]:
    """Write transitions; return the deliveries whose transition was refused."""
    known = by_number(unit, [row.delivery for row in rows])
    held = _lock_lanes(unit, known, rows)
    present = {d.id: d for d in by_number(unit, [d.id for d in known], locked=True)}
    states = {number: delivery.state for number, delivery in present.items()}
    accepted, refused = [], []
    for row in rows:
        delivery = present.get(row.delivery)
        if (
            delivery is None
            or row.fence < delivery.fence
            or not may_become(states[row.delivery], row.state)
        ):
            refused.append(row.delivery)
            continue
        states[row.delivery] = row.state
        accepted.append(row)
    _write(unit, accepted)
    _move(unit, accepted, present, held)
    return refused


def _lock_lanes(
    unit: Unit, known: Sequence[Delivery], rows: Sequence[Settled]
) -> dict[lanes.LaneKey, lanes.Lane]:
    """Lock the lanes of all deliveries; those that come back from an end need theirs again."""
    back = {row.delivery for row in rows if row.state not in ENDED}
    keys = {d.id: [(patient, d.endpoint) for patient in d.patients] for d in known}
    held = lanes.lock(unit, [key for found in keys.values() for key in found])
    revived = [key for d in known if d.state in ENDED and d.id in back for key in keys[d.id]]
    return held | lanes.ensure(unit, revived) if revived else held


def _write(unit: Unit, rows: Sequence[Settled]) -> None:
    answer_of, decision_of = _write_bodies(unit, rows)
    unit.db.executemany(
        _SETTLE,
        [
            (
                row.state.value,
                row.reason,
                row.next_at or unit.now,
                unit.now,
                answer_of.get(row.delivery, 0),
                answer_of.get(row.delivery, 0),
                row.delivery,
            )
            for row in rows
        ],
    )
    unit.db.executemany(_DECIDE, [(body, number) for number, body in decision_of.items()])
    unit.db.executemany(
        _ATTEMPT,
        [
            (row.delivery, row.attempt, row.started_at, unit.now, row.state.value, row.reason)
            for row in rows
            if row.attempt
        ],
    )


def _write_bodies(unit: Unit, rows: Sequence[Settled]) -> tuple[dict[int, int], dict[int, int]]:
    """Write partners' answers and consent decisions; return the bodies of both by delivery."""
    given = [(row.delivery, Kind.ANSWER, row.answer) for row in rows if row.answer]
    given += [(row.delivery, Kind.DECISIONS, row.decision) for row in rows if row.decision]
    owners = {
        number: (subject, until)
        for number, subject, until in unit.db.query_in(
            "SELECT delivery, subject, retain_until FROM delivery WHERE delivery {ints}",
            sorted({number for number, _, _ in given}),
        )
    }
    bodies = unit.bodies.write(
        [
            Parts(kind, owners[number][0], (content,), owners[number][1])
            for number, kind, content in given
        ]
    )
    found: dict[Kind, dict[int, int]] = {Kind.ANSWER: {}, Kind.DECISIONS: {}}
    for (number, kind, _), body in zip(given, bodies, strict=True):
        found[kind][number] = body
    return found[Kind.ANSWER], found[Kind.DECISIONS]


def _move(
    unit: Unit,
    rows: Sequence[Settled],
    present: dict[int, Delivery],
    held: dict[lanes.LaneKey, lanes.Lane],
) -> None:
    """Let lanes follow: ended deliveries leave, requeued ones come back, heads are found anew."""
    final = {row.delivery: row.state for row in rows}
    leaving, entering, touched = [], [], {}
    for number, state in final.items():
        delivery = present[number]
        for patient in delivery.patients:
            lane = held.get((patient, delivery.endpoint))
            if lane is None:
                continue
            touched[lane.number] = lane
            if state in ENDED:
                leaving.append((lane.number, number))
            elif delivery.state in ENDED:
                entering.append((lane.number, number, number))
    lanes.leave(unit, leaving)
    lanes.enter(unit, entering)
    lanes.refresh(unit, [touched[number] for number in sorted(touched)])


def set_back(unit: Unit, by: int) -> None:
    """Move what is due in the future: it was dated by a clock that has been set back since."""
    unit.db.execute(
        "UPDATE lane SET next_at = next_at - ? WHERE next_at > ?",
        (by, unit.now),
    )
    unit.db.execute(
        "UPDATE delivery SET next_at = next_at - ? WHERE next_at > ?"
        " AND delivery IN (SELECT delivery FROM lane_delivery)",
        (by, unit.now),
    )


def recover(unit: Unit, now: Instant) -> list[Delivery]:
    """Put claimed deliveries whose lease ended before `now` back; return the inflight ones.

    The caller settles those in this transaction: whether they are sent again or ambiguous is
    their endpoint's to say.
    """
    rows = unit.db.query(
        "SELECT head FROM lane WHERE lease_until > 0 AND lease_until < ?"
        " ORDER BY patient, endpoint {skip_locked}",
        (now,),
    )
    found = by_number(unit, [head for (head,) in rows])
    settle(
        unit,
        [
            Settled(d.id, d.fence, DeliveryState.QUEUED, "lease-expired")
            for d in found
            if d.state is DeliveryState.CLAIMED
        ],
    )
    return [d for d in found if d.state is DeliveryState.INFLIGHT]
