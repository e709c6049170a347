"""Batches over MLLP and HTTP: every message is taken and answered for itself."""

from __future__ import annotations

import pytest

from gateway.domain.transport import Received
from mappers.hl7v2.batch import split


@pytest.fixture
def frame(world, serving):
    """Send one frame over MLLP and return its answer."""
    return lambda data: serving.run(
        world, lambda intake: intake.receive_frame(Received("kis", "127.0.0.1", "", data))
    )


@pytest.fixture
def post(world, serving):
    """Send one body over HTTP and return its answer."""
    return lambda data: serving.run(
        world, lambda intake: intake.receive("kis", data, format="hl7v2")
    )


def said(answer):
    """MSA-1 and MSA-2 of each acknowledgement."""
    return [
        tuple(line.split(b"|")[1:3])
        for message in split(answer)
        for line in message.splitlines()
        if line.startswith(b"MSA")
    ]


@pytest.fixture
def batch(build):
    """Three messages in an envelope, the second with a wrong birth date."""

    def make(count=3):
        messages = [
            build.message(control=f"M{n}", patient=f"P{n}", visit=f"V{n}", birth=birth)
            for n, birth in enumerate(("19800101", "x", "19800101"))
        ]
        head = b"BHS|^~\\&|KIS|KLINIKUM|GW|REGION|20260301||||B-7\r"
        return head + b"".join(messages) + b"BTS|%d\r" % count

    return make


OUTCOMES = [(b"AA", b"M0"), (b"AE", b"M1"), (b"AA", b"M2")]


def test_a_frame_with_a_batch_is_answered_by_a_batch(world, batch, frame):
    lines = frame(batch()).splitlines()
    header = lines[0].split(b"|")
    assert header[:6] == [b"BHS", b"^~\\&", b"GW", b"REGION", b"KIS", b"KLINIKUM"]
    assert header[11] == b"B-7"
    assert lines[-1] == b"BTS|3"
    assert said(b"\r".join(lines)) == OUTCOMES
    states = sorted(world.query("SELECT state FROM message"))
    assert states == [("rejected",), ("routed",), ("routed",)]


def test_a_batch_over_http_is_answered_alike_with_the_worst_status(world, batch, post):
    answer = post(batch())
    assert (answer.status, said(answer.data)) == (422, OUTCOMES)


def test_a_batch_that_comes_again_is_answered_again_and_stored_once(world, batch, serving):
    data = batch()

    async def scenario(intake):
        return [(await intake.receive("kis", data, format="hl7v2")).data for _ in range(2)]

    first, second = serving.run(world, scenario)
    assert said(first) == said(second)
    assert world.query("SELECT count(*) FROM message WHERE state = 'routed'") == [(2,)]


def test_a_count_that_does_not_fit_is_said_and_costs_no_message(world, build, batch, post):
    data = batch(count=4)
    answer = post(data)
    assert said(answer.data) == OUTCOMES
    assert answer.data.splitlines()[-1] == b"BTS|3|BTS-1 states 4 messages, 3 came"
    assert answer.status == 422


def test_messages_that_follow_one_another_are_answered_so(world, build, frame, post):
    data = b"".join(
        build.message(control=f"M{n}", patient=f"P{n}", visit=f"V{n}") for n in range(2)
    )
    expected = [(b"AA", b"M0"), (b"AA", b"M1")]
    answer = post(data)
    assert (answer.status, said(answer.data)) == (200, expected)
    assert b"BHS" not in answer.data
    again = frame(data)
    assert said(again) == expected
    assert again.count(b"\x1c\r\x0b") == 1


def test_bytes_between_messages_that_are_no_message_are_said(world, build, post):
    data = b"BHS|^~\\&|KIS\r" + build.message() + b"BTS|1\rgarbage\r"
    answer = post(data)
    assert said(answer.data) == [(b"AA", b"M1")]
    assert answer.data.splitlines()[-1] == b"BTS|1|a part is no message"
    assert answer.status == 400


def test_more_messages_than_are_in_work_at_a_time_keep_their_order(world, build, post):
    data = b"".join(
        build.message(control=f"M{n}", patient=f"P{n % 7}", visit="") for n in range(150)
    )
    answer = post(data)
    assert said(answer.data) == [(b"AA", b"M%d" % n) for n in range(150)]


def test_the_envelope_keeps_the_separators_of_the_sender(world, build, post):
    body = build.message().replace(b"|", b"#")
    answer = post(b"BHS#^~\\&#KIS##GW\r" + body + b"BTS#1\r")
    assert answer.data.startswith(b"BHS#^~\\&#GW##KIS#")
    assert answer.data.splitlines()[-1] == b"BTS#1"
