"""Transactions and batches over HTTP and a real store."""

from __future__ import annotations

import pytest

A = "urn:uuid:6f1c6b8e-0000-4000-8000-00000000000a"
B = "urn:uuid:6f1c6b8e-0000-4000-8000-00000000000b"
SYSTEM = "https://klinikum.example/patienten"


SUBSCRIPTION = {
    "resourceType": "Subscription",
    "status": "requested",
    "reason": "x",
    "criteria": "Observation?code=x",
    "channel": {"type": "websocket"},
}


def bundle(*entries, kind="transaction"):
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def entry(method, url, resource=None, full_url="", **request):
    made = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        made["resource"] = resource
    if full_url:
        made["fullUrl"] = full_url
    return made


def patient(number="1", **more):
    return {
        "resourceType": "Patient",
        "identifier": [{"system": SYSTEM, "value": number}],
        **more,
    }


def observation(subject, **more):
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "weight"},
        "subject": {"reference": subject},
        **more,
    }


def count(client, type_):
    return client.get(f"/{type_}").json()["total"]


def ids(answer):
    return [one["response"]["location"].split("/")[1] for one in answer.json()["entry"]]


def test_entries_refer_to_each_other_whatever_their_order(klinikum):
    link = f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{A}">whose</a></div>'
    weight = observation(
        A,
        hasMember=[{"reference": B}],
        text={"status": "generated", "div": link},
        extension=[{"url": "https://example.org/same", "valueUri": A}],
    )
    sent = bundle(
        entry("POST", "Observation", weight),
        entry("POST", "Observation", observation(A), B),
        entry("POST", "Patient", patient(), A),
    )

    answer = klinikum.post("", json=sent)

    assert answer.status_code == 200, answer.text
    assert answer.json()["type"] == "transaction-response"
    assert [one["response"]["status"] for one in answer.json()["entry"]] == ["201 Created"] * 3
    first, second, whose = ids(answer)
    stored = klinikum.get(f"/Observation/{first}").json()
    assert stored["subject"]["reference"] == f"Patient/{whose}"
    assert stored["hasMember"][0]["reference"] == f"Observation/{second}"
    assert stored["extension"][0]["valueUri"] == f"Patient/{whose}"
    assert f'href="Patient/{whose}"' in stored["text"]["div"]
    found = klinikum.get("/Observation", params={"patient": whose}).json()
    assert found["total"] == 2


def test_restful_full_urls_are_followed_too(klinikum):
    sent = bundle(
        entry("POST", "Patient", patient(), "http://other.example/fhir/Patient/17"),
        entry(
            "POST",
            "Observation",
            observation("Patient/17"),
            "http://other.example/fhir/Observation/18",
        ),
    )

    whose, measured = ids(klinikum.post("", json=sent))

    stored = klinikum.get(f"/Observation/{measured}").json()
    assert stored["subject"]["reference"] == f"Patient/{whose}"


def test_all_methods_are_performed_in_their_order(klinikum):
    old = klinikum.post("/Patient", json=patient("old")).json()["id"]
    kept = klinikum.post("/Patient", json=patient("kept")).json()["id"]
    sent = bundle(
        entry("GET", f"Patient/{kept}"),
        entry("PUT", f"Patient/{kept}", patient("kept", id=kept, gender="female")),
        entry("POST", "Patient", patient("new"), A),
        entry("DELETE", f"Patient/{old}"),
        entry("GET", "Patient?identifier=new"),
    )

    answer = klinikum.post("", json=sent).json()

    got, put, posted, deleted, searched = answer["entry"]
    assert got["resource"]["gender"] == "female"
    assert put["response"]["etag"] == 'W/"2"'
    assert posted["response"]["status"] == "201 Created"
    assert deleted["response"]["status"] == "204 No Content"
    assert searched["resource"]["total"] == 1
    assert klinikum.get(f"/Patient/{old}").status_code == 410


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        (entry("PUT", "Patient/nobody", patient(id="nobody")), 404),
        (entry("DELETE", "Patient/nobody"), 404),
        (entry("POST", "Patient", patient(gender="woman")), 422),
        (entry("POST", "AuditEvent", patient()), 400),
        (entry("POST", "Subscription", SUBSCRIPTION), 405),
        (entry("POST", "../admin", patient()), 400),
        (entry("POST", "http://other.example/Patient", patient()), 400),
        (entry("GET", "/admin"), 400),
        (entry("GET", "../health/ready"), 400),
        (entry("POST", "Observation", patient()), 400),
        (entry("POST", "Patient", patient(), A), 400),
        (entry("POST", "Patient"), 400),
        (entry("PUT", "Patient", patient()), 400),
        (entry("POST", "Observation", observation("Patient?identifier=nobody")), 412),
        (entry("POST", "Consent", {"resourceType": "Consent"}), 422),
    ],
)
def test_one_bad_entry_leaves_nothing_behind(klinikum, bad, status):
    sent = bundle(entry("POST", "Patient", patient(), A), bad)

    answer = klinikum.post("", json=sent)

    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert count(klinikum, "Patient") == 0
    assert count(klinikum, "Provenance") == 0


def test_a_condition_finds_or_makes(klinikum):
    sent = bundle(
        entry("POST", "Patient", patient(), A, ifNoneExist=f"identifier={SYSTEM}|1"),
        entry("POST", "Observation", observation(A)),
    )

    first = klinikum.post("", json=sent).json()["entry"]
    second = klinikum.post("", json=sent).json()["entry"]

    assert first[0]["response"]["status"] == "201 Created"
    assert second[0]["response"]["status"] == "200 OK"
    whose = first[0]["response"]["location"].split("/")[1]
    assert second[0]["response"]["location"].split("/")[1] == whose
    assert klinikum.get("/Observation", params={"subject": whose}).json()["total"] == 2


