"""How long work that may wait lets itself be waited for by the next group.

Every group costs a commit, and every commit an fsync and the pages all groups touch. Where groups
follow each other closely anyway, what is not urgent goes with the next one instead of making one of
its own. Where they do not, it never waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

#: Groups further apart than this, in seconds, are not waited for.
LONGEST = 0.05
#: Intervals without a group after which the next one is not expected any more.
MISSED = 2


@dataclass(slots=True)
class Rhythm:
    """When groups came that something urgent began; by the monotonic clock."""

    _last: float = -inf
    _interval: float = inf

    def beat(self, now: float) -> None:
        """Note that an urgent group begins."""
        self._interval = now - self._last
        self._last = now

    def wait_until(self) -> float:
        """Return when work that may wait goes alone; a time gone by means at once."""
        return self._last + MISSED * self._interval if self._interval <= LONGEST else -inf
