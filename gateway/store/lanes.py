"""Lanes: the order of deliveries for one destination and one Patient.

A lane knows its head, the oldest undone delivery. `next_at` is set only where the head may be
claimed: it is queued or waits for the clock, and it is the head of every lane it stands in (then
the lane with the smallest number carries `next_at`). Whoever changes lanes locks them first, in
sorted order, and deliveries after them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.domain.delivery import CLAIMABLE
from gateway.domain.time import Instant
from gateway.store.database import Insert, Update
from gateway.store.unit import Unit

#: (patient, endpoint): what a lane is for.
LaneKey = tuple[int, str]

_LANE = Insert("lane", ("lane", "patient", "endpoint", "head", "lease_until"))
_HEAD = Update("lane", ("head", "next_at", "lease_until"), "lane")
_MEMBER = Insert("lane_delivery", ("lane", "delivery", "place"), keep_existing=True)
_CLAIMABLE = frozenset(state.value for state in CLAIMABLE)
_WORKED_ON = frozenset({"claimed", "inflight"})


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane as it stands; head 0 is an empty one."""

    number: int
    patient: int
    endpoint: str
    head: int


def lock(unit: Unit, keys: Iterable[LaneKey]) -> dict[LaneKey, Lane]:
    """Lock and read the lanes of these keys that exist."""
    wanted = set(keys)
    rows = unit.db.query_in(
        "SELECT lane, patient, endpoint, head FROM lane WHERE patient {ints}"
        " ORDER BY patient, endpoint {lock}",
        sorted({patient for patient, _ in wanted}),
    )
    lanes = [Lane(*row) for row in rows]
    return {key: lane for lane in lanes if (key := (lane.patient, lane.endpoint)) in wanted}


def ensure(unit: Unit, keys: Iterable[LaneKey]) -> dict[LaneKey, Lane]:
    """Lock the lanes of these keys, making those that do not exist."""
    wanted = sorted(set(keys))
    lanes = lock(unit, wanted)
    missing = [key for key in wanted if key not in lanes]
    if not missing:
        return lanes
    numbers = unit.numbers.take("lane", len(missing))
    if unit.db.dialect == "postgresql":
        # Another process may make the same lane now: wait for it, then share it.
        unit.db.executemany(
            "INSERT INTO lane (lane, patient, endpoint, head, lease_until)"
            " VALUES (?, ?, ?, 0, 0)"
            " ON CONFLICT (patient, endpoint) DO UPDATE SET patient = excluded.patient",
            [(number, *key) for number, key in zip(numbers, missing, strict=True)],
        )
        return lanes | lock(unit, missing)
    unit.db.insert(
        _LANE, [(number, *key, 0, 0) for number, key in zip(numbers, missing, strict=True)]
    )
    made = {key: Lane(number, *key, 0) for number, key in zip(numbers, missing, strict=True)}
    return lanes | made


def enter(unit: Unit, rows: Sequence[tuple[int, int, int]]) -> None:
    """Put (lane, delivery, place) into their lanes; a delivery's own place is its number."""
    unit.db.insert(_MEMBER, rows)


def place_of(unit: Unit, lane: int, delivery: int) -> int:
    """Return the place of an undone delivery in its lane; 0 when it is not there."""
    rows = unit.db.query(
        "SELECT place FROM lane_delivery WHERE lane = ? AND delivery = ?", (lane, delivery)
    )
    return int(rows[0][0]) if rows else 0


def leave(unit: Unit, rows: Sequence[tuple[int, int]]) -> None:
    """Take (lane, delivery) pairs out of their lanes."""
    unit.db.executemany("DELETE FROM lane_delivery WHERE lane = ? AND delivery = ?", rows)


def set_heads(unit: Unit, rows: Sequence[tuple[int, int, Instant | None]]) -> None:
    """Give lanes their (lane, head, next_at)."""
    unit.db.update(_HEAD, [(head, next_at, 0, lane) for lane, head, next_at in rows])


def refresh(unit: Unit, lanes: Sequence[Lane]) -> None:
    """Find heads and `next_at` of locked lanes anew; empty lanes go."""
    firsts = _firsts(unit, [lane.number for lane in lanes])
    empty = [lane.number for lane in lanes if lane.number not in firsts]
    unit.db.execute_in("DELETE FROM lane WHERE lane {ints}", empty)
    states = _states(unit, {*firsts.values(), *(lane.head for lane in lanes if lane.head)})
    heads: dict[int, int] = {}
    for lane in lanes:
        if lane.number in firsts:
            worked_on = lane.head in states and states[lane.head].value in _WORKED_ON
            if not worked_on:
                heads[lane.number] = firsts[lane.number]
    _hold_displaced(unit, lanes, heads, states)
    several = {d for d in heads.values() if len(states[d].patients) > 1}
    set_heads(
        unit,
        [
            (number, head, None if head in several else states[head].due)
            for number, head in heads.items()
        ],
    )
    for delivery in sorted(several):
        _refresh_shared(unit, delivery, states[delivery])


def _firsts(unit: Unit, lanes: Sequence[int]) -> dict[int, int]:
    """Find the delivery in the first place of each lane that has any."""
    rows = unit.db.query_in(
        "SELECT lane, min(place), count(CASE WHEN place <> delivery THEN 1 END)"
        " FROM lane_delivery WHERE lane {ints} GROUP BY lane",
        lanes,
    )
    firsts = {lane: place for lane, place, _ in rows}
    anew = [lane for lane, _, count in rows if count]
    taken = unit.db.query_in(
        "SELECT lane, place, delivery FROM lane_delivery WHERE place <> delivery AND lane {ints}",
        anew,
    )
    return firsts | {lane: number for lane, place, number in taken if firsts[lane] == place}


def _hold_displaced(
    unit: Unit, lanes: Sequence[Lane], heads: dict[int, int], states: dict[int, _State]
) -> None:
    """Stop a delivery of several lanes that no longer heads one of them (an older one is back)."""
    for lane in lanes:
        state = states.get(lane.head)
        if state and len(state.patients) > 1 and heads.get(lane.number, lane.head) != lane.head:
            others = lock(unit, [(patient, state.endpoint) for patient in state.patients])
            set_heads(
                unit,
                [(o.number, o.head, None) for o in others.values() if o.head == lane.head],
            )


@dataclass(frozen=True, slots=True)
class _State:
    value: str
    endpoint: str
    patients: tuple[int, ...]
    #: When it may be claimed; None when it waits for something else.
    due: Instant | None


def _states(unit: Unit, deliveries: set[int]) -> dict[int, _State]:
    return {
        number: _State(
            state,
            endpoint,
            tuple(int(part) for part in patients.split(",")),
            next_at if state in _CLAIMABLE else None,
        )
        for number, state, endpoint, patients, next_at in unit.db.query_in(
            "SELECT delivery, state, endpoint, lanes, next_at FROM delivery WHERE delivery {ints}",
            deliveries,
        )
    }


def _refresh_shared(unit: Unit, delivery: int, state: _State) -> None:
    """Make a delivery of several lanes claimable once it heads all of them."""
    shared = lock(unit, [(patient, state.endpoint) for patient in state.patients])
    if len(shared) < len(state.patients) or any(lane.head != delivery for lane in shared.values()):
        return
    first = min(lane.number for lane in shared.values())
    set_heads(unit, [(first, delivery, state.due)])
