"""Retention and backups: what is past its time goes, what is needed stays."""

from __future__ import annotations

import json

import pytest

from gateway.domain.delivery import DeliveryState
from gateway.domain.message import Arrival, MessageState
from gateway.domain.region import Region
from gateway.domain.time import DAY, SECOND
from gateway.endpoints import format_of
from gateway.evidence import audit_event
from gateway.evidence.event_class import EventClass
from gateway.evidence.parts import Party
from gateway.evidence.verify import verify
from gateway.pipeline.ports import MessageRow, NewDelivery, NewVersion, Settled
from gateway.pipeline.site import Site
from gateway.store import backup, open_store, retention
from profiles.issue import Unavailable
from profiles.search import index_terms, parse_criteria

START = 1_750_000_000_000_000


@pytest.fixture
def site(keys):
    return Site.of(
        Region(),
        namespace="https://x.example",
        coder=keys.coder,
        observer=Party(value="gw"),
        build="test",
        format_of=format_of,
    )


def run(store, job):
    return store.writer.submit(job).result(60)


def discharge(store, keys, *, name, until, state=DeliveryState.QUEUED):
    """Store one message with a patient, a Condition and one delivery."""
    patient = {"resourceType": "Patient", "id": name, "name": [{"family": name}]}
    condition = {
        "resourceType": "Condition",
        "id": f"c-{name}",
        "subject": {"reference": f"Patient/{name}"},
    }

    def job(tx):
        (subject,) = tx.reserve("subject", 1)
        (message,) = tx.reserve("message", 1)
        numbers = tx.reserve("resource", 2)
        tx.add_subjects([subject], until)
        tx.add_versions(
            [
                NewVersion(
                    number,
                    resource["resourceType"],
                    resource["id"],
                    subject,
                    numbers[0],
                    "k",
                    1,
                    json.dumps(resource).encode(),
                    "",
                    "KIS",
                    message,
                    terms=keys.coder.encode(resource["resourceType"], index_terms(resource)),
                    retain_until=until,
                )
                for number, resource in zip(numbers, (patient, condition), strict=True)
            ]
        )
        tx.add_identifiers([(keys.coder.identifier_term("Patient", "pid", name), numbers[0])])
        came = Arrival(
            "adt", "k", name, "KIS", "hl7v2", b"MSH|" + name.encode(), keys.digest(name.encode()), 1
        )
        tx.add_messages(
            [
                MessageRow(
                    message,
                    came,
                    MessageState.ROUTED,
                    patient=numbers[0],
                    subject=subject,
                    targets=tuple((number, 1) for number in numbers),
                    retain_until=until,
                )
            ]
        )
        tx.set_kvnr([(keys.coder.identifier_term("KVNR", "", name), numbers[0])], [])
        tx.add_deliveries(
            [
                NewDelivery(
                    message,
                    "praxis",
                    "r",
                    "praxis",
                    numbers[0],
                    (numbers[0],),
                    subject,
                    state,
                    "",
                    name,
                    until,
                    b"{}",
                    until,
                )
            ]
        )
        return message

    return run(store, job)


def deliver(store):
    def job(tx):
        for delivery in tx.claim({"praxis": 10}, lease_until=tx.now + SECOND):
            tx.begin([(delivery, b"out", b"{}")])
            tx.settle(
                [Settled(delivery.id, delivery.fence, DeliveryState.DELIVERED, "AA", attempt=1)]
            )

    run(store, job)


def rows(store, table):
    with store.reader.view() as view:
        return view.db.query(f"SELECT count(*) FROM {table}")[0][0]


def test_what_is_past_its_time_goes_without_a_trace(store, keys, site):
    message = discharge(store, keys, name="erika", until=START + DAY)
    deliver(store)
    assert [one.id for one in store.reader.search(parse_criteria("Patient?family=erika"))] == [
        "erika"
    ]
    report = retention.run(store, site, now=START + 3 * DAY)
    assert (report.messages, report.resources, report.deliveries, report.keys) == (1, 2, 1, 1)
    assert store.reader.raw(message) == b""
    assert store.reader.resource("Patient", "erika") is None
    tables = (
        "message",
        "resource",
        "version",
        "delivery",
        "attempt",
        "data_key",
        "body",
        "patient_kvnr",
        "term",
        "string_term",
        "date_term",
        "lane",
        "index_pending",
    )
    assert {table: rows(store, table) for table in tables} == dict.fromkeys(tables, 0)


