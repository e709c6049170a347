"""Scopes limit what is written, as they limit what is read (SMART App Launch 2.2)."""

from __future__ import annotations

import pytest

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


GROUP = {"resourceType": "Group", "type": "person", "actual": True}


def observation(category="laboratory", **more):
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": category}]}],
        "code": {"text": "x"},
        **more,
    }


@pytest.fixture
def laboratory(serving):
    """A client that writes results of the laboratory only."""
    return serving.of("labor")


def test_a_client_writes_what_its_scopes_cover(laboratory):
    created = laboratory.post("/Observation", json=observation())

    assert created.status_code == 201
    place = f"/Observation/{created.json()['id']}"
    body = observation(id=created.json()["id"], status="amended")
    assert laboratory.put(place, json=body).status_code == 200
    assert laboratory.delete(place).status_code == 204


def test_nothing_is_made_that_the_scopes_do_not_cover(laboratory, klinikum):
    assert laboratory.post("/Observation", json=observation("vital-signs")).status_code == 403
    assert laboratory.post("/Group", json=GROUP).status_code == 403
    created = laboratory.post("/Observation", json=observation()).json()
    moved = observation("vital-signs", id=created["id"])
    assert laboratory.put(f"/Observation/{created['id']}", json=moved).status_code == 403
    assert klinikum.get("/Group").json()["total"] == 0


def test_what_the_scopes_do_not_cover_is_as_if_it_did_not_exist(laboratory, klinikum):
    hidden = klinikum.post("/Observation", json=observation("vital-signs")).json()["id"]
    answers = [
        laboratory.put(f"/Observation/{name}", json=observation(id=name))
        for name in (hidden, "6f1c6b8e-nobody")
    ]

    assert [one.status_code for one in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert laboratory.delete(f"/Observation/{hidden}").status_code == 404
    assert klinikum.get(f"/Observation/{hidden}").status_code == 200


def test_a_transaction_needs_the_scope_of_each_entry(laboratory, klinikum):
    def send(*resources):
        entries = [
            {"resource": one, "request": {"method": "POST", "url": one["resourceType"]}}
            for one in resources
        ]
        sent = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        return laboratory.post("", json=sent)

    assert send(observation()).status_code == 200
    assert send(observation(), GROUP).status_code == 403
    assert send(observation(), observation("vital-signs")).status_code == 403
    assert klinikum.get("/Observation").json()["total"] == 1


def test_a_batch_needs_the_scope_of_each_entry(serving):
    entries = [
        {"request": {"method": "GET", "url": "Observation"}},
        {"resource": observation(), "request": {"method": "POST", "url": "Observation"}},
    ]
    sent = {"resourceType": "Bundle", "type": "batch", "entry": entries}

    answer = serving.of("leser").post("", json=sent).json()

    assert [one["response"]["status"][:3] for one in answer["entry"]] == ["200", "403"]


def test_a_condition_finds_nothing_beyond_the_scopes(laboratory, klinikum):
    number = [{"system": "https://klinikum.example/befunde", "value": "1"}]
    klinikum.post("/Observation", json=observation("vital-signs", identifier=number))

    condition = {"if-none-exist": "identifier=https://klinikum.example/befunde|1"}
    created = laboratory.post(
        "/Observation", json=observation(identifier=number), headers=condition
    )

    assert created.status_code == 201


def test_the_log_tells_which_client_it_was(serving, laboratory, klinikum):
    mine = laboratory.post("/Observation", json=observation()).json()["id"]
    laboratory.get(f"/Observation/{mine}")
    klinikum.get(f"/Observation/{mine}")
    agents = [one["agent"][0] for one in serving.events(least=3)]

    assert [one.get("altId", "") for one in agents] == ["labor", "labor", ""]
    assert {one["who"]["reference"] for one in agents} == {"Organization/klinikum"}
