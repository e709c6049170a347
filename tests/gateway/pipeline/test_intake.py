"""Intake: answered after the commit, once per input, in the mode the sender asked for."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from gateway.domain.transport import Received


@pytest.fixture
def run(world, serving):
    """Run a scenario with a started intake; worker processes are real."""
    return partial(serving.run, world)


def frame(data, endpoint="kis", **fields):
    return Received(endpoint, "127.0.0.1", "", data, **fields)


@pytest.fixture
def send(run):
    """Send frames at once and return their answers."""

    def sending(*frames):
        async def scenario(intake):
            return await asyncio.gather(*(intake.receive_frame(one) for one in frames))

        return run(scenario)

    return sending


async def processed(world):
    """Wait until nothing is only received."""
    for _ in range(3_000):
        if world.query("SELECT count(*) FROM message WHERE state = 'received'") == [(0,)]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("not processed")


def code(answer):
    return answer.split(b"\rMSA|")[1][:2].decode()


def test_an_admission_is_answered_with_its_control_id_after_it_is_stored(world, build, send):
    (answer,) = send(frame(build.message()))
    assert b"\rMSA|AA|M1\r" in answer
    assert world.query("SELECT state FROM message") == [("routed",)]


def test_racing_copies_are_stored_once_and_answered_alike(world, build, send):
    data = build.message()
    answers = send(*[frame(data)] * 5)
    assert len(set(answers)) == 1
    assert world.query("SELECT count(*) FROM message") == [(1,)]


@pytest.mark.parametrize(
    ("ack", "codes"),
    [
        ("", ["AA"]),
        ("|||AL|NE", ["CA"]),
        ("|||AL|AL", ["CA", "AA"]),
        ("|||NE|AL", ["AA"]),
        ("|||NE|NE", []),
        ("|||ER|ER", []),
    ],
)
def test_the_sender_gets_the_acknowledgements_it_asks_for(world, build, ack, codes, send):
    (answer,) = send(frame(build.message(ack=ack)))
    assert [code(part) for part in answer.split(b"\x1c\r\x0b") if part] == codes


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"birth": "19991399"}, ("AE", b"102")),
        ({"control": ""}, ("AE", b"101")),
        ({"event": "A99"}, ("AR", b"201")),
        ({"processing": "T"}, ("AR", b"202")),
    ],
)
def test_what_the_sender_has_to_repair_is_refused_with_the_place_and_kept(
    world, build, fields, said, send
):
    (answer,) = send(frame(build.message(**fields)))
    assert code(answer) == said[0]
    assert said[1] in answer.split(b"\rERR|")[1]
    assert world.query("SELECT state FROM message") == [("rejected",)]


def test_an_unknown_application_is_refused(world, build, send):
    endpoints = dict(world.region.endpoints)
    endpoints["kis"] = build.replace(endpoints["kis"], sending_application=("ANDERES",))
    world.use(build.region(endpoints=endpoints))
    (answer,) = send(frame(build.message()))
    assert code(answer) == "AR"


def test_bytes_without_a_header_get_no_answer_but_leave_evidence(world, send):
    (answer,) = send(frame(b"GET / HTTP/1.1\r\n\r\n"))
    assert answer is None
    assert world.query("SELECT class FROM audit_event") == [("received",)]
    assert world.query("SELECT count(*) FROM message") == [(0,)]


def test_a_frame_above_the_limit_is_refused_with_its_control_id(world, build, send):
    head = build.message().partition(b"\r")[0] + b"\r"
    (answer,) = send(frame(head, oversize=True, size=60_000_000))
    assert b"\rMSA|AR|M1" in answer
    assert b"207" in answer.split(b"\rERR|")[1]


def test_one_bad_message_among_many_costs_only_itself(world, build, send):
    frames = [
        frame(build.message(control=f"M{n}", patient=f"P{n}", visit=f"V{n}")) for n in range(9)
    ]
    frames.insert(4, frame(build.message(control="BAD", birth="x")))
    answers = send(*frames)
    assert [code(a) for a in answers] == ["AA"] * 4 + ["AE"] + ["AA"] * 5


def test_on_receipt_answers_first_and_processes_in_order_afterwards(world, build, run):
    async def scenario(intake):
        answers = await asyncio.gather(
            *(
                intake.receive_frame(
                    frame(
                        build.message(control=f"M{n}", event="A08", name=f"Name{n}^Anna"),
                        "kis-receipt",
                    )
                )
                for n in range(6)
            )
        )
        await processed(world)
        return answers

    answers = run(scenario)
    assert {code(answer) for answer in answers} == {"AA"}
    (patient,) = [r[0] for r in world.query("SELECT resource FROM resource WHERE type = 'Patient'")]
    body = world.do(lambda tx: tx.current_by_number([patient]))[patient].body
    assert b"Name5" in body


def test_what_was_only_received_is_processed_at_the_next_start(world, build, run):
    from gateway.domain.message import MessageState
    from gateway.pipeline.ports import MessageRow

    item = world.item(build.message(), endpoint="kis-receipt")

    def leave(tx):
        (number,) = tx.reserve("message", 1)
        row = MessageRow(
            number, item.arrival, MessageState.RECEIVED, answer_code="AA", retain_until=2**61
        )
        tx.add_messages([row])

    world.do(leave)

    async def scenario(intake):
        await processed(world)

    run(scenario)
    assert world.query("SELECT state FROM message") == [("routed",)]


def test_what_cannot_be_processed_after_a_positive_answer_is_quarantined(world, build, run):
    async def scenario(intake):
        answer = await intake.receive_frame(frame(build.message(birth="x"), "kis-receipt"))
        await processed(world)
        return answer

    assert code(run(scenario)) == "AA"
    assert world.query("SELECT state FROM message") == [("quarantined",)]


def test_a_store_that_does_not_answer_closes_the_connection_without_an_answer(world, build, run):
    async def scenario(intake):
        world.store.writer.close()
        return await intake.receive_frame(frame(build.message()))

    assert run(scenario) is None


class WithoutDescriptors(dict):
    """A table on a machine that can open no file any more."""

    def get(self, *_):
        raise OSError(24, "Too many open files")


@pytest.mark.parametrize("endpoint", ["kis", "kis-receipt"])
def test_what_the_machine_lacks_is_no_fault_of_the_message(world, build, endpoint, send):
    whole = world.site
    torn = build.replace(whole.region, organizations=WithoutDescriptors())
    world.site = build.replace(whole, region=torn)
    (answer,) = send(frame(build.message(), endpoint=endpoint))
    assert answer is None
    assert world.query("SELECT count(*) FROM message") == [(0,)]
    world.site = whole
    (answer,) = send(frame(build.message(), endpoint=endpoint))
    assert code(answer) == "AA"


def test_a_bundle_over_http_is_stored_and_says_so(world, run):
    bundle = (
        b'{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:'
        b'6f2b6a54-7d3c-4f7e-9d39-0f5f6f1f7a01","resource":{"resourceType":"Patient",'
        b'"identifier":[{"system":"urn:praxis","value":"7"}],"birthDate":"1980-01-01"},'
        b'"request":{"method":"POST","url":"Patient"}}]}'
    )

    async def scenario(intake):
        first = await intake.receive("pvs", bundle, format="fhir_r4", key="k1")
        again = await intake.receive("pvs", bundle, format="fhir_r4", key="k1")
        broken = await intake.receive("pvs", b"{", format="fhir_r4")
        return first, again, broken

    first, again, broken = run(scenario)
    assert (first.status, first.duplicate) == (200, False)
    assert (again.status, again.duplicate, again.message) == (200, True, first.message)
    assert broken.status == 400
