"""A worker process: `python -m gateway.pipeline.worker FD`; reads jobs, writes what became of them.

Frames are a length (4 bytes, big-endian) and a pickle. The parent sends a WorkerConfig first and
whenever it changed, then Jobs; the answer to a configuration is None, to a Job its Translated.
"""

from __future__ import annotations

import contextlib
import gc
import pickle
import resource
import socket
import struct
import sys
from typing import Any, BinaryIO, cast

from gateway.domain.log import configure
from gateway.pipeline.refusal import failed
from gateway.pipeline.translate import Prepared, prepare, translate
from gateway.pipeline.translated import Job, Limits, WorkerConfig

LENGTH = struct.Struct(">I")


def serve(stream: BinaryIO, out: socket.socket) -> None:
    """Answer frames in order until the parent closes its end.

    Raises ConnectionError when the parent goes while an answer is on its way.
    """
    prepared: Prepared | None = None
    while frame := _frame(stream):
        received = pickle.loads(frame)  # noqa: S301 - from our parent
        if isinstance(received, WorkerConfig):
            if received.catalogues.remote is not None:
                # The one thing here that has something to say by itself.
                configure()
            prepared = prepare(received)
            _settle_in(received.limits)
            _answer(out, None)
        elif prepared is not None:
            _answer(out, _done(received, prepared))


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


def _answer(out: socket.socket, value: Any) -> None:
    body = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
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
