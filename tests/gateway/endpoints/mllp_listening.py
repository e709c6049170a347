"""An MLLP listener on a real socket, and raw senders to it."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager

import uvloop

from gateway.endpoints.mllp import MllpListener, serve_mllp
from gateway.endpoints.mllp_frame import FrameReader


def message(control_id="4711"):
    return f"MSH|^~\\&|KIS|KLINIKUM|||20260101||ADT^A01|{control_id}|P|2.5\rPID|1\r".encode()


def acknowledgement(received):
    control_id = received.data.split(b"|")[9].decode()
    return f"MSH|^~\\&|||KIS|KLINIKUM|||ACK|1|P|2.5\rMSA|AA|{control_id}\r".encode()


class Intake:
    """Answers every frame and remembers it."""

    def __init__(self):
        self.received = []
        self.seen = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def receive(self, received):
        self.received.append(received)
        await self.gate.wait()
        return acknowledgement(received)

    def observe(self, event):
        self.seen.append(event)

    @property
    def faults(self):
        return [event.fault for event in self.seen]


@asynccontextmanager
async def listening(intake, **settings):
    listener = MllpListener(endpoint="klinikum-adt", **settings)
    server = await serve_mllp(listener, intake.receive, observe=intake.observe)
    try:
        yield server
    finally:
        await server.stop(1.0)


class Sender:
    """A raw socket that reads frames."""

    def __init__(self, reader, writer):
        self._reader, self.writer = reader, writer
        self._frames = FrameReader()
        self._events = []

    async def answer(self):
        """The next answer's MSA segment; None when the other side closed."""
        while not self._events:
            try:
                data = await self._reader.read(65536)
            except (ConnectionError, ssl.SSLError):
                return None
            if not data:
                return None
            self._events += self._frames.feed(data)
        return self._events.pop(0).read().split(b"\r")[1].decode()

    async def answers(self, count):
        return [await self.answer() for _ in range(count)]


@asynccontextmanager
async def connected(server, **tls):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, **tls)
    try:
        yield Sender(reader, writer)
    finally:
        writer.close()


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - the condition is any
            await asyncio.sleep(0.005)


def run(main):
    """Run on both event loops that `serve` may use."""

    async def bounded():
        async with asyncio.timeout(60):
            await main()

    for runner in (asyncio.run, uvloop.run):
        runner(bounded())


def context(tls):
    made = ssl.create_default_context(cafile=tls["ca"])
    if "certificate" in tls:
        made.load_cert_chain(tls["certificate"], tls["key"])
    return made
