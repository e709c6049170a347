"""Audit events, the sequencer, and the log as verify reads it."""

from __future__ import annotations

import time
from base64 import b64encode

import orjson

from gateway.domain.time import DAY
from gateway.evidence import verify
from gateway.evidence.event_class import EventClass
from gateway.evidence.leaf import commit
from gateway.pipeline.ports import AuditRow
from gateway.store import open_store
from gateway.store.unit import unit_of

UNTIL = 30_000 * DAY


def event(number):
    return {
        "resourceType": "AuditEvent",
        "type": {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "110107"},
        "outcomeDesc": str(number),
    }


def audit_row(number, event_class, at=1_000):
    salt = number.to_bytes(32, "big")
    content = orjson.dumps({"salt": b64encode(salt).decode(), "event": event(number)})
    return AuditRow(event_class, at, commit(event(number), salt), content, UNTIL)


def some_class():
    return next(iter(EventClass)).value


def add(store, numbers):
    rows = [audit_row(number, some_class()) for number in numbers]
    store.writer.submit(lambda tx: tx.add_audit(rows)).result(60)


def settle(store):
    """Wait until the sequencer has numbered everything."""
    for _ in range(3_000):
        if store.reader.counts().unnumbered == 0:
            return
        time.sleep(0.02)
    raise AssertionError("events wait for their numbers")


def test_events_get_numbers_without_gaps_soon(store):
    add(store, range(5))
    settle(store)
    add(store, range(5, 130))
    settle(store)
    with store.reader.evidence() as log:
        assert len(list(log.leaves())) == 130
        assert [opening.seq for opening in log.openings()] == list(range(130))
        assert [opening.event for opening in log.openings()] == [event(n) for n in range(130)]
        assert list(log.heads())[-1].size == 130
        assert log.waiting() == []
    assert store.reader.counts().leaves == 130


def test_two_gateways_number_into_one_log(store, store_url, keys, clock):
    others = []
    if not store_url.startswith("sqlite"):
        others = [open_store(store_url, keys, clock=clock) for _ in range(2)]
    for index, opened in enumerate([store, *others]):
        add(opened, range(index * 40, index * 40 + 40))
    settle(store)
    for opened in others:
        opened.close()
    with store.reader.evidence() as log:
        heads = list(log.heads())
        assert len(list(log.leaves())) == heads[-1].size == 40 * (1 + len(others))


def test_what_waited_at_a_crash_is_numbered_by_the_next_process(store_url, keys, clock):
    store = open_store(store_url, keys, clock=clock)
    add(store, range(3))
    store.close()
    again = open_store(store_url, keys, clock=clock)
    settle(again)
    with again.reader.evidence() as log:
        assert len(list(log.leaves())) == 3
    again.close()


def test_verification_recomputes_the_log_and_notices_an_altered_leaf(store):
    add(store, range(20))
    settle(store)
    with store.reader.evidence() as log:
        before = verify.verify(log)
    changed = b'{"altered":true}'
    store.writer.submit(
        lambda tx: unit_of(tx).db.execute("UPDATE leaf SET data = ? WHERE seq = 7", (changed,))
    ).result(60)
    with store.reader.evidence() as log:
        after = verify.verify(log)
    assert len(after.findings) > len(before.findings)