def test_what_is_not_past_its_time_stays(store, keys, site):
    message = discharge(store, keys, name="erika", until=START + 10 * DAY)
    deliver(store)
    assert retention.run(store, site, now=START + DAY) == retention.RetentionReport()
    assert store.reader.raw(message) == b"MSH|erika"


@pytest.mark.parametrize("state", [DeliveryState.QUEUED, DeliveryState.WAITING_FOR_CONSENT])
def test_undone_deliveries_keep_all_they_need(store, keys, site, state):
    message = discharge(store, keys, name="erika", until=START + DAY, state=state)
    retention.run(store, site, now=START + 3 * DAY)
    assert store.reader.raw(message) == b"MSH|erika"
    contents = run(store, lambda tx: tx.contents([message]))[message]
    assert [one.type for one in contents] == ["Patient", "Condition"]


def test_a_patient_stays_while_anything_of_it_stays(store, keys, site):
    discharge(store, keys, name="erika", until=START + DAY)
    deliver(store)
    patient = store.reader.resource("Patient", "erika").number

    def later(tx):
        (subject,) = tx.reserve("subject", 1)
        (number,) = tx.reserve("resource", 1)
        tx.add_subjects([subject], START + 30 * DAY)
        body = b'{"resourceType":"Encounter","id":"e"}'
        tx.add_versions(
            [
                NewVersion(
                    number,
                    "Encounter",
                    "e",
                    subject,
                    patient,
                    "k",
                    1,
                    body,
                    "",
                    "KIS",
                    99,
                    retain_until=START + 30 * DAY,
                )
            ]
        )

    run(store, later)
    retention.run(store, site, now=START + 3 * DAY)
    assert store.reader.resource("Patient", "erika") is not None
    assert store.reader.resource("Condition", "c-erika") is None
    assert store.reader.resource("Encounter", "e") is not None


def test_deleted_numbers_are_not_used_again(store_url, keys, clock, site):
    store = open_store(store_url, keys, clock=clock)
    message = discharge(store, keys, name="erika", until=START + DAY)
    deliver(store)
    retention.run(store, site, now=START + 3 * DAY)
    store.close()
    again = open_store(store_url, keys, clock=clock)
    assert run(again, lambda tx: tx.reserve("message", 1))[0] > message
    again.close()


def test_erased_events_leave_a_tombstone_that_verification_accepts(store, site):
    auditor = site.auditor

    def job(tx):
        for act in ("pause", "resume"):
            event = audit_event.administrative(
                auditor.stamp(tx.now), act=act, actor=Party(value="x")
            )
            tx.add_audit([auditor.row(EventClass.ADMINISTRATIVE, tx.now, event)])

    run(store, job)
    _numbered(store)
    report = retention.run(store, site, now=START + 20_000 * DAY)
    assert report.events == 2
    _numbered(store)
    with store.reader.evidence() as log:
        assert [finding.rule for finding in verify(log).findings] == []
        assert [opening.seq for opening in log.openings()] == [2]


def _numbered(store):
    import time

    for _ in range(3_000):
        if store.reader.counts().unnumbered == 0:
            return
        time.sleep(0.02)
    raise AssertionError("events wait for their numbers")


def test_a_backup_is_restored_and_proves_sound(store, store_url, keys, tmp_path, request):
    message = discharge(store, keys, name="erika", until=START + DAY)
    copy = backup.backup(store_url, tmp_path / "copy.gateway")
    with pytest.raises(Unavailable):
        backup.backup(store_url, copy)
    if not store_url.startswith("sqlite"):
        with pytest.raises(Unavailable):
            backup.restore(copy, store_url)
        return
    url = f"sqlite:///{tmp_path / 'new' / 'store.db'}"
    backup.restore(copy, url)
    found = backup.check(url, keys)
    assert found.sound
    assert (found.messages, found.opened) == (message, 1)


def test_a_backup_without_its_keys_is_unreadable(store, store_url, keys, tmp_path):
    from gateway.store.keys import make

    if not store_url.startswith("sqlite"):
        pytest.skip("the same bodies; one database is enough")
    discharge(store, keys, name="erika", until=START + DAY)
    backup.restore(backup.backup(store_url, tmp_path / "copy"), f"sqlite:///{tmp_path / 'b.db'}")
    with pytest.raises(Unavailable):
        backup.check(f"sqlite:///{tmp_path / 'b.db'}", make(b"x" * 32, b"r" * 32, b"i" * 32))
