"""Circuit breaker of one destination: a dead partner is asked by one probe at a time.

A pure state machine; `now` is monotonic seconds and comes from the caller. Every change is here:

closed     attempts pass. `threshold` failures in a row → open.
open       nothing passes until `retry_at`. Then the first `admit` → probing.
probing    one attempt is under way. Success → closed; failure → open for twice as long, up to
           `most`. A probe that never reports is given up after `most`, and another one passes.

What counts as failure is that the partner did not answer (PartnerUnavailable, PartnerUncertain);
a partner that refuses a message is alive.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class BreakerState(StrEnum):
    """Whether attempts pass."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


@dataclass(frozen=True, slots=True)
class Breaker:
    """The breaker of one destination; every transition returns a new one."""

    #: Failures in a row that open it.
    threshold: int = 5
    #: Seconds the first pause lasts.
    first: float = 5.0
    #: Seconds a pause, or a silent probe, lasts at most.
    most: float = 900.0
    state: BreakerState = BreakerState.CLOSED
    #: Failures in a row.
    failures: int = 0
    #: Seconds the present pause lasts.
    pause: float = 0.0
    #: Monotonic second from which the next probe may pass (open, probing).
    retry_at: float = 0.0

    def admit(self, now: float) -> Breaker | None:
        """Ask for one attempt: the breaker to go on with, or None when it does not pass."""
        if self.state is BreakerState.CLOSED:
            return self
        if now < self.retry_at:
            return None
        return replace(self, state=BreakerState.PROBING, retry_at=now + self.most)

    def succeeded(self) -> Breaker:
        """Record that the partner answered, be it with a refusal."""
        if self.state is BreakerState.CLOSED and not self.failures:
            return self
        return replace(self, state=BreakerState.CLOSED, failures=0, pause=0.0, retry_at=0.0)

    def failed(self, now: float, *, retry_after: float | None = None) -> Breaker:
        """Record that the partner did not answer; `retry_after` (seconds) is honoured up to most.

        A failure that arrives while open (an attempt begun before) does not lengthen the pause.
        """
        failures = self.failures + 1
        wait = min(retry_after or 0.0, self.most)
        if self.state is BreakerState.PROBING:
            return self._open(now, failures, min(max(self.pause * 2, self.first), self.most), wait)
        if self.state is BreakerState.OPEN:
            return replace(self, failures=failures, retry_at=max(self.retry_at, now + wait))
        if failures >= self.threshold or wait:
            return self._open(now, failures, self.first, wait)
        return replace(self, failures=failures)

    def _open(self, now: float, failures: int, pause: float, wait: float) -> Breaker:
        return replace(
            self,
            state=BreakerState.OPEN,
            failures=failures,
            pause=pause,
            retry_at=now + max(pause, wait),
        )
