"""The MLLP listener on real sockets."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import ssl
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from pathlib import Path

import pytest
import uvloop
from hl7.client import MLLPClient

from gateway.domain.region import Endpoint
from gateway.domain.transport import WireFault
from gateway.endpoints.mllp import MllpListener, serve_mllp
from gateway.endpoints.mllp_frame import FrameReader, frame
from profiles.issue import NotConformant, Unavailable


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
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the condition is any
            await asyncio.sleep(0.005)


def run(main):
    """Run on both event loops that `serve` may use."""

    async def bounded():
        async with asyncio.timeout(20):
            await main()

    for runner in (asyncio.run, uvloop.run):
        runner(bounded())


def test_every_frame_is_answered_once_and_in_order():
    async def main():
        intake = Intake()
        async with listening(intake) as server, connected(server) as sender:
            sender.writer.write(b"".join(frame(message(str(i))) for i in range(50)))
            assert await sender.answers(50) == [f"MSA|AA|{i}" for i in range(50)]
            for byte in frame(message("split")):
                sender.writer.write(bytes([byte]))
                await asyncio.sleep(0)
            assert await sender.answer() == "MSA|AA|split"
        assert [r.data for r in intake.received[:50]] == [message(str(i)) for i in range(50)]
        assert {(r.endpoint, r.peer, r.certificate) for r in intake.received} == {
            ("klinikum-adt", "127.0.0.1", "")
        }

    run(main)


def test_a_slow_first_answer_does_not_change_the_order():
    class Backwards(Intake):
        async def receive(self, received):
            self.received.append(received)
            await asyncio.sleep(0.05 if received.data == message("0") else 0)
            return acknowledgement(received)

    async def main():
        intake = Backwards()
        async with listening(intake) as server, connected(server) as sender:
            sender.writer.write(b"".join(frame(message(str(i))) for i in range(5)))
            assert await sender.answers(5) == [f"MSA|AA|{i}" for i in range(5)]

    run(main)


def test_no_more_than_the_window_is_taken_before_an_answer():
    async def main():
        intake = Intake()
        intake.gate.clear()
        async with listening(intake, window=3) as server, connected(server) as sender:
            for number in range(10):
                sender.writer.write(frame(message(str(number))))
                await asyncio.sleep(0.01)
            assert len(intake.received) == 3
            intake.gate.set()
            assert await sender.answers(10) == [f"MSA|AA|{i}" for i in range(10)]

    run(main)


def test_a_byte_budget_over_all_connections_makes_large_frames_wait():
    async def main():
        intake = Intake()
        intake.gate.clear()
        large = message() + b"OBX|" + b"x" * 5000 + b"\r"
        async with (
            listening(intake, max_held=8000, spool_above=1000) as server,
            connected(server) as first,
            connected(server) as second,
        ):
            first.writer.write(frame(large))
            await until(lambda: len(intake.received) == 1)
            second.writer.write(frame(large))
            await asyncio.sleep(0.05)
            assert len(intake.received) == 1
            intake.gate.set()
            assert await first.answer() == await second.answer() == "MSA|AA|4711"
        assert [r.data for r in intake.received] == [large, large]

    run(main)


@pytest.mark.parametrize(
    "broken",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1",
        b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n",
        b"\x0bMSH|\x0bMSH|\x1c\r",
        b"\x0bMSH|^~\\&|\x1cPID|\x1c\r",
    ],
)
def test_what_is_not_mllp_is_closed_without_an_answer_after_the_good_frames(broken):
    async def main():
        intake = Intake()
        async with listening(intake) as server:
            async with connected(server) as sender:
                sender.writer.write(broken)
                assert await sender.answer() is None
            assert intake.faults == [WireFault.PROTOCOL_ERROR]
            async with connected(server) as sender:
                sender.writer.write(frame(message("good")) + broken)
                assert await sender.answers(2) == ["MSA|AA|good", None]
            async with connected(server) as sender:
                sender.writer.write(frame(message("next")))
                assert await sender.answer() == "MSA|AA|next"
        assert len(intake.received) == 2

    run(main)


def test_a_frame_that_never_ends_is_closed_without_an_answer():
    async def main():
        intake = Intake()
        async with listening(intake, frame_timeout=0.2) as server, connected(server) as sender:
            sender.writer.write(b"\x0b")
            drip = asyncio.create_task(dripping(sender))
            assert await sender.answer() is None
            drip.cancel()
        assert intake.faults == [WireFault.FRAME_TIMEOUT]

    async def dripping(sender):
        while True:
            sender.writer.write(b"M")
            await asyncio.sleep(0.02)

    run(main)


def test_idle_connections_are_closed_and_a_working_sender_is_not():
    async def main():
        intake = Intake()
        async with (
            listening(intake, idle=0.3) as server,
            connected(server) as idle,
            connected(server) as working,
        ):
            closing = asyncio.create_task(idle.answer())
            while not closing.done():
                working.writer.write(frame(message()))
                assert await working.answer() == "MSA|AA|4711"
                await asyncio.sleep(0.02)
            assert closing.result() is None
        assert WireFault.IDLE in intake.faults

    run(main)


def test_a_slow_intake_is_not_mistaken_for_an_idle_sender():
    async def main():
        intake = Intake()
        intake.gate.clear()
        async with listening(intake, idle=0.1) as server, connected(server) as sender:
            sender.writer.write(frame(message()))
            await asyncio.sleep(0.4)
            intake.gate.set()
            assert await sender.answer() == "MSA|AA|4711"

    run(main)


def test_a_connection_lost_within_a_frame_is_observed():
    async def main():
        intake = Intake()
        async with listening(intake) as server:
            async with connected(server) as sender:
                sender.writer.write(frame(message()) + b"\x0bMSH|half")
                assert await sender.answer() == "MSA|AA|4711"
            await until(lambda: intake.seen)
        assert intake.faults == [WireFault.INCOMPLETE_FRAME]
        assert len(intake.received) == 1

    run(main)


def test_a_sender_that_closes_its_side_still_gets_its_answers():
    async def main():
        intake = Intake()
        intake.gate.clear()
        async with listening(intake, window=2) as server, connected(server) as sender:
            sender.writer.write(b"".join(frame(message(str(i))) for i in range(5)))
            sender.writer.write_eof()
            await asyncio.sleep(0.05)
            intake.gate.set()
            assert await sender.answers(6) == [*(f"MSA|AA|{i}" for i in range(5)), None]

    run(main)


@pytest.mark.parametrize("caps", [{"max_connections": 2}, {"max_per_peer": 2}])
def test_connections_above_the_cap_are_turned_away(caps):
    async def main():
        intake = Intake()
        async with (
            listening(intake, **caps) as server,
            connected(server) as first,
            connected(server) as second,
        ):
            await until(lambda: server.connections == 2)
            async with connected(server) as third:
                assert await third.answer() is None
            for sender in (first, second):
                sender.writer.write(frame(message()))
                assert await sender.answer() == "MSA|AA|4711"
            second.writer.close()
            await until(lambda: server.connections == 1)
            async with connected(server) as fourth:
                fourth.writer.write(frame(message()))
                assert await fourth.answer() == "MSA|AA|4711"
        assert intake.faults == [WireFault.TOO_MANY_CONNECTIONS]

    run(main)


def test_only_listed_peers_may_connect():
    async def main():
        intake = Intake()
        for peers, answer in (
            (("10.20.0.5/32",), None),
            (("10.20.0.5/32", "127.0.0.0/8"), "MSA|AA|4711"),
        ):
            async with listening(intake, peers=peers) as server, connected(server) as sender:
                sender.writer.write(frame(message()))
                assert await sender.answer() == answer
        assert intake.faults == [WireFault.PEER_REFUSED]

    run(main)


def test_an_oversize_frame_is_drained_and_its_first_segment_handed_on():
    async def main():
        intake = Intake()
        async with listening(intake, max_frame=1000) as server, connected(server) as sender:
            sender.writer.write(frame(message("big") + b"OBX|" + b"x" * 3_000_000))
            sender.writer.write(frame(message("small")))
            assert await sender.answers(2) == ["MSA|AA|big", "MSA|AA|small"]
        big, small = intake.received
        assert (big.oversize, small.oversize) == (True, False)
        assert big.data == message("big").split(b"\r")[0]
        assert big.size == len(message("big")) + 3_000_004

    run(main)


def test_a_large_frame_arrives_whole_through_the_spool(tmp_path):
    async def main():
        intake = Intake()
        large = message() + b"OBX|" + bytes(range(32, 127)) * 50_000 + b"\r"
        settings = {"spool_above": 10_000, "spool_folder": tmp_path}
        async with listening(intake, **settings) as server, connected(server) as sender:
            sender.writer.write(frame(large))
            assert await sender.answer() == "MSA|AA|4711"
        assert intake.received[0].data == large
        assert list(tmp_path.iterdir()) == []

    run(main)


def test_a_spool_that_cannot_be_written_closes_only_its_connection(tmp_path):
    async def main():
        intake = Intake()
        settings = {"spool_above": 100, "spool_folder": tmp_path / "missing"}
        async with listening(intake, **settings) as server:
            async with connected(server) as sender:
                sender.writer.write(frame(message() + b"x" * 1000))
                assert await sender.answer() is None
            async with connected(server) as sender:
                sender.writer.write(frame(message()))
                assert await sender.answer() == "MSA|AA|4711"
        assert intake.faults == [WireFault.SPOOL_FAILED]

    run(main)


@pytest.mark.parametrize("failure", [None, Unavailable(), RuntimeError("defect")])
def test_without_an_answer_the_connection_is_closed_and_nothing_later_is_answered(failure):
    class Failing(Intake):
        async def receive(self, received):
            self.received.append(received)
            if b"fail" not in received.data:
                return acknowledgement(received)
            await asyncio.sleep(0.02)
            if failure is not None:
                raise failure
            return None

    async def main():
        intake = Failing()
        async with listening(intake) as server, connected(server) as other:
            async with connected(server) as sender:
                stream = frame(message("good")) + frame(message("fail")) + frame(message("later"))
                sender.writer.write(stream)
                assert await sender.answers(2) == ["MSA|AA|good", None]
            other.writer.write(frame(message("other")))
            assert await other.answer() == "MSA|AA|other"
        assert intake.faults == ([] if failure is None else [WireFault.RECEIVE_FAILED])

    run(main)


def test_stopping_finishes_the_answers_in_work_and_takes_nothing_new():
    async def main():
        intake = Intake()
        intake.gate.clear()
        async with listening(intake, window=2) as server, connected(server) as sender:
            sender.writer.write(b"".join(frame(message(str(i))) for i in range(5)))
            await until(lambda: len(intake.received) == 2)
            stopping = asyncio.create_task(server.stop(5.0))
            await asyncio.sleep(0.02)
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", server.port)
            intake.gate.set()
            assert await sender.answers(3) == ["MSA|AA|0", "MSA|AA|1", None]
            await stopping
        assert len(intake.received) == 2

    run(main)


def test_stopping_cuts_what_does_not_finish_in_time():
    async def main():
        intake = Intake()
        intake.gate.clear()
        async with listening(intake) as server, connected(server) as sender:
            sender.writer.write(frame(message()))
            await until(lambda: intake.received)
            await server.stop(0.05)
            assert await sender.answer() is None
            intake.gate.set()

    run(main)


def test_a_sender_that_reads_no_answers_is_cut():
    class Talkative(Intake):
        async def receive(self, received):
            return b"MSA|" + b"x" * 1_000_000

    async def main():
        intake = Talkative()
        async with listening(intake, frame_timeout=0.3) as server, connected(server) as sender:
            sender.writer.write(b"".join(frame(message(str(i))) for i in range(40)))
            await until(lambda: WireFault.NOT_READING in intake.faults)
            await until(lambda: server.connections == 0)

    run(main)


def test_a_client_certificate_is_required_and_its_fingerprint_handed_on(authority, other_authority):
    async def main():
        intake = Intake()
        client = authority.issue("kis.klinikum.example")
        stranger = {**other_authority.issue("kis"), "ca": authority.file}
        async with listening(intake, tls=authority.issue("gateway.example")) as server:
            async with connected(server, ssl=context(client)) as sender:
                sender.writer.write(frame(message()))
                assert await sender.answer() == "MSA|AA|4711"
            for tls in ({"ca": authority.file}, stranger):
                with suppress(ssl.SSLError, ConnectionError):
                    async with connected(server, ssl=context(tls)) as sender:
                        sender.writer.write(frame(message()))
                        assert await sender.answer() is None
            async with connected(server) as sender:
                sender.writer.write(frame(message()))
                assert await sender.answer() is None
        assert [r.certificate for r in intake.received] == [authority.fingerprint(client)]
        assert intake.faults == [WireFault.TLS_FAILED] * 3

    run(main)


def test_a_certificate_that_is_not_listed_is_refused(authority):
    async def main():
        intake = Intake()
        listed, unlisted = authority.issue("kis-a"), authority.issue("kis-b")
        settings = {
            "tls": authority.issue("gateway.example"),
            "certificates": (authority.fingerprint(listed),),
        }
        async with listening(intake, **settings) as server:
            async with connected(server, ssl=context(unlisted)) as sender:
                sender.writer.write(frame(message()))
                assert await sender.answer() is None
            async with connected(server, ssl=context(listed)) as sender:
                sender.writer.write(frame(message()))
                assert await sender.answer() == "MSA|AA|4711"
        assert intake.faults == [WireFault.CERTIFICATE_REFUSED]

    run(main)


def test_a_handshake_that_stalls_ends_and_does_not_keep_the_listener_from_stopping(authority):
    async def main():
        intake = Intake()
        tls = authority.issue("gateway.example")
        async with listening(intake, tls=tls, handshake_timeout=0.2) as server:
            async with connected(server) as silent:
                assert await silent.answer() is None
            async with connected(server):
                await until(lambda: server.connections == 1)
                await server.stop(0.05)
        assert intake.faults[0] == WireFault.TLS_FAILED

    run(main)


@contextmanager
def no_file_descriptors():
    """Leave this process without a free file descriptor."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(entry.name) for entry in Path("/proc/self/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest, hard))
    taken = []
    try:
        with suppress(OSError):
            while True:
                taken.append(os.open("/dev/null", os.O_RDONLY))
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_running_out_of_file_descriptors_leaves_the_connected_working():
    async def main():
        intake = Intake()
        async with listening(intake) as server, connected(server) as sender:
            await until(lambda: server.connections == 1)
            with socket.socket() as newcomer:
                newcomer.settimeout(0)
                with no_file_descriptors():
                    newcomer.connect_ex(("127.0.0.1", server.port))
                    await until(lambda: WireFault.OUT_OF_RESOURCES in intake.faults)
                    sender.writer.write(frame(message()))
                    assert await sender.answer() == "MSA|AA|4711"
                await until(lambda: server.connections == 2)

    run(main)


