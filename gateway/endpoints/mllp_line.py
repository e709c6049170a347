"""One MLLP connection to a partner: one message out, its answers in.

Whatever comes while nothing is asked (a late answer, a second one) makes the connection unusable:
an answer must never be taken for the next message's.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import cast

from gateway.endpoints.mllp_frame import Frame, FrameReader

#: Longest answer read, in bytes.
ANSWER_LIMIT = 1_000_000


class LineClosed(Exception):
    """The connection ended, or what came is no MLLP."""

    def __init__(self, reason: str, *, unread: bool = False) -> None:
        """Say why; `unread` means the partner provably took no message (TLS turned us away)."""
        super().__init__(reason)
        self.unread = unread


class MllpLine(asyncio.Protocol):
    """The protocol side of one connection."""

    __slots__ = ("_answers", "_closed", "_expecting", "_frames", "_transport", "_waiter")

    def __init__(self) -> None:
        """Wait for the connection."""
        self._frames = FrameReader(ANSWER_LIMIT, spool_above=ANSWER_LIMIT)
        self._answers: deque[bytes] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._closed: LineClosed | None = None
        self._expecting = False

    @property
    def usable(self) -> bool:
        """Whether a message may be sent: connected, and nothing unasked came in."""
        return self._closed is None and not self._answers and not self._frames.in_frame

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Collect answers; close on anything else."""
        if not self._expecting:
            self.close("an answer came that nobody waited for")
            return
        for event in self._frames.feed(data):
            if isinstance(event, Frame):
                self._answers.append(event.read())
            else:
                self.close("the answer is no MLLP frame, or too long")
        self._wake()

    def eof_received(self) -> bool:
        """Count a half-closed connection as closed."""
        self.close("the partner closed the connection")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits."""
        self._end(LineClosed("the connection was lost", unread=_turned_away(exc)))

    def write(self, data: bytes) -> None:
        """Send; from here on answers are expected."""
        self._expecting = True
        if self._transport is not None and self._closed is None:
            self._transport.write(data)

    async def answer(self) -> bytes:
        """Wait for the next answer; raises LineClosed when none can come any more."""
        while not self._answers:
            if self._closed is not None:
                raise self._closed
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._answers.popleft()

    def rest(self) -> None:
        """Expect nothing until the next message."""
        self._expecting = False

    def close(self, reason: str = "closed by us") -> None:
        """Close the connection at once; nothing unsent is worth waiting for."""
        self._end(LineClosed(reason))
        if self._transport is not None:
            self._transport.abort()

    def _end(self, closed: LineClosed) -> None:
        if self._closed is None:
            self._closed = closed
        self._frames.close()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _turned_away(error: Exception | None) -> bool:
    """Tell a TLS 1.3 alert about our certificate; it arrives after we wrote (RFC 8446, 4.4)."""
    reason = getattr(error, "reason", "") if isinstance(error, ssl.SSLError) else ""
    return "ALERT" in (reason or "") and any(
        word in reason for word in ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED", "HANDSHAKE")
    )