def test_conditional_updates_deletes_and_references_find_what_the_caller_keeps(klinikum):
    whose = klinikum.post("/Patient", json=patient()).json()["id"]
    klinikum.post("/Patient", json=patient("2"))
    one = f"Patient?identifier={SYSTEM}|1"
    sent = bundle(
        entry("PUT", one, patient(gender="female")),
        entry("DELETE", f"Patient?identifier={SYSTEM}|2"),
        entry("POST", "Observation", observation(one)),
        entry("PUT", f"Patient?identifier={SYSTEM}|3", patient("3"), A),
    )

    answer = klinikum.post("", json=sent)

    assert answer.status_code == 200, answer.text
    statuses = [one["response"]["status"][:3] for one in answer.json()["entry"]]
    assert statuses == ["200", "204", "201", "201"]
    assert klinikum.get(f"/Patient/{whose}").json()["gender"] == "female"
    assert klinikum.get("/Observation", params={"patient": whose}).json()["total"] == 1
    assert count(klinikum, "Patient") == 2


def test_two_entries_that_find_the_same_resource_are_refused(klinikum):
    klinikum.post("/Patient", json=patient())
    one = f"Patient?identifier={SYSTEM}|1"
    sent = bundle(
        entry("PUT", one, patient(gender="female")),
        entry("PUT", f"{one}&active:not=false", patient(gender="male")),
    )

    assert klinikum.post("", json=sent).status_code == 400


def test_prefer_representation_brings_the_resources(klinikum):
    sent = bundle(entry("POST", "Patient", patient(), A))

    plain = klinikum.post("", json=sent).json()["entry"][0]
    whole = klinikum.post("", json=sent, headers={"prefer": "return=representation"}).json()

    assert "resource" not in plain
    assert whole["entry"][0]["resource"]["meta"]["versionId"] == "1"


def test_a_callers_own_provenance_takes_the_place_of_ours(klinikum):
    proof = {
        "resourceType": "Provenance",
        "target": [{"reference": A}],
        "recorded": "2026-11-22T10:00:00Z",
        "agent": [{"who": {"reference": "Organization/klinikum"}}],
    }
    sent = bundle(entry("POST", "Provenance", proof), entry("POST", "Patient", patient(), A))

    assert klinikum.post("", json=sent).status_code == 200

    proofs = klinikum.get("/Provenance").json()
    assert proofs["total"] == 1
    assert proofs["entry"][0]["resource"]["recorded"] == "2026-11-22T10:00:00Z"


def test_a_callers_own_provenance_speaks_of_what_a_condition_finds_too(klinikum):
    klinikum.post("/Patient", json=patient())
    proof = {
        "resourceType": "Provenance",
        "target": [{"reference": A}],
        "recorded": "2026-11-22T10:00:00Z",
        "agent": [{"who": {"reference": "Organization/klinikum"}}],
    }
    changed = entry("PUT", f"Patient?identifier={SYSTEM}|1", patient(gender="female"), A)

    answer = klinikum.post("", json=bundle(changed, entry("POST", "Provenance", proof)))

    assert answer.status_code == 200, answer.text
    proofs = [one["resource"] for one in klinikum.get("/Provenance").json()["entry"]]
    assert sorted("activity" in one for one in proofs) == [False, True]


def test_entries_of_a_batch_stand_or_fall_by_themselves(klinikum):
    kept, old = (klinikum.post("/Patient", json=patient()).json()["id"] for _ in range(2))
    sent = bundle(
        entry("POST", "Patient", patient("2")),
        entry("POST", "Patient", patient(gender="woman")),
        entry("GET", f"Patient/{kept}"),
        entry("GET", "Patient/nobody"),
        entry("GET", "metadata"),
        entry("GET", "Patient?identifier=2"),
        entry("PUT", f"Patient/{kept}", patient(id=kept), ifMatch='W/"7"'),
        entry("DELETE", f"Patient/{old}"),
        entry("GET", "nothing/at/all/here/x/y"),
        kind="batch",
    )

    answer = klinikum.post("", json=sent).json()

    assert answer["type"] == "batch-response"
    statuses = [one["response"]["status"][:3] for one in answer["entry"]]
    assert statuses == ["201", "422", "200", "404", "200", "200", "412", "204", "404"]
    failed = answer["entry"][1]["response"]["outcome"]
    assert failed["resourceType"] == "OperationOutcome"


def test_a_batch_gives_no_more_than_its_caller_has(serving):
    hidden = serving.of("klinikum").post("/Patient", json=patient()).json()["id"]
    sent = bundle(
        entry("GET", f"Patient/{hidden}"), entry("DELETE", f"Patient/{hidden}"), kind="batch"
    )

    answer = serving.of("agentur").post("", json=sent).json()

    assert [one["response"]["status"][:3] for one in answer["entry"]] == ["404", "404"]


def test_a_batch_holds_no_batch(klinikum):
    sent = bundle(entry("POST", "", bundle(kind="batch")), kind="batch")

    assert klinikum.post("", json=sent).status_code == 400


@pytest.mark.parametrize("kind", ["collection", "document", ""])
def test_only_batches_and_transactions_are_performed(klinikum, kind):
    assert klinikum.post("", json=bundle(kind=kind)).status_code == 400


def test_an_empty_transaction_is_answered_by_an_empty_one(klinikum):
    answer = klinikum.post("", json={"resourceType": "Bundle", "type": "transaction"})

    assert answer.json() == {"resourceType": "Bundle", "type": "transaction-response"}
