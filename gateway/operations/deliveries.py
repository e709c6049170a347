"""What an operator decides about deliveries: send again, give up, say how it really was.

The state table in `gateway.domain.delivery` says what is possible; the store refuses the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.domain.delivery import Delivery, DeliveryState, may_become
from gateway.operations.desk import Desk, delivery_party
from gateway.pipeline.ports import Settled, Transaction
from profiles.issue import NotConformant

_S = DeliveryState
#: What `resolve` may say: verdict → (new state, states it is said about).
VERDICTS: dict[str, tuple[DeliveryState, frozenset[DeliveryState]]] = {
    "delivered": (_S.DELIVERED, frozenset({_S.AMBIGUOUS})),
    "not-delivered": (_S.DEAD, frozenset({_S.AMBIGUOUS, _S.HELD})),
    "send-again": (_S.QUEUED, frozenset({_S.AMBIGUOUS})),
    "release": (_S.QUEUED, frozenset({_S.HELD})),
}
_RETRIED = frozenset({_S.DEAD, _S.RETRY})
_CANCELLED = frozenset({_S.WAITING_FOR_CONSENT, _S.HELD, _S.QUEUED, _S.RETRY, _S.AMBIGUOUS})


def retry(desk: Desk, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Queue dead or waiting-for-retry deliveries again: {"deliveries": [17, …]}.

    Consent is asked again before anything is sent.
    """
    return _settle(desk, "retry", numbers_of(arguments), _S.QUEUED, _RETRIED, "operator-retry")


def cancel(desk: Desk, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Give deliveries up that were not sent: {"deliveries": [17, …]}."""
    return _settle(desk, "cancel", numbers_of(arguments), _S.DEAD, _CANCELLED, "operator-cancelled")


def resolve(desk: Desk, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Say how ambiguous or held ones go on: {"deliveries": [17], "verdict": "delivered"}."""
    verdict = arguments.get("verdict")
    if verdict not in VERDICTS:
        raise NotConformant(f"A verdict is one of {', '.join(VERDICTS)}.")
    state, allowed = VERDICTS[verdict]
    return _settle(desk, "resolve", numbers_of(arguments), state, allowed, f"operator-{verdict}")


def numbers_of(arguments: Mapping[str, Any]) -> list[int]:
    """Read the delivery numbers of an operation. Raises NotConformant."""
    numbers = arguments.get("deliveries")
    if not isinstance(numbers, list) or not all(type(one) is int for one in numbers):
        raise NotConformant("Name deliveries by their numbers.")
    return numbers


def _settle(
    desk: Desk,
    act: str,
    numbers: Sequence[int],
    state: DeliveryState,
    allowed: frozenset[DeliveryState],
    reason: str,
) -> dict[str, Any]:
    def job(tx: Transaction) -> dict[str, Any]:
        known = {one.id: one for one in tx.deliveries(numbers=numbers)}
        possible = [one for one in known.values() if _possible(one, state, allowed)]
        refused = set(tx.settle([_settled(one, state, reason, tx.now) for one in possible]))
        done = [one.id for one in possible if one.id not in refused]
        if done:
            desk.record(tx, act, [delivery_party(number) for number in done])
        return {
            "done": done,
            "refused": [
                {"delivery": number, "reason": _why(known.get(number))}
                for number in numbers
                if number not in done
            ],
        }

    return desk.write(job)


def _possible(delivery: Delivery, state: DeliveryState, allowed: frozenset[DeliveryState]) -> bool:
    return delivery.state in allowed and may_become(delivery.state, state)


def _settled(delivery: Delivery, state: DeliveryState, reason: str, now: int) -> Settled:
    return Settled(delivery.id, delivery.fence, state, reason, next_at=now)


def _why(delivery: Delivery | None) -> str:
    return f"it is {delivery.state.value}" if delivery is not None else "there is no such delivery"
