"""The MLLP listener's limits: connections, sizes, file descriptors, and stopping."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from gateway.domain.transport import WireFault
from gateway.endpoints.mllp_frame import frame
from profiles.issue import Unavailable
from tests.gateway.endpoints.mllp_listening import (
    Intake,
    acknowledgement,
    connected,
    listening,
    message,
    run,
    until,
)


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