def context(tls):
    made = ssl.create_default_context(cafile=tls["ca"])
    if "certificate" in tls:
        made.load_cert_chain(tls["certificate"], tls["key"])
    return made


def test_a_listener_is_read_from_a_registered_endpoint():
    endpoint = Endpoint(
        id="a",
        organization="k",
        connection_type="hl7v2-mllp",
        direction="in",
        listen="[::1]:2575",
        peers=("10.0.0.0/8",),
        max_bytes=1000,
    )
    listener = MllpListener.of(endpoint)
    assert (listener.host, listener.port) == ("::1", 2575)
    assert (listener.peers, listener.max_frame) == (("10.0.0.0/8",), 1000)


@pytest.mark.parametrize("listen", ["", "2575", "host:", "host:x", "host:70000", ":2575"])
def test_a_listener_without_host_and_port_is_refused(listen):
    endpoint = Endpoint(
        id="a", organization="k", connection_type="hl7v2-mllp", direction="in", listen=listen
    )
    with pytest.raises(NotConformant):
        MllpListener.of(endpoint)


@pytest.mark.parametrize(
    ("settings", "may"),
    [
        ({"host": "0.0.0.0"}, False),
        ({"host": "10.0.0.1"}, False),
        ({"host": "kis.example"}, False),
        ({"host": "0.0.0.0", "tls": {"certificate": "c", "key": "k"}}, False),
        ({"host": "0.0.0.0", "peers": ("10.20.0.5/32",)}, True),
        ({"host": "0.0.0.0", "tls": {"certificate": "c", "key": "k", "ca": "a"}}, True),
        ({"host": "127.0.0.1"}, True),
        ({"host": "::1"}, True),
        ({"host": "localhost"}, True),
    ],
)
def test_outside_this_machine_a_listener_needs_peers_or_certificates(settings, may):
    listener = MllpListener(endpoint="klinikum-adt", **settings)
    with nullcontext() if may else pytest.raises(NotConformant, match="peers = "):
        listener.check()


def test_python_hl7_as_sender_is_answered(tmp_path):
    async def main():
        intake = Intake()
        file = tmp_path / "a01.hl7"
        file.write_bytes(message("cli"))
        async with listening(intake) as server:

            def client():
                with MLLPClient("127.0.0.1", server.port) as sender:
                    return [sender.send_message(message(str(i))) for i in range(3)]

            answers = await asyncio.to_thread(client)
            assert [b"MSA|AA|%d\r" % i in answer for i, answer in enumerate(answers)] == [True] * 3
            command = [Path(sys.executable).with_name("mllp_send"), "--loose", "--file", file]
            arguments = ["--port", str(server.port), "127.0.0.1"]
            sent = await asyncio.to_thread(
                subprocess.run, [*command, *arguments], capture_output=True, check=True
            )
            assert b"MSA|AA|cli" in sent.stdout

    run(main)
