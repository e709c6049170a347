"""A budget of bytes shared by all connections of a listener, so that many large frames queue."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable


class ByteBudget:
    """Counts bytes taken; who does not fit waits in line and is called back."""

    __slots__ = ("_waiting", "limit", "taken")

    def __init__(self, limit: int) -> None:
        """Allow `limit` bytes at a time; a single larger piece is allowed when nothing is taken."""
        self.limit = limit
        self.taken = 0
        self._waiting: deque[Callable[[], None]] = deque()

    def take(self, size: int, wake: Callable[[], None]) -> bool:
        """Take `size` bytes; False puts `wake` in line to be called once bytes came back."""
        full = self.taken and self.taken + size > self.limit
        if full or self._waiting:
            self._waiting.append(wake)
            return False
        self.taken += size
        return True

    def give_back(self, size: int) -> None:
        """Return bytes and wake those who wait, in order; from the first misfit on all wait."""
        self.taken -= size
        waiting, self._waiting = self._waiting, deque()
        for wake in waiting:
            wake()
