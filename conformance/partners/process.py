"""How every partner process lives: says its port, runs, stops when told or left alone."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

#: How a conversation ends: the other side left, or (cancelled) this process does.
ENDED = (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError)


def say(**facts: object) -> None:
    """Write one JSON line to standard output, at once."""
    sys.stdout.write(json.dumps(facts, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Begin a command line; every partner can be tied to the life of whoever started it."""
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    parser.add_argument(
        "--until-eof",
        action="store_true",
        help="stop when standard input ends, that is, when the parent process is gone",
    )
    return parser


def listen_arguments(description: str | None) -> argparse.ArgumentParser:
    """Begin the command line of a partner that listens."""
    parser = arguments(description)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 lets the machine choose")
    parser.add_argument("--output", help="file for one JSON line per message; - is standard output")
    return parser


def address(text: str) -> tuple[str, int]:
    """Read host:port, as an argparse type."""
    host, _, port = text.rpartition(":")
    if not port.isdecimal():
        raise argparse.ArgumentTypeError("expected host:port")
    return host.strip("[]") or "127.0.0.1", int(port)


class Stop:
    """Waits for SIGTERM, SIGINT or, where wanted, the end of standard input.

    To be made before the port is announced: from then on somebody may want the end.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        """Listen for the signals."""
        self._until_eof = options.until_eof
        self._event = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._event.set)

    async def wait(self) -> None:
        """Return when it is time to stop."""
        if self._until_eof:
            loop = asyncio.get_running_loop()
            await loop.connect_read_pipe(lambda: _Tether(self._event.set), sys.stdin)
        await self._event.wait()


class _Tether(asyncio.Protocol):
    def __init__(self, gone: Callable[[], None]) -> None:
        self._gone = gone

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._gone()


class Journal:
    """Lines about what was received, written in batches and whole at the end."""

    def __init__(self, path: str | None) -> None:
        """Write to a file, to standard output (`-`), or nowhere."""
        self._file = None
        if path:
            self._file = sys.stdout if path == "-" else open(path, "a", encoding="utf-8")  # noqa: PTH123, SIM115 - closed by close()
        self._pending = False

    def write(self, **facts: object) -> None:
        """Add one line; it is in the file within a tenth of a second."""
        if self._file is None:
            return
        self._file.write(json.dumps(facts, ensure_ascii=False) + "\n")
        if not self._pending:
            self._pending = True
            asyncio.get_running_loop().call_later(0.1, self._flush)

    def close(self) -> None:
        """Write what is left."""
        self._flush()
        if self._file is not None and self._file is not sys.stdout:
            self._file.close()

    def _flush(self) -> None:
        self._pending = False
        if self._file is not None and not self._file.closed:
            self._file.flush()


def main(run: Coroutine[Any, Any, int]) -> None:
    """Run a partner and exit with its code; an interrupt is a normal end."""
    try:
        code = asyncio.run(run)
    except KeyboardInterrupt:
        code = 0
    sys.exit(code)
