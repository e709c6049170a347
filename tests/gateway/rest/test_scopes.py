"""A client with narrow scopes: what it may write, and what it learns while it does."""

from __future__ import annotations

import pytest

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def observation(category, **more):
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": category}]}],
        "code": {"text": "x"},
        **more,
    }


@pytest.fixture
def labor(serving):
    """The hospital's laboratory system: laboratory results and new patients, nothing else."""
    return serving.of("labor")


def created(client, resource):
    answer = client.post(f"/{resource['resourceType']}", json=resource)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"].split("/")[-3]


def test_it_writes_and_reads_what_its_scope_names(labor):
    mine = created(labor, observation("laboratory"))

    changed = observation("laboratory", id=mine, status="amended")
    assert labor.put(f"/Observation/{mine}", json=changed).status_code == 200
    assert labor.get(f"/Observation/{mine}").json()["status"] == "amended"
    assert labor.delete(f"/Observation/{mine}").status_code == 204


def test_it_writes_nothing_its_scope_does_not_name(labor):
    mine = created(labor, observation("laboratory"))

    assert labor.post("/Observation", json=observation("vital-signs")).status_code == 403
    moved = observation("vital-signs", id=mine)
    assert labor.put(f"/Observation/{mine}", json=moved).status_code == 403
    assert labor.post("/Condition", json={"resourceType": "Condition"}).status_code == 403
    assert labor.get(f"/Observation/{mine}").json()["meta"]["versionId"] == "1"


def test_what_its_scope_hides_is_missing_for_every_interaction(serving, labor):
    other = created(serving.of("klinikum"), observation("vital-signs"))
    body = observation("laboratory")

    for id_ in (other, "00000000-0000-4000-8000-000000000000"):
        answers = [
            labor.get(f"/Observation/{id_}"),
            labor.put(f"/Observation/{id_}", json={**body, "id": id_}),
            labor.delete(f"/Observation/{id_}"),
            labor.get(f"/Observation/{id_}/_history/1"),
        ]
        assert [one.status_code for one in answers] == [404, 404, 404, 404], id_
        assert len({one.content for one in answers}) == 1


def test_conditions_are_searches_and_need_their_scope(serving, labor):
    patient = {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": "1"}]}
    created(serving.of("klinikum"), patient)

    answer = labor.post("/Patient", json=patient, headers={"If-None-Exist": "identifier=urn:x|1"})

    assert answer.status_code == 403
    assert created(labor, patient)


def test_entries_have_the_scopes_of_their_caller(labor):
    def entry(method, url, resource):
        return {"resource": resource, "request": {"method": method, "url": url}}

    entries = [
        entry("POST", "Observation", observation("laboratory")),
        entry("POST", "Observation", observation("vital-signs")),
        {"request": {"method": "GET", "url": "Patient"}},
    ]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    batch = labor.post("", json=bundle).json()
    assert [one["response"]["status"][:3] for one in batch["entry"]] == ["201", "403", "403"]

    refused = labor.post("", json={**bundle, "type": "transaction", "entry": entries[:2]})
    assert refused.status_code == 403
    assert len(labor.get("/Observation").json()["entry"]) == 1
