"""Search through the trailing index; hits are confirmed on the resource."""

from __future__ import annotations

import json

import pytest

from gateway.domain.time import DAY
from gateway.pipeline.ports import NewVersion
from gateway.store import open_store, trail
from gateway.store.index_terms import decode
from profiles.search import Criteria, index_terms, parse_criteria

UNTIL = 30_000 * DAY

PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [{"system": "https://klinikum.example/pid", "value": "4711"}],
    "name": [{"family": "Müller-Lüdenscheidt-Hohenzollern", "given": ["Erika"]}],
    "birthDate": "1980-05-17",
    "gender": "female",
}
OBSERVATION = {
    "resourceType": "Observation",
    "id": "o1",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
    "subject": {"reference": "Patient/p1"},
    "effectiveDateTime": "2025-06-10T10:15:00+02:00",
    "valueQuantity": {
        "value": 13.5,
        "unit": "g/dL",
        "system": "http://unitsofmeasure.org",
        "code": "g/dL",
    },
}


def run(store, job):
    return store.writer.submit(job).result(60)


def put(store, keys, *resources, version=1, number=0):
    def job(tx):
        (subject,) = tx.reserve("subject", 1)
        tx.add_subjects([subject], UNTIL)
        numbers = [number] if number else tx.reserve("resource", len(resources))
        tx.add_versions(
            [
                NewVersion(
                    each,
                    resource["resourceType"],
                    resource["id"],
                    subject,
                    0,
                    "klinikum",
                    version,
                    json.dumps(resource).encode(),
                    "",
                    "KIS",
                    1,
                    terms=keys.coder.encode(resource["resourceType"], index_terms(resource)),
                    retain_until=UNTIL,
                )
                for each, resource in zip(numbers, resources, strict=True)
            ]
        )
        return numbers

    return run(store, job)


def hits(store, query, **page):
    return [one.id for one in store.reader.search(parse_criteria(query), **page)]


@pytest.mark.parametrize(
    "query",
    [
        "Patient",
        "Patient?identifier=4711",
        "Patient?identifier=https://klinikum.example/pid|4711",
        "Patient?identifier=https://klinikum.example/pid|",
        "Patient?family=muller",
        "Patient?family=Müller-Lüdenscheidt-Hohenz",
        "Patient?family:exact=Müller-Lüdenscheidt-Hohenzollern",
        "Patient?family:contains=hohen",
        "Patient?birthdate=1980",
        "Patient?birthdate=gt1980-01-01&gender=female",
        "Patient?gender=male,female",
        "Patient?death-date:missing=true",
        "Patient?gender:not=male",
    ],
)
def test_a_patient_is_found(store, keys, query):
    other = {"resourceType": "Patient", "id": "p2", "gender": "male", "birthDate": "1990-01-01"}
    put(store, keys, PATIENT, other | {"deceasedDateTime": "2020-01-01"})
    found = hits(store, query)
    assert "p1" in found
    assert found in (["p1", "p2"], ["p1"])


@pytest.mark.parametrize(
    "query",
    [
        "Observation?code=http://loinc.org|718-7",
        "Observation?subject=Patient/p1",
        "Observation?date=2025-06-10",
        "Observation?date=ge2025-06-10&date=lt2025-06-11",
        "Observation?value-quantity=13.5",
        "Observation?value-quantity=gt13",
        "Observation?value-quantity=le13.5|http://unitsofmeasure.org|g/dL",
        "Observation?code=718-7&subject=Patient/p1&status=final",
        "Observation?code-value-quantity=http://loinc.org|718-7$gt13",
    ],
)
def test_an_observation_is_found(store, keys, query):
    put(store, keys, PATIENT, OBSERVATION)
    assert hits(store, query) == ["o1"]


@pytest.mark.parametrize(
    "query",
    [
        "Patient?identifier=https://elsewhere.example|4711",
        "Patient?family=meier",
        "Patient?birthdate=1981",
        "Observation?value-quantity=lt13",
        "Observation?code-value-quantity=718-7$lt13",
        "Location?near=51.8|10.8",
        "Observation?date=gt2025-06-11",
        "Encounter",
    ],
)
def test_what_does_not_match_is_not_found(store, keys, query):
    put(store, keys, PATIENT, OBSERVATION)
    assert hits(store, query) == []


