"""When to try again: exponential backoff with full jitter and a cap."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from gateway.domain.time import SECOND, Instant


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how long an endpoint is tried; durations in microseconds."""

    attempts: int = 12
    first: int = 5 * SECOND
    most: int = 900 * SECOND

    def next_at(self, *, now: Instant, attempt: int, random: Random, wait: int = 0) -> Instant:
        """Return the instant of the next try after failed attempt number `attempt` (from 1).

        `wait` is what the partner asked for (Retry-After); it is honoured up to the cap.
        """
        ceiling = min(self.most, self.first * 2 ** min(attempt - 1, 30))
        return now + max(
            random.randint(self.first // 2, max(ceiling, self.first)), min(wait, self.most)
        )

    def exhausted(self, attempt: int) -> bool:
        """Say whether no further attempt follows number `attempt`."""
        return attempt >= self.attempts
