"""Bodies the writer opened or wrote a moment ago, so that they are not read and opened again.

What a message made is read when it is sent; houses, doctors and wards with every message. Only a
process that alone owns the store may remember: nobody else deletes what it remembers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.store.seal import Kind

#: Bytes of content kept at most; larger bodies than the second figure are never kept.
MOST_BYTES = 32_000_000
LARGE = 262_144


@dataclass(slots=True)
class Opened:
    """The parts of bodies, by number and kind; what came first goes first."""

    _kept: dict[tuple[int, Kind], Sequence[bytes]] = field(default_factory=dict)
    _bytes: int = 0

    def get(self, body: int, kind: Kind) -> Sequence[bytes] | None:
        """Return the parts of a body, None when it is not remembered."""
        return self._kept.get((body, kind))

    def keep(self, body: int, kind: Kind, parts: Sequence[bytes]) -> None:
        """Remember a body that was written or opened."""
        size = sum(map(len, parts))
        if size > LARGE:
            return
        if self._bytes + size > MOST_BYTES:
            self._drop(MOST_BYTES // 4)
        self._kept[body, kind] = parts
        self._bytes += size

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._bytes = 0

    def _drop(self, count: int) -> None:
        """Forget at least so many bytes, the oldest first."""
        until = max(self._bytes - count, 0)
        for key in list(self._kept):
            if self._bytes <= until:
                break
            self._bytes -= sum(map(len, self._kept.pop(key)))
