"""Messages in the store: identity, outcome, sealed bytes."""

from __future__ import annotations

import threading

import pytest

from gateway.domain.message import Arrival, MessageState
from gateway.domain.time import DAY
from gateway.pipeline.ports import MessageRow
from gateway.store import open_store

SECRET = b"MSH|^~\\&|KIS|KLINIKUM|||20250610||ADT^A01|1|P|2.5\rPID|||4711||M\xfcller^Erika\r"


def arrival(control_id="1", data=SECRET, digest=b"\x01" * 32):
    return Arrival("adt", "klinikum", control_id, "KIS|KLINIKUM", "hl7v2", data, digest, 1_000)


def row(number, came=None, state=MessageState.ROUTED, **overrides):
    fields = {"answer_code": "AA", "answer": b"MSA|AA|1", "retain_until": 100 * DAY}
    return MessageRow(number, came or arrival(), state, **(fields | overrides))


def run(store, job):
    return store.writer.submit(job).result(60)


def add(store, *rows):
    """Add rows whose number is 0 under fresh numbers; return the numbers."""

    def job(tx):
        numbers = tx.reserve("message", len(rows))
        tx.add_messages(
            [item._replace(number=number) for item, number in zip(rows, numbers, strict=True)]
        )
        return numbers

    return run(store, job)


def test_raw_bytes_come_back_exactly(store):
    (number,) = add(store, row(0, report=b'{"issues":[]}'))
    assert store.reader.raw(number) == SECRET
    assert run(store, lambda tx: tx.raw([number])) == {number: SECRET}


def test_unknown_messages_have_no_bytes(store):
    assert store.reader.raw(17) == b""


def test_a_stored_input_is_found_by_its_identity_and_its_answer_is_given(store):
    (number,) = add(store, row(0))
    identity = ("adt", "1", b"\x01" * 32)
    found = run(store, lambda tx: tx.stored_answers([identity, ("adt", "2", b"\x01" * 32)]))
    assert set(found) == {identity}
    assert (found[identity].message_id, found[identity].code) == (number, "AA")
    assert found[identity].answer == b"MSA|AA|1"


def test_the_same_control_id_with_other_bytes_is_another_input(store):
    add(store, row(0))
    other = ("adt", "1", b"\x02" * 32)
    assert run(store, lambda tx: tx.stored_answers([other])) == {}
    assert run(store, lambda tx: tx.same_control_id([("adt", "1"), ("adt", "9")])) == {("adt", "1")}


def test_a_rejected_input_may_come_again(store):
    add(store, row(0, state=MessageState.REJECTED))
    identity = ("adt", "1", b"\x01" * 32)
    assert run(store, lambda tx: tx.stored_answers([identity])) == {}
    add(store, row(0))
    assert identity in run(store, lambda tx: tx.stored_answers([identity]))


def test_the_same_input_cannot_be_stored_twice(store):
    add(store, row(0))
    with pytest.raises(Exception):  # noqa: B017, PT011 - each database has its own error
        add(store, row(0))


def test_what_was_stored_on_receipt_is_finished_later(store):
    (number,) = add(store, row(0, state=MessageState.RECEIVED, answer_code="CA"))
    finished = row(number, state=MessageState.UNROUTED, reason="no-route", report=b'{"a":1}')
    run(store, lambda tx: tx.finish_messages([finished._replace(fields=7, answer_code="")]))
    assert store.reader.raw(number) == SECRET
    identity = ("adt", "1", b"\x01" * 32)
    assert run(store, lambda tx: tx.stored_answers([identity]))[identity].code == "CA"


def test_nothing_readable_lies_in_the_database(store, store_url):
    add(store, row(0, report=b'{"unmapped":[["PID-5","Erika"]]}'))
    store.close()
    if store_url.startswith("sqlite"):
        from gateway.store.store import sqlite_path

        path = sqlite_path(store_url)
        for file in path.parent.glob(path.name + "*"):
            assert b"Erika" not in file.read_bytes()


def test_five_gateways_storing_one_input_give_five_equal_answers(store_url, keys, clock):
    """D2: the unique index decides, whoever came second reads the stored answer."""
    if store_url.startswith("sqlite"):
        pytest.skip("one process owns a SQLite store")
    stores = [open_store(store_url, keys, clock=clock) for _ in range(5)]
    barrier = threading.Barrier(5, timeout=60)
    identity = ("adt", "1", b"\x01" * 32)
    met = set()

    def job_of(index):
        def job(tx):
            found = tx.stored_answers([identity])
            if found:
                return found[identity].message_id
            if index not in met:  # all five have looked before the first one writes
                met.add(index)
                barrier.wait()
            (number,) = tx.reserve("message", 1)
            tx.add_messages([row(number)])
            return number

        return job

    futures = [s.writer.submit(job_of(index)) for index, s in enumerate(stores)]
    answers = {future.result(60) for future in futures}
    for opened in stores:
        opened.close()
    assert len(answers) == 1
