"""The MLLP listener on real sockets: answers, order, and what ends a connection."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from hl7.client import MLLPClient

from gateway.domain.transport import WireFault
from gateway.endpoints.mllp_frame import frame
from tests.gateway.endpoints.mllp_listening import (
    Intake,
    acknowledgement,
    connected,
    listening,
    message,
    run,
    until,
)


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
            await until(lambda: len(intake.received) == 3)
            await asyncio.sleep(0.05)
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
            listening(intake, idle=1.0) as server,
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
