"""AuditEvents over REST: for auditors the region's log, for everybody else nothing."""

from __future__ import annotations

import time

import pytest

PATIENT = {"resourceType": "Patient", "active": True}


@pytest.fixture
def log(serving):
    """Some reads of a patient by two organizations, numbered into the log."""
    created = serving.of("klinikum").post("/Patient", json=PATIENT)
    assert created.status_code == 201
    patient = created.headers["location"].split("/")[-3]
    for _ in range(3):
        serving.of("klinikum").get(f"/Patient/{patient}")
        serving.of("praxis").get(f"/Patient/{patient}")
    for _ in range(3_000):
        if serving.store.reader.counts().unnumbered == 0:
            return patient
        time.sleep(0.02)
    raise AssertionError("events wait for their numbers")


@pytest.fixture
def auditor(serving):
    return serving.of("pruefer")


def events(answer):
    assert answer.status_code == 200
    return [one["resource"] for one in answer.json().get("entry", ())]


def test_an_auditor_sees_who_read_what_newest_first(auditor, log):
    found = events(auditor.get("/AuditEvent", params={"entity": f"Patient/{log}"}))

    reads = [one for one in found if one["subtype"][0]["code"] == "read"]
    assert len(reads) == 6
    assert [one["recorded"] for one in found] == sorted(
        (one["recorded"] for one in found), reverse=True
    )
    callers = {one["agent"][0]["who"]["reference"] for one in reads}
    assert callers == {"Organization/klinikum", "Organization/praxis"}


def test_an_event_is_read_by_its_id(auditor, log):
    first = events(auditor.get("/AuditEvent"))[0]

    answer = auditor.get(f"/AuditEvent/{first['id']}")

    assert answer.status_code == 200
    assert answer.json() == first
    for unknown in ("1", f"{first['id'][:-4]}0000", "00000000-0000-4000-8000-000000000000"):
        assert auditor.get(f"/AuditEvent/{unknown}").status_code == 404


def test_pages_lead_through_all_of_it_once(auditor, log):
    before = [one["id"] for one in events(auditor.get("/AuditEvent?_sort=date"))]
    seen, url = [], "/AuditEvent?_sort=date&_count=2"
    while url and len(seen) < len(before):
        answer = auditor.get(url)
        seen += [one["id"] for one in events(answer)]
        links = {one["relation"]: one["url"] for one in answer.json()["link"]}
        url = links.get("next")

    assert seen[: len(before)] == before
    assert len(set(seen)) == len(seen)


def test_every_look_at_the_log_is_an_event_of_it(serving, auditor, log):
    auditor.get("/AuditEvent?entity=Patient/1")

    last = serving.store
    for _ in range(3_000):
        if last.reader.counts().unnumbered == 0:
            break
        time.sleep(0.02)
    looked = events(auditor.get("/AuditEvent?subtype=search"))
    assert looked
    assert looked[0]["agent"][0]["who"]["reference"] == "Organization/agentur"


def test_for_others_there_are_no_events(serving, auditor, log):
    known = events(auditor.get("/AuditEvent"))[0]["id"]
    other = serving.of("klinikum")

    assert events(other.get("/AuditEvent")) == []
    hidden, missing = other.get(f"/AuditEvent/{known}"), other.get("/AuditEvent/none")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.content == missing.content


def test_what_is_asked_badly_is_told(auditor, log):
    for query in ("_sort=agent", "_count=many", "date=yesterday", "_page=x", "colour=red"):
        answer = auditor.get(f"/AuditEvent?{query}")
        assert answer.status_code == 400, query
        assert answer.json()["resourceType"] == "OperationOutcome"


def test_an_auditor_reads_no_patient(auditor, log):
    assert auditor.get(f"/Patient/{log}").status_code == 403
    assert auditor.post("/AuditEvent", json={"resourceType": "AuditEvent"}).status_code in (
        403,
        405,
    )
