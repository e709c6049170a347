"""A delivery: one message for one destination; its states and every transition, nowhere else.

waiting_for_consent → queued → claimed → inflight → delivered
                        ↑         │          ├→ retry → claimed …
                        └─────────┘          ├→ ambiguous → queued | delivered | dead
                                             └→ dead
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.time import Instant


class DeliveryState(StrEnum):
    """The only values of `delivery.state`; the comment says who sets each."""

    #: No consent yet; set by decide; released by the consent's commit, expires by the clock.
    WAITING_FOR_CONSENT = "waiting_for_consent"
    #: Identity or label needs a person; set by decide; released by the person.
    HELD = "held"
    #: May be sent; set by decide, by a released wait, by the operator.
    QUEUED = "queued"
    #: Leased by one process, provably nothing sent; set by claim; a crash puts it back.
    CLAIMED = "claimed"
    #: Bytes stored, about to be sent or sent; set before the first byte.
    INFLIGHT = "inflight"
    #: Failed in a way that may be repeated; set after an attempt; next_at says when.
    RETRY = "retry"
    #: The partner may or may not have it; set after an attempt or a crash; a person decides.
    AMBIGUOUS = "ambiguous"
    #: The partner acknowledged; the answer is stored.
    DELIVERED = "delivered"
    #: Refused for good, out of attempts, or cancelled by the operator.
    DEAD = "dead"
    #: Nobody consented in time; the sender is told.
    EXPIRED = "expired"
    #: Consent denies at the time of sending, or was withdrawn while queued.
    CANCELLED_BY_CONSENT = "cancelled_by_consent"


_S = DeliveryState

#: Every transition there is; the store refuses any other.
TRANSITIONS: dict[DeliveryState, frozenset[DeliveryState]] = {
    _S.WAITING_FOR_CONSENT: frozenset(
        {_S.QUEUED, _S.HELD, _S.EXPIRED, _S.CANCELLED_BY_CONSENT, _S.DEAD}
    ),
    _S.HELD: frozenset({_S.QUEUED, _S.WAITING_FOR_CONSENT, _S.CANCELLED_BY_CONSENT, _S.DEAD}),
    _S.QUEUED: frozenset(
        {_S.CLAIMED, _S.WAITING_FOR_CONSENT, _S.HELD, _S.CANCELLED_BY_CONSENT, _S.DEAD}
    ),
    _S.CLAIMED: frozenset(
        {
            _S.QUEUED,
            _S.RETRY,
            _S.INFLIGHT,
            _S.WAITING_FOR_CONSENT,
            _S.HELD,
            _S.CANCELLED_BY_CONSENT,
            _S.DEAD,
        }
    ),
    _S.INFLIGHT: frozenset({_S.DELIVERED, _S.RETRY, _S.AMBIGUOUS, _S.DEAD}),
    _S.RETRY: frozenset(
        {_S.CLAIMED, _S.QUEUED, _S.WAITING_FOR_CONSENT, _S.CANCELLED_BY_CONSENT, _S.DEAD}
    ),
    _S.AMBIGUOUS: frozenset({_S.QUEUED, _S.DELIVERED, _S.DEAD}),
    _S.DELIVERED: frozenset(),
    _S.DEAD: frozenset({_S.QUEUED}),
    _S.EXPIRED: frozenset(),
    _S.CANCELLED_BY_CONSENT: frozenset(),
}

#: States that end a delivery and release its lanes.
ENDED = frozenset({_S.DELIVERED, _S.DEAD, _S.EXPIRED, _S.CANCELLED_BY_CONSENT})
#: States a lane's head may be claimed in.
CLAIMABLE = frozenset({_S.QUEUED, _S.RETRY})
#: States that a withdrawal turns into CANCELLED_BY_CONSENT.
CANCELLABLE = frozenset({_S.WAITING_FOR_CONSENT, _S.HELD, _S.QUEUED, _S.RETRY})
#: States that wait for a person.
NEEDS_PERSON = frozenset({_S.HELD, _S.AMBIGUOUS, _S.DEAD})


def may_become(present: DeliveryState, next_state: DeliveryState) -> bool:
    """Say whether the transition exists."""
    return next_state in TRANSITIONS[present]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message on its way to one endpoint."""

    id: int
    message_id: int
    endpoint: str
    route: str
    #: Organization that receives it.
    organization: str
    #: Store numbers of the Patient resources whose lanes it stands in.
    patients: tuple[int, ...]
    state: DeliveryState
    attempts: int
    #: Identity towards the partner, the same on every attempt (MSH-10, Bundle.identifier).
    control_id: str
    created_at: Instant
    next_at: Instant
    expires_at: Instant
    reason: str
    #: Fencing token of the claim; a write with an older one is refused.
    fence: int
