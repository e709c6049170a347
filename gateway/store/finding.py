"""Deliveries by what operators, withdrawals and the clock ask for."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from gateway.domain.delivery import Delivery, DeliveryState
from gateway.domain.time import Instant
from gateway.store.database import Database
from gateway.store.deliveries import COLUMNS, delivery_of

#: States the partial index `delivery_waiting` holds.
_WAITING = frozenset({"waiting_for_consent", "held", "ambiguous", "dead"})
#: States whose deliveries stand in a lane, and that index does not hold.
_IN_LANES = frozenset({"queued", "claimed", "inflight", "retry"})
_ALL = 1 << 31


def find(  # noqa: PLR0913 - one name for each criterion
    db: Database,
    *,
    state: DeliveryState | Collection[DeliveryState] = (),
    numbers: Iterable[int] | None = None,
    message: int = 0,
    patients: Iterable[int] | None = None,
    endpoint: str = "",
    expires_before: Instant = 0,
    limit: int = _ALL,
    newest_first: bool = False,
) -> list[Delivery]:
    """Read deliveries that meet all criteria; `patients` finds undone ones only."""
    states = _states(state)
    where, params = _simple(states, message, endpoint, expires_before)
    keys: list[int] = []
    if numbers is not None:
        where.append("delivery {ints}")
        keys = list(numbers)
    elif patients is not None:
        where.append(
            "delivery IN (SELECT m.delivery FROM lane_delivery m JOIN lane l ON l.lane = m.lane"
            " WHERE l.patient {ints})"
        )
        keys = list(patients)
    sql = f"SELECT {COLUMNS} FROM delivery"  # noqa: S608 - constants
    if where:
        sql += " WHERE " + " AND ".join(where)
    sql += f" ORDER BY delivery {'DESC' if newest_first else 'ASC'} LIMIT ?"
    if numbers is None and patients is None:
        rows = db.query(sql, (*params, limit))
    else:
        rows = db.query_in(sql, keys, before=params, after=(limit,))
    return [delivery_of(row) for row in rows]


def _states(state: DeliveryState | Collection[DeliveryState]) -> list[str]:
    chosen = (state,) if isinstance(state, DeliveryState) else state
    return sorted(item.value for item in chosen)


def _simple(
    states: list[str], message: int, endpoint: str, expires_before: Instant
) -> tuple[list[str], list[Any]]:
    where: list[str] = []
    params: list[Any] = []
    if states:
        # State names are our own constants; written out, the partial index applies.
        names = ",".join(f"'{name}'" for name in states)
        where.append(f"state IN ({names})")
        if _IN_LANES.issuperset(states):
            where.append("delivery IN (SELECT delivery FROM lane_delivery)")
    for column, value in (("message = ?", message), ("endpoint = ?", endpoint)):
        if value:
            where.append(column)
            params.append(value)
    if expires_before:
        where.append("expires_at < ?")
        params.append(expires_before)
    return where, params
