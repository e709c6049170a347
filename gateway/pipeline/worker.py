"""A worker process: `python -m gateway.pipeline.worker FD`; reads jobs, writes what became of them.

Frames are a length (4 bytes, big-endian) and a pickle. The parent sends a WorkerConfig first and
whenever it changed, then Jobs, Checks and Calls; the answer to a configuration is None, to a Job
its Translated, to a Check or Call its Checked.

What comes again with message after message (houses, doctors, wards) is the same object here, and
answers share one pickler, so that it is sent and read once in a while only. A byte before the
pickle says whether it begins anew.
"""

from __future__ import annotations

import contextlib
import gc
import io
import pickle
import resource
import socket
import struct
import sys
from typing import Any, BinaryIO, cast

from gateway.domain.log import configure
from gateway.pipeline.refusal import failed
from gateway.pipeline.rest.asked import Call, Check, Checked
from gateway.pipeline.rest.check import Checker, too_costly
from gateway.pipeline.translate import Prepared, prepare, translate
from gateway.pipeline.translated import Job, Limits, WorkerConfig

LENGTH = struct.Struct(">I")
#: Bytes of answers after which the pickler begins anew: both sides keep all they hold.
SHARED_BYTES = 1 << 20
#: Whether an answer begins anew, before its pickle.
ANEW, GOES_ON = b"\x01", b"\x00"


class Answers:
    """Writes answers that share what they have in common."""

    def __init__(self) -> None:
        """Begin anew."""
        self._begin()

    def _begin(self) -> None:
        self._buffer = io.BytesIO()
        self._pickler = pickle.Pickler(self._buffer, pickle.HIGHEST_PROTOCOL)
        self._written = 0

    def write(self, value: Any) -> bytes:
        """Return the content of the next frame."""
        beginning = GOES_ON if self._written else ANEW
        self._pickler.dump(value)
        body = self._buffer.getvalue()
        self._buffer.seek(0)
        self._buffer.truncate()
        self._written += len(body)
        if self._written > SHARED_BYTES:
            self._begin()
        return beginning + body


class Answered:
    """Reads what `Answers` wrote, frame by frame."""

    def __init__(self) -> None:
        """Wait for the first frame."""
        self._buffer = io.BytesIO()
        self._unpickler: pickle.Unpickler | None = None

    def read(self, content: bytearray) -> Any:
        """Return the value in the content of a frame."""
        if self._unpickler is None or content[:1] == ANEW:
            self._unpickler = pickle.Unpickler(self._buffer)  # noqa: S301 - from our child
        self._buffer.seek(0)
        self._buffer.truncate()
        self._buffer.write(content[1:])
        self._buffer.seek(0)
        value = self._unpickler.load()
        if len(content) - len(ANEW) > SHARED_BYTES:
            # The next one begins anew: what is large is not held until then.
            self._unpickler, self._buffer = None, io.BytesIO()
        return value


def serve(stream: BinaryIO, out: socket.socket) -> None:
    """Answer frames in order until the parent closes its end.

    Raises ConnectionError when the parent goes while an answer is on its way.
    """
    prepared: Prepared | None = None
    checker: Checker | None = None
    answers = Answers()
    while frame := _frame(stream):
        received = pickle.loads(frame)  # noqa: S301 - from our parent
        if isinstance(received, WorkerConfig):
            if received.catalogues.remote is not None:
                # The one thing here that has something to say by itself.
                configure()
            prepared = prepare(received)
            checker = Checker(received, prepared.validation.validator)
            _settle_in(received.limits)
            _answer(out, answers.write(None))
        elif isinstance(received, Check | Call) and checker is not None:
            _answer(out, answers.write(_checked(received, checker)))
        elif prepared is not None:
            _answer(out, answers.write(_done(received, prepared)))


def _frame(stream: BinaryIO) -> bytes:
    """Read a frame's content; b"" when the parent is gone, be it in the middle of one."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return b""
    (length,) = LENGTH.unpack(head)
    body = stream.read(length)
    return body if len(body) == length else b""


def _done(job: Job, prepared: Prepared) -> Any:
    try:
        return translate(job, prepared)
    except MemoryError:
        return failed(job, "memory-limit")


def _checked(asked: Check | Call, checker: Checker) -> Checked:
    try:
        return checker.check(asked)
    except MemoryError:
        return too_costly()


def _answer(out: socket.socket, body: bytes) -> None:
    out.sendall(LENGTH.pack(len(body)) + body)


def _settle_in(limits: Limits) -> None:
    """Limit the memory and keep the collector away from what stays."""
    if limits.memory:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory, hard))
    keep_collector_away()


def keep_collector_away() -> None:
    """Trees of dicts die by reference count; full collections would only cost time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


def main() -> None:
    """Serve the inherited socket named on the command line."""
    # Whose parent was killed has nobody left to tell.
    with socket.socket(fileno=int(sys.argv[1])) as sock, contextlib.suppress(ConnectionError):
        serve(cast("BinaryIO", sock.makefile("rb", buffering=1 << 20)), sock)


if __name__ == "__main__":
    main()
