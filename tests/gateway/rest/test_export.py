"""Bulk Data Export: kick-off, manifest, files, and who may have what."""

from __future__ import annotations

import json

import pytest

ASYNC = {"Prefer": "respond-async", "Accept": "application/fhir+json"}


def patient(name):
    return {"resourceType": "Patient", "name": [{"family": name}]}


def observation(id_, status="final"):
    return {
        "resourceType": "Observation",
        "status": status,
        "code": {"text": "x"},
        "subject": {"reference": f"Patient/{id_}"},
    }


def created(client, resource):
    answer = client.post(f"/{resource['resourceType']}", json=resource)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"] if answer.content else answer.headers["location"].split("/")[-3]


@pytest.fixture
def stored(serving):
    """Two patients of the hospital with results, one of the practice, and a place of nobody's."""
    klinikum, praxis = serving.of("klinikum"), serving.of("praxis")
    first, second = (created(klinikum, patient(name)) for name in ("Ost", "West"))
    for _ in range(3):
        created(klinikum, observation(first))
    created(klinikum, observation(second, "preliminary"))
    created(klinikum, {"resourceType": "Location", "name": "Station 1"})
    created(praxis, patient("Nord"))
    return first, second


def begin(client, path="/$export", **more):
    answer = client.get(path, headers=ASYNC, **more)
    assert answer.status_code == 202, answer.text
    return answer.headers["content-location"]


def manifest(client, url):
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.json()


def files(client, url):
    found = {}
    for one in manifest(client, url)["output"]:
        answer = client.get(one["url"])
        assert answer.headers["content-type"].startswith("application/fhir+ndjson")
        found[one["type"]] = [json.loads(line) for line in answer.text.splitlines()]
    return found


def test_everything_a_caller_may_see_is_exported_and_nothing_else(serving, stored):
    first, second = stored
    client = serving.of("klinikum")

    found = files(client, begin(client))

    assert {one["id"] for one in found["Patient"]} == {first, second}
    assert len(found["Observation"]) == 4
    assert len(found["Location"]) == 1
    assert all(one["meta"]["versionId"] == "1" for one in found["Patient"])


def test_what_belongs_to_patients_is_exported_alone(serving, stored):
    first, _ = stored
    client = serving.of("klinikum")

    found = files(client, begin(client, "/Patient/$export"))
    one = files(client, begin(client, "/Patient/$export", params={"patient": f"Patient/{first}"}))

    assert "Location" not in found
    assert len(found["Observation"]) == 4
    assert [each["id"] for each in one["Patient"]] == [first]
    assert len(one["Observation"]) == 3


def test_a_group_names_the_patients(serving, stored):
    _, second = stored
    client = serving.of("klinikum")
    group = {
        "resourceType": "Group",
        "type": "person",
        "actual": True,
        "member": [{"entity": {"reference": f"Patient/{second}"}}],
    }
    some = created(client, group)
    empty = {name: value for name, value in group.items() if name != "member"}
    nobody = created(client, {**empty, "quantity": 0})

    found = files(client, begin(client, f"/Group/{some}/$export"))

    assert [one["id"] for one in found["Patient"]] == [second]
    assert len(found["Observation"]) == 1
    assert files(client, begin(client, f"/Group/{nobody}/$export")) == {}
    assert client.get("/Group/none/$export", headers=ASYNC).status_code == 404
    assert serving.of("agentur").get(f"/Group/{some}/$export", headers=ASYNC).status_code == 404


def test_types_filters_and_times_narrow_it(serving, stored):
    client = serving.of("klinikum")

    typed = files(client, begin(client, params={"_type": "Patient,Location"}))
    filtered = files(
        client,
        begin(
            client,
            params={"_type": "Observation", "_typeFilter": "Observation?status=preliminary"},
        ),
    )
    later = begin(client)
    at = manifest(client, later)["transactionTime"]
    created(client, patient("Spät"))
    since = files(client, begin(client, params={"_since": at}))

    assert set(typed) == {"Patient", "Location"}
    assert [one["status"] for one in filtered["Observation"]] == ["preliminary"]
    assert [one["name"][0]["family"] for one in since["Patient"]] == ["Spät"]
    assert len(files(client, later)["Patient"]) == 2


def test_an_export_is_its_callers_and_ends_when_told(serving, stored):
    client, other = serving.of("klinikum"), serving.of("praxis")
    url = begin(client)
    file = manifest(client, url)["output"][0]["url"]

    for method, address in (("GET", url), ("DELETE", url), ("GET", file)):
        assert other.request(method, address).status_code == 404
    assert client.delete(url).status_code == 202
    assert client.get(url).status_code == 404
    assert client.get(file).status_code == 404


def test_each_file_fetched_is_audited_for_each_patient(serving, stored):
    client = serving.of("klinikum")
    url = begin(client)
    before = _searches(serving)

    client.get(f"{url.replace('$export-status', '$export-file')}/Patient")

    assert _searches(serving) == before + 2


def _searches(serving):
    import time

    for _ in range(3_000):
        if serving.store.reader.counts().unnumbered == 0:
            break
        time.sleep(0.02)
    with serving.store.reader.evidence() as log:
        found = log.events(limit=1_000)
    return sum(one["event"]["subtype"][0]["code"] == "search" for one in found)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/$export", {}, 422),
        ("/$export?_outputFormat=text/csv", ASYNC, 400),
        ("/$export?_type=Nothing", ASYNC, 400),
        ("/Patient/$export?_type=Location", ASYNC, 400),
        ("/$export?_since=yesterday", ASYNC, 400),
        ("/$export?_typeFilter=Patient?colour=red", ASYNC, 400),
        ("/$export?colour=red", ASYNC, 400),
        ("/$export-status/none", {}, 404),
    ],
)
def test_what_cannot_be_exported_is_told(klinikum, path, headers, status):
    answer = klinikum.get(path, headers=headers)

    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_parameters_nobody_needs_are_ignored_when_asked_to(klinikum):
    headers = {**ASYNC, "Prefer": "respond-async, handling=lenient"}

    assert klinikum.get("/$export?includeAssociatedData=x", headers=headers).status_code == 202
