"""MLLP frames: bytes in, events out; no sockets, no clock.

HL7 v2.5 Transport Specification: MLLP, release 1 — `0x0B message 0x1C 0x0D`. The bytes 0x0B and
0x1C do not occur inside a message, so a frame that contains one is broken and so is everything
after it: the only safe answer is to close the connection.

A `FrameReader` takes any chunks and returns the events they complete, in order. After a
`Violation` it returns nothing more. What it holds is bounded: up to `spool_above` bytes of a frame
in memory, the rest in an unnamed temporary file; of a frame above `limit` only its first segment.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from profiles.issue import NotConformant

START = b"\x0b"
END = b"\x1c"
CR = b"\x0d"
#: What stands between two messages of one answer.
BREAK = END + CR + START

#: Longest frame taken, in bytes.
LIMIT = 50_000_000
#: Bytes of one frame held in memory before it moves to a temporary file.
SPOOL_ABOVE = 1_000_000
#: Longest first segment kept of a frame that is too long.
HEADER_LIMIT = 16 * 1024

_START, _END, _CR, _LF = 0x0B, 0x1C, 0x0D, 0x0A


@dataclass(frozen=True, slots=True)
class Frame:
    """A complete message."""

    body: bytes | BinaryIO
    #: Bytes between start and end block.
    size: int

    def read(self) -> bytes:
        """Return the message and drop its temporary file; to be called once."""
        if isinstance(self.body, bytes):
            return self.body
        with self.body as spooled:
            spooled.seek(0)
            return spooled.read()

    def close(self) -> None:
        """Drop the message unread."""
        if not isinstance(self.body, bytes):
            self.body.close()


@dataclass(frozen=True, slots=True)
class Oversize:
    """A complete frame above the limit; only its first segment was kept."""

    header: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Violation:
    """The bytes are not MLLP; nothing after them can be trusted."""

    reason: str


Event = Frame | Oversize | Violation


def frame(message: bytes) -> bytes:
    """Put a message between start and end block.

    Raises NotConformant when it contains one of the two block bytes.
    """
    if END in message or START in message:
        raise NotConformant("A message cannot contain the MLLP block characters 0x0B and 0x1C.")
    return b"\x0b%b\x1c\x0d" % message


def frames(messages: bytes) -> bytes:
    """Put each of several messages, parted by `BREAK`, between start and end block.

    Raises NotConformant when one contains a block byte.
    """
    return b"".join(map(frame, messages.split(BREAK)))


def first_segment(data: bytes) -> bytes:
    """Return the bytes before the first segment end (CR, or the LF some systems write)."""
    return data[:HEADER_LIMIT].replace(b"\n", b"\r").partition(b"\r")[0]


class FrameReader:
    """Turns a stream of chunks into frames."""

    __slots__ = (
        "_broken",
        "_ended",
        "_header",
        "_held",
        "_open_spool",
        "_seen",
        "_size",
        "_spool",
        "in_frame",
        "limit",
        "spool_above",
    )

    def __init__(
        self,
        limit: int = LIMIT,
        *,
        spool_above: int = SPOOL_ABOVE,
        open_spool: Callable[[], BinaryIO] = tempfile.TemporaryFile,
    ) -> None:
        """Take frames of up to `limit` bytes; above `spool_above` they go to `open_spool()`."""
        self.limit = limit
        self.spool_above = spool_above
        self._open_spool = open_spool
        #: A start block was read and its end block was not.
        self.in_frame = False
        self._broken = False
        self._seen = False
        self._ended = False
        self._size = 0
        self._held = bytearray()
        self._spool: BinaryIO | None = None
        self._header: bytes | None = None

    def feed(self, data: bytes) -> list[Event]:
        """Take a chunk and return what it completes.

        Raises OSError when the temporary file cannot be written; the reader is broken then.
        """
        if not self.in_frame and not self._broken and self._is_one_frame(data):
            self._seen = True
            return [Frame(data[1:-2], len(data) - 3)]
        events: list[Event] = []
        position = 0
        while position < len(data) and not self._broken:
            read = self._body if self.in_frame else self._between
            position = read(data, position, events)
        return events

    def close(self) -> None:
        """Drop what was held of an unfinished frame."""
        self._broken = True
        self._reset()

    def _is_one_frame(self, data: bytes) -> bool:
        """Say whether the chunk is exactly one frame, as nearly all chunks are."""
        last = len(data) - 2
        return (
            data[:1] == START
            and data.find(END, 1) == last
            and data[-1:] == CR
            and data.find(START, 1) < 0
            and last - 1 <= min(self.limit, self.spool_above)
        )

    def _between(self, data: bytes, position: int, events: list[Event]) -> int:
        byte = data[position]
        if byte == _START:
            self.in_frame = True
        elif not (self._seen and byte in {_CR, _LF}):
            # Some senders end a frame with 0x1C 0x0D 0x0A; anything else is another protocol.
            return self._violate("bytes outside a frame", data, events)
        return position + 1

    def _body(self, data: bytes, position: int, events: list[Event]) -> int:
        if self._ended:
            if data[position] != _CR:
                return self._violate("end block without carriage return", data, events)
            events.append(self._finish())
            return position + 1
        end = data.find(_END, position)
        stop = end if end >= 0 else len(data)
        if data.find(_START, position, stop) >= 0:
            return self._violate("start block inside a message", data, events)
        self._take(data[position:stop] if position or stop < len(data) else data)
        self._ended = end >= 0
        return stop + self._ended

    def _take(self, part: bytes) -> None:
        self._size += len(part)
        if self._header is not None:
            return
        if self._size > self.limit:
            beginning = self._held[:HEADER_LIMIT] + part[:HEADER_LIMIT]
            self._header = first_segment(bytes(beginning[: self.limit]))
            self._drop()
        elif self._spool is not None:
            self._spool.write(part)
        else:
            self._held += part
            if self._size > self.spool_above:
                self._move_to_spool()

    def _move_to_spool(self) -> None:
        self._spool = self._open_spool()
        self._spool.write(self._held)
        # The first segment stays at hand in case the frame turns out too long.
        self._held = self._held[:HEADER_LIMIT]

    def _finish(self) -> Event:
        event: Event
        if self._header is not None:
            event = Oversize(self._header, self._size)
        elif self._spool is not None:
            event = Frame(self._spool, self._size)
            self._spool = None
        else:
            event = Frame(bytes(self._held), self._size)
        self._seen = True
        self._reset()
        return event

    def _violate(self, reason: str, data: bytes, events: list[Event]) -> int:
        events.append(Violation(reason))
        self._broken = True
        self._reset()
        return len(data)

    def _reset(self) -> None:
        self._drop()
        self._header = None
        self._size = 0
        self._ended = False
        self.in_frame = False

    def _drop(self) -> None:
        if self._spool is not None:
            self._spool.close()
            self._spool = None
        self._held = bytearray()
