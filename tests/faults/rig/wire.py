"""MLLP by hand: a socket, raw bytes, what comes back."""

from __future__ import annotations

import contextlib
import socket
from types import TracebackType
from typing import Self

from conformance.partners import hl7
from rig.region import Region


class Line:
    """One connection to a region's MLLP listener."""

    def __init__(self, region: Region, timeout: float = 45.0) -> None:
        """Connect; `timeout` seconds hold for every read."""
        self._socket = socket.create_connection(("127.0.0.1", region.mllp_port), timeout)
        self._frames = hl7.Frames()
        self._answers: list[bytes] = []
        #: The gateway closed the connection.
        self.closed = False

    def __enter__(self) -> Self:
        """Use and close."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Close."""
        self._socket.close()

    def raw(self, data: bytes) -> None:
        """Send bytes as they are; a connection closed meanwhile is noticed by the next read."""
        with contextlib.suppress(ConnectionError):
            self._socket.sendall(data)

    def answer(self) -> bytes | None:
        """Return the next acknowledgement; None when the gateway closes without one."""
        while not self._answers and not self.closed:
            try:
                data = self._socket.recv(65536)
            except ConnectionError:
                data = b""
            self.closed = not data
            self._answers += self._frames.feed(data)
        return self._answers.pop(0) if self._answers else None

    def ask(self, message: bytes) -> bytes | None:
        """Send one message in a frame and return its answer."""
        self.raw(hl7.frame(message))
        return self.answer()


def ask(region: Region, message: bytes) -> bytes | None:
    """Send one message over a connection of its own."""
    with Line(region) as line:
        return line.ask(message)


def code(answer: bytes | None) -> str:
    """MSA-1 of an answer; "" for none."""
    return hl7.field(answer, b"MSA", 1) if answer else ""


def about(answer: bytes | None) -> str:
    """MSA-2 of an answer."""
    return hl7.field(answer, b"MSA", 2) if answer else ""
