"""A system that takes HL7 v2 over MLLP and answers every message, well or badly.

    python -m conformance.partners.mllp_sink --output received.jsonl
    python -m conformance.partners.mllp_sink --mode silent --first 3

Says its port as a JSON line, then what it received as it ends. With --mode it misbehaves: for every
message, the first ones (--first N) or every N-th (--every N).
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import socket
import ssl
import struct
from collections import Counter
from pathlib import Path
from typing import cast

from conformance.partners import hl7, process

#: What --mode does with a message.
MODES = {
    "accept": "answers AA with the message's own id (CA where MSH-15 asks for it)",
    "reject-ae": "answers AE",
    "reject-ar": "answers AR",
    "wrong-id": "answers AA for another message",
    "silent": "answers nothing",
    "close": "closes the connection instead of answering",
    "reset": "resets the connection (RST) instead of answering",
    "half": "closes in the middle of the answer",
    "garbage": "answers HTML",
    "slow": "answers AA after --delay seconds",
    "drip": "answers AA one byte per --delay seconds",
    "twice": "answers AA two times",
}


class Sink:
    """Counts and answers."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Begin with nothing received."""
        self.options = options
        self.journal = process.Journal(options.output)
        self.received = 0
        self.connections = 0
        self.kinds: Counter[str] = Counter()
        self.identities: set[str] = set()
        self._folder = Path(options.bodies) if options.bodies else None

    def take(self, message: bytes, connection: int) -> str:
        """Note a message and say how to treat it."""
        self.received += 1
        control = hl7.field(message, b"MSH", 10)
        kind = hl7.field(message, b"MSH", 9)
        self.kinds[kind] += 1
        self.identities.add(control)
        mode = self._mode()
        self.journal.write(
            number=self.received,
            connection=connection,
            control_id=control,
            message_type=kind,
            patient=hl7.first_component(message, b"PID", 3),
            recorded=hl7.field(message, b"EVN", 2),
            sha256=hashlib.sha256(message).hexdigest(),
            size=len(message),
            mode=mode,
        )
        if self._folder is not None:
            (self._folder / f"{self.received:06d}.hl7").write_bytes(message)
        return mode

    def _mode(self) -> str:
        options = self.options
        if options.first and self.received > options.first:
            return "accept"
        if options.every and self.received % options.every:
            return "accept"
        return str(options.mode)


class Connection(asyncio.Protocol):
    """One sender."""

    def __init__(self, sink: Sink) -> None:
        """Serve one connection of the sink's."""
        self._sink = sink
        self._frames = hl7.Frames()
        self._number = 0
        self._seen = 0
        self._later: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection."""
        self._transport = cast("asyncio.Transport", transport)
        self._sink.connections += 1
        self._number = self._sink.connections

    def data_received(self, data: bytes) -> None:
        """Answer what is complete."""
        self._seen += len(data)
        limit = self._sink.options.close_after_bytes
        if limit and self._seen >= limit:
            self._transport.abort()
            return
        for message in self._frames.feed(data):
            self._answer(message, self._sink.take(message, self._number))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Forget answers still to be given."""
        for task in self._later:
            task.cancel()

    def _answer(self, message: bytes, mode: str) -> None:
        enhanced = hl7.field(message, b"MSH", 15) in {"AL", "SU"}
        good = hl7.frame(hl7.acknowledgement(message, "CA" if enhanced else "AA"))
        codes = {"reject-ae": "AE", "reject-ar": "AR"}
        if mode in codes:
            code = codes[mode].replace("A", "C", 1) if enhanced else codes[mode]
            self._transport.write(hl7.frame(hl7.acknowledgement(message, code)))
        elif mode == "wrong-id":
            self._transport.write(
                hl7.frame(hl7.acknowledgement(message, "AA", control_id="ANDERE"))
            )
        elif mode in {"slow", "drip"}:
            self._start(good, drip=mode == "drip")
        elif mode in {"close", "reset", "half"}:
            self._end(mode, good)
        else:
            whole = {"silent": b"", "garbage": b"<html></html>\r\n", "twice": good * 2}
            self._transport.write(whole.get(mode, good))

    def _end(self, mode: str, good: bytes) -> None:
        if mode == "half":
            self._transport.write(good[: len(good) // 2])
        if mode == "reset":
            linger = struct.pack("ii", 1, 0)
            opened = self._transport.get_extra_info("socket")
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._transport.close()

    def _start(self, answer: bytes, *, drip: bool) -> None:
        task = asyncio.get_running_loop().create_task(self._slowly(answer, drip=drip))
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _slowly(self, answer: bytes, *, drip: bool) -> None:
        size = 1 if drip else len(answer)
        for start in range(0, len(answer), size):
            await asyncio.sleep(self._sink.options.delay)
            self._transport.write(answer[start : start + size])


def secured(options: argparse.Namespace) -> ssl.SSLContext | None:
    """Make the TLS context where a certificate is named."""
    if not options.tls_certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(options.tls_certificate, options.tls_key)
    return context


async def run(options: argparse.Namespace) -> int:
    """Listen until told to stop."""
    stop = process.Stop(options)
    sink = Sink(options)
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(sink), options.host, options.port, ssl=secured(options)
    )
    process.say(partner="mllp_sink", port=server.sockets[0].getsockname()[1])
    await stop.wait()
    server.close()
    sink.journal.close()
    process.say(
        received=sink.received,
        distinct=len(sink.identities),
        connections=sink.connections,
        message_types=dict(sink.kinds),
    )
    return 0


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = process.listen_arguments(__doc__)
    add = parser.add_argument
    modes = "; ".join(f"{name}: {what}" for name, what in MODES.items())
    add("--mode", choices=MODES, default="accept", help=modes)
    add("--first", type=int, default=0, help="misbehave for the first N messages only")
    add("--every", type=int, default=0, help="misbehave for every N-th message only")
    add("--delay", type=float, default=1.0, help="seconds of slow and drip")
    add("--close-after-bytes", type=int, default=0, help="cut connections after so many bytes")
    add("--tls-certificate", help="speak TLS with this certificate (PEM)")
    add("--tls-key")
    add("--bodies", help="existing folder for the messages themselves")
    return parser.parse_args()


if __name__ == "__main__":
    process.main(run(options()))
