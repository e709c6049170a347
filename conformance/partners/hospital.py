"""A hospital's interface engine: sends HL7 v2 over MLLP and waits for each acknowledgement.

    python -m conformance.partners.hospital --to 127.0.0.1:2575 a01.hl7 a03.hl7
    python -m conformance.partners.hospital --to … --vary --count 5000 --connections 16 --summary …

Every file is sent once, or with --count as often as it takes, in turn. With --vary each round is
another patient (--patients: the same ones again and again); messages of one patient go over one
connection and in order. One JSON line per acknowledgement, one summary at the end. Exit 0 when
every message was accepted, else 1. Like a real engine it sends a message again, unchanged, when the
connection breaks before the answer (--again), as often as it takes.
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

from conformance.partners import hl7, process
from conformance.partners.variation import Made, Variation

_ACCEPTED = frozenset({"AA", "CA"})


class Work:
    """What is to be sent, per connection, and how it went."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Read and, with --vary, cut the files."""
        self.options = options
        self.codes: Counter[str] = Counter()
        self.milliseconds: list[float] = []
        self.resent = 0
        samples = [message for file in options.files for message in read(Path(file))]
        self.count = options.count or len(samples)
        self._samples = samples
        start = options.start or datetime.now().astimezone()
        self._variations = [
            Variation(sample, prefix=options.prefix, start=start, step=options.step)
            for sample in (samples if options.vary else ())
        ]

    def messages(self, connection: int) -> Iterator[Made]:
        """Yield what one connection sends: whole rounds, so that a patient keeps its connection."""
        options, kinds = self.options, len(self._samples)
        rounds = -(-self.count // kinds)
        patients = options.patients or rounds
        for beginning in range(0, rounds, patients):
            here = min(patients, rounds - beginning)
            for patient in range(connection, here, options.connections):
                first = (beginning + patient) * kinds
                for number in range(first, min(first + kinds, self.count)):
                    yield self._make(number, number - first, options.first_patient + patient)

    def _make(self, number: int, kind: int, patient: int) -> Made:
        if self._variations:
            return self._variations[kind].make(number + self.options.first, patient)
        sample = self._samples[kind]
        time = hl7.field(sample, b"MSH", 7)
        return Made(
            hl7.field(sample, b"MSH", 10), hl7.first_component(sample, b"PID", 3), time, sample
        )

    def answered(self, made: Made, answer: bytes, seconds: float) -> None:
        """Count an answer and say it."""
        code, about = hl7.field(answer, b"MSA", 1), hl7.field(answer, b"MSA", 2)
        if about != made.control_id:
            code = f"{code} for another message"
        self.codes[code] += 1
        self.milliseconds.append(seconds * 1000)
        if not self.options.summary:
            process.say(
                control_id=made.control_id,
                patient=made.patient,
                time=made.time,
                code=code,
                errors=[part for part in (hl7.field(answer, b"ERR", 3),) if part],
                ms=round(seconds * 1000, 2),
            )

    def unanswered(self, made: Made, why: str) -> None:
        """Count a message given up."""
        self.codes["none"] += 1
        if not self.options.summary:
            process.say(control_id=made.control_id, patient=made.patient, code="none", why=why)

    def summary(self, seconds: float) -> dict[str, object]:
        """Return the last line's facts."""
        accepted = sum(self.codes[code] for code in _ACCEPTED)
        cuts = quantiles(self.milliseconds, n=100) if len(self.milliseconds) > 1 else [0.0] * 99
        return {
            "sent": self.codes.total(),
            "accepted": accepted,
            "codes": dict(self.codes),
            "resent": self.resent,
            "seconds": round(seconds, 3),
            "accepted_per_second": round(accepted / seconds, 1) if seconds else 0.0,
            "ms": {"p50": round(cuts[49], 2), "p95": round(cuts[94], 2), "p99": round(cuts[98], 2)},
        }


class Line(asyncio.Protocol):
    """One connection: a message out, its answer in; cheap enough to be a load generator."""

    def __init__(self) -> None:
        """Wait for the connection."""
        self._frames = hl7.Frames()
        self._answer: asyncio.Future[bytes] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Hand on the answer; what nobody waits for is dropped."""
        for answer in self._frames.feed(data):
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("closed without an answer"))
        self._transport = None

    async def ask(self, message: bytes, limit: float) -> bytes:
        """Send and wait; raises OSError when the connection ends or the time does."""
        if self._transport is None:
            raise ConnectionResetError("closed before sending")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(hl7.frame(message))
        async with asyncio.timeout(limit):
            return await self._answer

    def close(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()


async def converse(work: Work, connection: int) -> None:
    """Send one connection's messages, each after the former's answer."""
    options, loop = work.options, asyncio.get_running_loop()
    pause = options.connections / options.rate if options.rate else 0.0
    due = loop.time() + pause * connection / options.connections
    line: Line | None = None
    for made in work.messages(connection):
        if pause:
            await asyncio.sleep(max(0.0, due - loop.time()))
            due += pause
        line = await deliver(work, line, made)
    if line is not None:
        line.close()


async def deliver(work: Work, line: Line | None, made: Made) -> Line | None:
    """Send one message, where wanted until it is answered; return the connection to go on with."""
    options, loop = work.options, asyncio.get_running_loop()
    while True:
        begun = loop.time()
        try:
            line = line or await connect(options)
            answer = await line.ask(made.message, options.timeout)
        except OSError as error:
            if line is not None:
                line.close()
            line = None
            if not options.again:
                work.unanswered(made, type(error).__name__)
                return None
            work.resent += 1
            await asyncio.sleep(0.1)
        else:
            work.answered(made, answer, loop.time() - begun)
            return line


async def connect(options: argparse.Namespace) -> Line:
    """Open a connection."""
    context = None
    if options.tls_ca:
        context = ssl.create_default_context(cafile=options.tls_ca)
        if options.tls_certificate:
            context.load_cert_chain(options.tls_certificate, options.tls_key)
    async with asyncio.timeout(options.timeout):
        _, line = await asyncio.get_running_loop().create_connection(Line, *options.to, ssl=context)
    return line


def read(file: Path) -> Iterator[bytes]:
    """Yield a file's messages as they stand: one, or those in MLLP frames."""
    data = file.read_bytes()
    if data.startswith(hl7.START):
        yield from hl7.Frames().feed(data)
    else:
        yield data


async def run(options: argparse.Namespace) -> int:
    """Send everything, or until told to stop."""
    work, loop = Work(options), asyncio.get_running_loop()
    begun = loop.time()
    sending = asyncio.gather(*(converse(work, n) for n in range(options.connections)))
    stopping = asyncio.create_task(process.Stop(options).wait())
    either: set[asyncio.Future[Any]] = {sending, stopping}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    sending.cancel()
    stopping.cancel()
    with suppress(asyncio.CancelledError):
        await sending
    summary = work.summary(loop.time() - begun)
    process.say(**summary)
    return 0 if summary["accepted"] == work.count else 1


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = process.arguments(__doc__)
    add = parser.add_argument
    add("files", nargs="+", help=".hl7 (one message) or .mllp (frames)")
    add("--to", type=process.address, required=True, metavar="HOST:PORT")
    add("--count", type=int, default=0, help="messages in all; default: every file once")
    add("--connections", type=int, default=1)
    add(
        "--rate", type=float, default=0.0, help="messages per second in all; 0: as fast as possible"
    )
    add("--vary", action="store_true", help="exchange ids, names and times")
    add("--patients", type=int, default=0, help="how many patients; 0: another one every round")
    add("--prefix", default="L", help="beginning of the control ids")
    add("--first", type=int, default=0, help="number of the first message")
    add("--first-patient", type=int, default=0, help="number of the first patient")
    add("--start", type=datetime.fromisoformat, help="MSH-7 of message 0, with zone; default: now")
    add("--step", type=float, default=0.01, help="seconds from one message's MSH-7 to the next's")
    add("--timeout", type=float, default=60.0, help="seconds to wait for an answer")
    add("--again", action="store_true", help="send again until answered")
    add("--summary", action="store_true", help="only the summary")
    add("--tls-ca", help="speak TLS with a server this CA vouches for")
    add("--tls-certificate")
    add("--tls-key")
    return parser.parse_args()


if __name__ == "__main__":
    process.main(run(options()))
