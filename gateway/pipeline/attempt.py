"""One attempt on the wire: whether there is room for it, how it is made, what it says.

The class of a failure alone decides what happens next (`gateway.domain.transport`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from gateway.domain.breaker import Breaker, BreakerState
from gateway.domain.delivery import Delivery, DeliveryState
from gateway.domain.log import log
from gateway.domain.region import Endpoint
from gateway.domain.time import SECOND, Instant
from gateway.domain.transport import (
    Outgoing,
    PartnerRefused,
    PartnerUnavailable,
    PartnerUncertain,
    Sender,
    Sent,
)
from gateway.pipeline.claim import Ready
from gateway.pipeline.ports import Settled

_log = log("attempt")

#: Reasons of attempts that were not made: the claim was too old; the sender cannot be opened.
LEASE_EXPIRED = "lease-expired"
NO_SENDER = "no-sender"

Outcome = Sent | PartnerUnavailable | PartnerUncertain | PartnerRefused


@dataclass(slots=True)
class Wire:
    """One endpoint's connection: what is on it, and whether its partner answers."""

    endpoint: Endpoint
    sender: Sender
    breaker: Breaker = field(default_factory=Breaker)
    sending: int = 0

    def room(self, parallel: int, now: float) -> int:
        """Say how many of `parallel` attempts can begin now; an open breaker lets one probe by."""
        free = parallel - self.sending
        if free > 0 and self.breaker.state is not BreakerState.CLOSED:
            return int(not self.sending and self.breaker.admit(now) is not None)
        return free

    def begin(self, now: float) -> None:
        """Count one more attempt in."""
        self.sending += 1
        self.breaker = self.breaker.admit(now) or self.breaker

    def end(self, outcome: Outcome, now: float) -> None:
        """Learn from its outcome; a refusal is an answer, only silence and absence count."""
        if isinstance(outcome, PartnerUnavailable):
            self.breaker = self.breaker.failed(now, retry_after=outcome.retry_after)
        elif isinstance(outcome, PartnerUncertain):
            self.breaker = self.breaker.failed(now)
        else:
            self.breaker = self.breaker.succeeded()


async def send(wire: Wire, endpoint: Endpoint, ready: Ready) -> Outcome:
    """Make one attempt and count it out; when our own side fails, bytes may have left."""
    try:
        outgoing = Outgoing(
            endpoint.id,
            ready.payload,
            ready.delivery.control_id,
            ready.media_type,
            endpoint.timeout / SECOND,
        )
        return await wire.sender.send(outgoing)
    except (PartnerUnavailable, PartnerUncertain, PartnerRefused) as error:
        return error
    except Exception as error:  # noqa: BLE001 - our own fault or no memory: bytes may have left
        _log.error("attempt_failed", delivery=ready.delivery.id, error=type(error).__name__)
        return PartnerUncertain("The attempt failed on our side.")
    finally:
        wire.sending -= 1


def result(
    endpoint: Endpoint,
    delivery: Delivery,
    outcome: Outcome,
    started: Instant,
    now: Instant,
    random: Random,
) -> Settled:
    """Say where an attempt that ended now leaves its delivery."""
    number = delivery.attempts + 1
    state, reason, answer, next_at = DeliveryState.DELIVERED, "", b"", now
    if isinstance(outcome, Sent):
        reason, answer = outcome.status, outcome.answer
    elif isinstance(outcome, PartnerRefused):
        state, reason, answer = DeliveryState.DEAD, outcome.text, outcome.answer
    elif isinstance(outcome, PartnerUncertain) and not endpoint.idempotent:
        state, reason, answer = DeliveryState.AMBIGUOUS, outcome.text, outcome.answer
    else:
        dead = endpoint.retry.exhausted(number)
        state, reason = DeliveryState.DEAD if dead else DeliveryState.RETRY, outcome.text
        next_at = endpoint.retry.next_at(
            now=now, attempt=number, random=random, wait=_asked(outcome)
        )
    return Settled(delivery.id, delivery.fence, state, reason, next_at, answer, number, started)


def _asked(outcome: PartnerUnavailable | PartnerUncertain) -> int:
    """Return how long the partner asks to wait, in microseconds."""
    seconds = outcome.retry_after if isinstance(outcome, PartnerUnavailable) else None
    return int((seconds or 0) * SECOND)


def not_made(delivery: Delivery, now: Instant, reason: str) -> Settled:
    """Settle a delivery that must not leave: who has it now decides, this process perhaps not."""
    number, state = delivery.attempts + 1, DeliveryState.RETRY
    return Settled(delivery.id, delivery.fence, state, reason, now, attempt=number, started_at=now)