def test_search_finds_everything_committed_before_it(store, keys):
    for number in range(30):
        put(store, keys, PATIENT | {"id": f"p{number}"})
        assert len(hits(store, "Patient?identifier=4711")) == number + 1


def test_pages_go_on_where_the_last_one_ended(store, keys):
    numbers = put(store, keys, *[PATIENT | {"id": f"p{n}"} for n in range(10)])
    assert hits(store, "Patient?gender=female", limit=4) == ["p0", "p1", "p2", "p3"]
    assert hits(store, "Patient?gender=female", after=numbers[7]) == ["p8", "p9"]


def test_a_changed_resource_is_found_by_its_present_content_only(store, keys):
    (number,) = put(store, keys, PATIENT)
    put(store, keys, PATIENT | {"gender": "male"}, version=2, number=number)
    assert hits(store, "Patient?gender=female") == []
    assert hits(store, "Patient?gender=male") == ["p1"]


def test_hits_cross_segments(store, keys, monkeypatch):
    (first,) = put(store, keys, PATIENT)
    far = first + (3 << trail.SEGMENT_BITS)
    run(store, lambda tx: _place(tx, keys, far))
    assert hits(store, "Patient?identifier=4711") == ["p1", "far"]


def _place(tx, keys, number):
    (subject,) = tx.reserve("subject", 1)
    tx.add_subjects([subject], UNTIL)
    resource = PATIENT | {"id": "far"}
    terms = keys.coder.encode("Patient", index_terms(resource))
    body = json.dumps(resource).encode()
    version = NewVersion(number, "Patient", "far", subject, 0, "k", 1, body, "", "KIS", 1)
    tx.add_versions([version._replace(terms=terms, retain_until=UNTIL)])


def test_what_was_pending_at_a_crash_is_indexed_by_the_next_process(store_url, keys, clock):
    store = open_store(store_url, keys, clock=clock)
    put(store, keys, PATIENT)
    store.close()
    beside = open_store(store_url, keys, clock=clock)
    assert hits(beside, "Patient?identifier=4711") == ["p1"]
    beside.close()


def test_terms_hold_no_readable_value_except_beginnings_of_strings(keys):
    data = keys.coder.encode("Patient", index_terms(PATIENT))
    assert b"4711" not in data
    assert b"hohenzollern" not in data.lower()
    prefixes = {prefix for _, prefix in decode(data).prefixes}
    assert all(len(prefix) <= 16 for prefix in prefixes)
    assert "erika" in prefixes


def test_a_resource_is_read_by_type_id_and_version(store, keys):
    (number,) = put(store, keys, PATIENT)
    put(store, keys, PATIENT | {"gender": "male"}, version=2, number=number)
    present = store.reader.resource("Patient", "p1")
    former = store.reader.resource("Patient", "p1", 1)
    assert json.loads(present.body)["gender"] == "male"
    assert (present.version, former.version) == (2, 1)
    assert json.loads(former.body)["gender"] == "female"
    assert store.reader.resource("Patient", "p1", 3) is None
    assert store.reader.resource("Patient", "p9") is None


def test_another_process_finds_resources_before_their_terms_are_merged(store, store_url, keys):
    put(store, keys, PATIENT)
    beside = open_store(store_url, keys, read_only=True)
    assert beside.reader.resource("Patient", "p1").id == "p1"
    beside.close()


def test_every_criterion_of_the_type_alone_lists_the_type(store, keys):
    put(store, keys, PATIENT, OBSERVATION)
    assert [one.type for one in store.reader.search(Criteria("Observation"))] == ["Observation"]


@pytest.mark.parametrize("marked", [True, False], ids=["marked", "of an earlier build"])
def test_search_tables_follow_after_a_restart_that_found_nothing_pending(
    store, store_url, keys, clock, marked
):
    put(store, keys, PATIENT)
    run(store, lambda tx: trail.catch_up(tx.unit))
    if not marked:
        run(store, lambda tx: tx.unit.db.execute("DELETE FROM meta WHERE key = 'number.pending'"))
    store.close()

    again = open_store(store_url, keys, clock=clock)
    try:
        for number in range(2, 5):
            put(again, keys, PATIENT | {"id": f"p{number}"})
            run(again, lambda tx: trail.catch_up(tx.unit))
        assert hits(again, "Patient?gender=female") == ["p1", "p2", "p3", "p4"]
    finally:
        again.close()
