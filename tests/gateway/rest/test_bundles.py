"""Bundles another server is tested with: the names of the files say what is to come of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = (
    Path(os.environ.get("GATEWAY_SAMPLES", Path(__file__).parents[4] / "shared" / "samples"))
    / "fhir-ms-server-samples"
)
HEADERS = {"content-type": "application/fhir+json"}

#: What is no R4 in Bundles that are about something else: an empty system, a series without
#: modality, an instance without its class.
MENDED = {
    b'"system": "",': b"",
    b'"instance": [': b'"modality": {"code": "CT"}, "instance": [',
    b'"uid": "1.2.276.0.50.192168001099.7810872.14547392.467"': (
        b'"uid": "1.2.276.0.50.192168001099.7810872.14547392.467", "number": 1,'
        b' "sopClass": {"code": "urn:oid:1.2.840.10008.5.1.4.1.1.2"}'
    ),
}

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="GATEWAY_SAMPLES not found")


@pytest.fixture
def client(serve):
    """A client of a region where callers choose ids; what is sent is not all of R4."""
    return serve(create_on_update=True, validation="none").of("klinikum")


def send(client, name):
    body = (FOLDER / f"Bundle-{name}.json").read_bytes()
    for wrong, right in MENDED.items():
        body = body.replace(wrong, right)
    return client.post("", content=body, headers=HEADERS)


def statuses(answer):
    return [entry["response"]["status"][:3] for entry in answer.json()["entry"]]


@pytest.mark.parametrize(
    "name",
    [
        "InvalidBundleType",
        "TypeMissing",
        "TransactionWithInvalidBundleEntry",
        "TransactionWithInvalidProcessingRoutes",
        "TransactionWithInvalidResourceType",
    ],
)
def test_what_is_invalid_is_refused_and_leaves_nothing(client, name):
    answer = send(client, name)

    assert 400 <= answer.status_code < 500
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert client.get("/_history").json()["total"] == 0


def test_a_transaction_with_all_valid_routes_is_performed(client):
    answer = send(client, "TransactionWithAllValidRoutes")

    assert answer.status_code == 200, answer.text
    assert statuses(answer) == ["201", "201", "201", "201", "200", "200"]


def test_a_transaction_that_deletes_what_is_not_there_is_rolled_back(client):
    answer = send(client, "TransactionForRollBackWithDelete")

    assert 400 <= answer.status_code < 500
    for place in ("/Patient/patient-rollback-1", "/Observation/observation-rollback-1"):
        assert client.get(place).status_code == 404


def test_a_conditional_create_is_referred_to_whether_it_makes_or_finds(client):
    first = send(client, "TransactionWithConditionalCreateAndReference")
    second = send(client, "TransactionWithConditionalCreateAndReference")

    assert (statuses(first), statuses(second)) == (["201", "201"], ["200", "201"])
    whose = first.json()["entry"][0]["response"]["location"].split("/")[1]
    studies = client.get("/ImagingStudy").json()["entry"]
    subjects = {one["resource"]["subject"]["reference"] for one in studies}
    assert subjects == {f"Patient/{whose}"}
    assert len(studies) == 2


def test_the_entries_of_a_batch_are_answered_one_by_one(client):
    answer = send(client, "Batch")

    assert answer.status_code == 200
    found = statuses(answer)
    assert found[:2] == ["201", "201"]
    assert found[2:5] == ["201", "201", "412"]
    assert found[5:7] == ["404", "204"]
    assert found[8:] == ["200", "404"]


def test_a_batch_of_conditional_updates_makes_then_finds(client):
    first = send(client, "BatchWithConditionalUpdateByIdentifier")
    second = send(client, "BatchWithConditionalUpdateByIdentifier")

    assert statuses(first) == ["201"] * 4
    assert statuses(second) == ["200"] * 4
    assert client.get("/Patient").json()["total"] == 4


def test_duplicated_entries_of_a_batch_do_not_hinder_the_others(client):
    answer = send(client, "BatchWithDuplicatedItems")

    assert answer.status_code == 200
    assert len(answer.json()["entry"]) == 9
    assert statuses(answer)[0] == "201"
