"""Resources: versions, identifiers, packs, contents of messages."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.domain.message import Arrival, MessageState
from gateway.domain.time import DAY
from gateway.pipeline.ports import MessageRow, NewVersion
from gateway.store.seal import Envelope, Kind, pack, unpack

UNTIL = 30_000 * DAY


def run(store, job):
    return store.writer.submit(job).result(60)


def version(number, subject, body=b'{"resourceType":"Patient"}', **overrides):
    fields = {
        "type": "Patient",
        "id": f"id-{number}",
        "patient": number,
        "organization": "klinikum",
        "version": 1,
        "recency": "2025-06-10T10:00:00Z",
        "source": "KIS",
        "message_id": 1,
        "retain_until": UNTIL,
    }
    return NewVersion(number=number, subject=subject, body=body, **(fields | overrides))


def begin(tx, count=1):
    """Reserve a subject with its key and resource numbers."""
    (subject,) = tx.reserve("subject", 1)
    tx.add_subjects([subject], UNTIL)
    return subject, tx.reserve("resource", count)


def test_a_new_resource_is_found_by_type_and_id_and_by_number(store):
    def job(tx):
        subject, (number,) = begin(tx)
        tx.add_versions([version(number, subject, b'{"a":1.50}')])
        return number

    number = run(store, job)
    found = run(store, lambda tx: tx.current([("Patient", f"id-{number}"), ("Patient", "none")]))
    assert set(found) == {("Patient", f"id-{number}")}
    current = found["Patient", f"id-{number}"]
    assert (current.number, current.version, current.body) == (number, 1, b'{"a":1.50}')
    assert not current.deleted
    assert run(store, lambda tx: tx.current_by_number([number, 999]))[number] == current


def test_bodies_are_left_out_when_not_asked_for(store):
    def job(tx):
        subject, (number,) = begin(tx)
        tx.add_versions([version(number, subject)])
        return tx.current_by_number([number], bodies=False)[number].body

    assert run(store, job) == b""


def test_a_new_version_replaces_the_present_one_and_keeps_the_former(store):
    def job(tx):
        subject, (number,) = begin(tx)
        tx.add_versions([version(number, subject, b'{"v":1}')])
        tx.add_versions([version(number, subject, b'{"v":2}', version=2, message_id=2)])
        tx.add_versions(
            [
                version(number, subject, b'{"v":3}', version=3, message_id=3),
                version(number, subject, b'{"v":4}', version=4, message_id=4, deleted=True),
            ]
        )
        return number

    number = run(store, job)
    current = run(store, lambda tx: tx.current_by_number([number]))[number]
    assert (current.version, current.body, current.deleted) == (4, b'{"v":4}', True)
    with store.reader.view() as view:
        former = view.db.query("SELECT version, message FROM version ORDER BY version")
    assert former == [(1, 1), (2, 2), (3, 3)]


def test_identifiers_name_a_resource_and_the_first_one_wins(store):
    one, two = b"\x01" * 16, b"\x02" * 16
    run(store, lambda tx: tx.add_identifiers([(one, 11), (one, 12)]))
    run(store, lambda tx: tx.add_identifiers([(one, 13), (two, 14)]))
    found = run(store, lambda tx: tx.resources_by_identifier([one, two, b"\x03" * 16]))
    assert found == {one: 11, two: 14}


def test_identifiers_of_one_batch_see_each_other(store):
    term = b"\x05" * 16

    def job(tx):
        assert tx.resources_by_identifier([term]) == {}
        tx.add_identifiers([(term, 5)])
        return tx.resources_by_identifier([term])

    assert run(store, job) == {term: 5}


def test_a_message_gives_back_the_versions_it_speaks_of(store):
    def job(tx):
        subject, (one, two) = begin(tx, 2)
        tx.add_versions(
            [version(one, subject, b'{"v":1}'), version(two, subject, b'{"w":1}', id="w")]
        )
        (message,) = tx.reserve("message", 1)
        came = Arrival("adt", "klinikum", "1", "KIS", "hl7v2", b"MSH", b"\x01" * 32, 1)
        tx.add_messages(
            [
                MessageRow(
                    message,
                    came,
                    MessageState.ROUTED,
                    targets=((two, 1), (one, 1)),
                    retain_until=UNTIL,
                )
            ]
        )
        tx.add_versions([version(one, subject, b'{"v":2}', version=2, message_id=9)])
        return message, one, two

    message, one, two = run(store, job)
    contents = run(store, lambda tx: tx.contents([message]))[message]
    assert [(c.number, c.version, c.body) for c in contents] == [
        (two, 1, b'{"w":1}'),
        (one, 1, b'{"v":1}'),
    ]


def test_recency_moves_without_a_new_version(store):
    def job(tx):
        subject, (number,) = begin(tx)
        tx.add_versions([version(number, subject)])
        tx.set_recency([(number, "2025-07-01T00:00:00Z", "LIS")])
        return tx.current_by_number([number])[number]

    current = run(store, job)
    assert (current.version, current.recency, current.source) == (1, "2025-07-01T00:00:00Z", "LIS")


def test_a_patient_is_kept_as_long_as_what_belongs_to_it(store):
    def job(tx):
        subject, (patient, other) = begin(tx, 2)
        tx.add_versions([version(patient, subject)])
        late = version(other, subject, patient=patient, type="Encounter", retain_until=2 * UNTIL)
        tx.add_versions([late])
        return patient

    patient = run(store, job)
    with store.reader.view() as view:
        rows = view.db.query(
            "SELECT r.retain_until, b.retain_until, k.retain_until FROM resource r"
            " JOIN body b ON b.body = r.body JOIN data_key k ON k.subject = r.subject"
            " WHERE resource = ?",
            (patient,),
        )
    assert rows == [(2 * UNTIL, 2 * UNTIL, 2 * UNTIL)]


def test_a_destroyed_data_key_erases_what_was_sealed_with_it(store):
    def job(tx):
        subject, (number,) = begin(tx)
        tx.add_versions([version(number, subject)])
        return subject, number

    subject, number = run(store, job)
    run(store, lambda tx: tx.unit.db.execute("DELETE FROM data_key WHERE subject = ?", (subject,)))
    run(store, lambda tx: tx.unit.bodies.forget())
    assert run(store, lambda tx: tx.current_by_number([number]))[number].body == b""


def test_patients_are_linked_both_ways_and_transitively(store):
    def job(tx):
        tx.link([(1, 2, "linked", "kvnr", 7, "gateway"), (2, 3, "merged", "merge", 8, "gateway")])
        return tx.linked([1, 3, 9])

    assert run(store, job) == {1: (1, 2, 3), 3: (1, 2, 3), 9: (9,)}


def test_a_source_takes_away_only_its_own_link(store):
    def job(tx):
        tx.link([(1, 2, "linked", "kvnr", 7, "gateway"), (1, 2, "merged", "merge", 8, "gateway")])
        tx.link([(2, 1, "unlinked", "kvnr", 9, "gateway")])
        first = tx.linked([1])[1]
        tx.link([(1, 2, "unmerged", "merge", 10, "operator")])
        return first, tx.linked([1])[1], [event[3] for event in tx.link_events([2])]

    kinds = ["linked", "merged", "unlinked", "unmerged"]
    assert run(store, job) == ((1, 2), (1,), kinds)


def test_a_held_pair_stays_open_until_somebody_decides(store):
    def job(tx):
        tx.link([(1, 2, "held", "kvnr", 7, "gateway")])
        before = tx.open_identity_cases([1, 2, 3])
        tx.link([(1, 2, "resolved", "operator", 0, "anna")])
        return before, tx.open_identity_cases([1, 2, 3])

    assert run(store, job) == ({1}, set())


def test_a_kvnr_proposes_patients_until_it_is_taken_back(store):
    term = b"\x09" * 16

    def job(tx):
        tx.set_kvnr([(term, 2), (term, 1), (term, 2)], [])
        before = tx.patients_by_kvnr([term])
        tx.set_kvnr([], [(term, 1)])
        return before, tx.patients_by_kvnr([term])

    assert run(store, job) == ({term: [1, 2]}, {term: [2]})


@pytest.mark.parametrize(
    "body",
    [b'{"resourceType":"Consent"}', b'{"resourceType":"Consent","meta":{"profile":["x"]}}'],
)
def test_consents_carry_their_version(store, body):
    import json

    def job(tx):
        subject, (patient, number) = begin(tx, 2)
        tx.add_versions(
            [
                version(patient, subject),
                version(number, subject, body, type="Consent", patient=patient),
            ]
        )
        tx.add_patient_consents([(patient, number)])
        return patient, tx.consents([patient, 999])

    patient, found = run(store, job)
    assert set(found) == {patient}
    (consent,) = map(json.loads, found[patient])
    assert consent["meta"]["versionId"] == "1"
    assert consent["meta"].get("profile", ["x"]) == ["x"]


@given(parts=st.lists(st.binary(max_size=300), max_size=20))
def test_packs_give_back_their_parts(parts):
    assert unpack(pack(parts)) == parts


@given(data=st.binary(max_size=2_000), flip=st.integers(min_value=0))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_an_envelope_opens_only_unaltered_and_in_its_own_row(data, flip):
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from gateway.store.seal import BodyUnreadable

    envelope, key = Envelope("0badcafe"), AESGCM(b"k" * 32)
    sealed = envelope.seal(key, Kind.MESSAGE, 3, 4, data)
    assert envelope.open(key, Kind.MESSAGE, 3, 4, sealed) == data
    altered = bytearray(sealed)
    altered[flip % len(sealed)] ^= 1
    for kind, subject, body, content in (
        (Kind.MESSAGE, 3, 4, bytes(altered)),
        (Kind.ANSWER, 3, 4, sealed),
        (Kind.MESSAGE, 2, 4, sealed),
        (Kind.MESSAGE, 3, 5, sealed),
    ):
        with pytest.raises(BodyUnreadable):
            envelope.open(key, kind, subject, body, content)
