"""An erased person over REST: as if it had never been there."""

from __future__ import annotations

import pytest

from gateway.operations import erase
from gateway.operations.desk import Desk
from gateway.settings import Settings
from profiles.issue import NotConformant

SYSTEM = "https://klinikum.example/sid/pid"


@pytest.fixture
def desk(serving):
    return Desk(
        settings=Settings(), store=serving.store, site=serving.gateway.site, by="os-user:anna"
    )


def patient(client, value, name):
    resource = {
        "resourceType": "Patient",
        "identifier": [{"system": SYSTEM, "value": value}],
        "name": [{"family": name}],
    }
    answer = client.post("/Patient", json=resource)
    assert answer.status_code == 201
    return answer.headers["location"].split("/")[-3]


def observe(client, id_):
    resource = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "Blutdruck"},
        "subject": {"reference": f"Patient/{id_}"},
    }
    return client.post("/Observation", json=resource).headers["location"].split("/")[-3]


def order(id_, **more):
    return {"patient": id_, "legal_basis": "Art. 17 DSGVO", "ordered_by": "DSB", **more}


def found(client, query):
    return [one["resource"]["id"] for one in client.get(query).json().get("entry", ())]


def test_an_erased_person_is_answered_like_one_that_never_was(klinikum, desk):
    gone, stays = patient(klinikum, "1", "Gehend"), patient(klinikum, "2", "Bleibend")
    seen, kept = observe(klinikum, gone), observe(klinikum, stays)
    klinikum.put(f"/Patient/{gone}", json={"resourceType": "Patient", "id": gone, "active": True})

    protocol = erase.patient(desk, order(gone))

    assert protocol["patients"] == [f"Patient/{gone}"]
    missing = klinikum.get("/Patient/none")
    for path in (f"/Patient/{gone}", f"/Patient/{gone}/_history/1", f"/Observation/{seen}"):
        answer = klinikum.get(path)
        assert (answer.status_code, answer.content) == (404, missing.content)
    assert klinikum.get(f"/Patient/{gone}/_history").status_code == 404
    assert found(klinikum, f"/Patient?identifier={SYSTEM}|1") == []
    assert found(klinikum, "/Patient?family=gehend") == []
    assert found(klinikum, "/Observation") == [kept]
    assert found(klinikum, f"/Observation?subject=Patient/{gone}") == []
    assert found(klinikum, "/Patient") == [stays]
    again = patient(klinikum, "1", "Gehend")
    assert again != gone
    assert sorted(found(klinikum, "/Patient")) == sorted([stays, again])


def test_an_erasure_needs_a_basis_and_somebody_who_ordered_it(klinikum, desk):
    stays = patient(klinikum, "1", "Bleibend")

    for wrong in ({"legal_basis": ""}, {"ordered_by": " "}, {"patient": "nobody"}):
        with pytest.raises(NotConformant):
            erase.patient(desk, {**order(stays), **wrong})
    assert found(klinikum, "/Patient") == [stays]


def test_what_moved_to_another_person_stays_without_its_former_versions(klinikum, desk):
    gone, stays = patient(klinikum, "1", "Gehend"), patient(klinikum, "2", "Bleibend")
    moved = observe(klinikum, gone)
    body = klinikum.get(f"/Observation/{moved}").json()
    body["subject"] = {"reference": f"Patient/{stays}"}
    assert klinikum.put(f"/Observation/{moved}", json=body).status_code == 200

    erase.patient(desk, order(gone))

    assert klinikum.get(f"/Observation/{moved}").json()["subject"] == body["subject"]
    assert klinikum.get(f"/Observation/{moved}/_history/2").status_code == 200
    assert klinikum.get(f"/Observation/{moved}/_history/1").status_code == 404
    history = klinikum.get(f"/Observation/{moved}/_history").json()
    assert [one["resource"]["meta"]["versionId"] for one in history["entry"]] == ["2"]
