"""Patch over HTTP and a real store."""

from __future__ import annotations

import json

import pytest

PATIENT = {
    "resourceType": "Patient",
    "identifier": [{"system": "https://example.org/id", "value": "1"}],
    "name": [{"family": "Weber"}],
    "birthDate": "1951-05-02",
}
JSON_PATCH = (
    "application/json-patch+json",
    b'[{"op":"replace","path":"/birthDate","value":"1960-01-01"}]',
)
XML_PATCH = (
    "application/xml-patch+xml",
    b"""<diff xmlns:f="http://hl7.org/fhir">
<replace sel="f:Patient/f:birthDate/@value">1960-01-01</replace></diff>""",
)
PARAMETERS = {
    "resourceType": "Parameters",
    "parameter": [
        {
            "name": "operation",
            "part": [
                {"name": "type", "valueCode": "replace"},
                {"name": "path", "valueString": "Patient.birthDate"},
                {"name": "value", "valueDate": "1960-01-01"},
            ],
        }
    ],
}
FHIRPATH_PATCH = ("application/fhir+json", json.dumps(PARAMETERS).encode())


@pytest.fixture
def created(klinikum):
    """A Patient that is stored."""
    return klinikum.post("/Patient", json=PATIENT).json()


def patch(client, path, kind, **headers):
    content_type, body = kind
    return client.patch(path, content=body, headers={"content-type": content_type, **headers})


@pytest.mark.parametrize("kind", [JSON_PATCH, XML_PATCH, FHIRPATH_PATCH])
def test_each_kind_of_patch_makes_a_version(klinikum, created, kind):
    place = f"/Patient/{created['id']}"

    answer = patch(klinikum, place, kind)

    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == 'W/"2"'
    assert klinikum.get(place).json()["birthDate"] == "1960-01-01"
    assert klinikum.get(place).json()["name"] == PATIENT["name"]
    history = klinikum.get(f"{place}/_history").json()
    assert len(history["entry"]) == 2


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/merge-patch+json", b'{"birthDate":"1960-01-01"}'),
        ("application/json", b'{"birthDate":"1960-01-01"}'),
        ("application/json", JSON_PATCH[1]),
        ("application/json", FHIRPATH_PATCH[1]),
    ],
)
def test_what_clients_send_as_plain_json_is_told_by_its_content(
    klinikum, created, content_type, body
):
    place = f"/Patient/{created['id']}"

    assert patch(klinikum, place, (content_type, body)).json()["birthDate"] == "1960-01-01"


def test_a_patch_is_conditional_by_version_or_by_search(klinikum, created):
    place = f"/Patient/{created['id']}"

    assert patch(klinikum, place, JSON_PATCH, **{"if-match": 'W/"7"'}).status_code == 412
    found = patch(klinikum, "/Patient?identifier=1", JSON_PATCH, **{"if-match": 'W/"1"'})
    assert found.json()["id"] == created["id"]
    assert patch(klinikum, "/Patient?identifier=2", JSON_PATCH).status_code == 404
    klinikum.post("/Patient", json=PATIENT)
    assert patch(klinikum, "/Patient?identifier=1", JSON_PATCH).status_code == 412
    assert patch(klinikum, "/Patient?", JSON_PATCH).status_code in (400, 412)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (("application/json-patch+json", b'[{"op":"remove","path":"/gender"}]'), 422),
        (("application/json-patch+json", b'[{"op":"test","path":"/birthDate","value":"x"}]'), 422),
        (("application/json-patch+json", b'[{"op":"add","path":"/gender","value":"x"}]'), 422),
        (("application/json-patch+json", b'{"op":"remove"}'), 400),
        (("application/fhir+json", json.dumps(PATIENT).encode()), 400),
        (("application/merge-patch+json", b"[]"), 400),
        (("application/json", b"1"), 400),
        (("text/plain", b"x"), 415),
    ],
)
def test_a_patch_that_cannot_be_applied_changes_nothing(klinikum, created, kind, status):
    place = f"/Patient/{created['id']}"

    assert patch(klinikum, place, kind).status_code == status
    assert klinikum.get(place).json() == created


def test_hidden_missing_and_deleted_are_not_patched(serving, klinikum, created):
    place = f"/Patient/{created['id']}"
    agency = serving.of("agentur")

    hidden, missing = (
        patch(agency, one, JSON_PATCH) for one in (place, "/Patient/6f1c6b8e-nobody")
    )
    assert (hidden.status_code, hidden.content) == (404, missing.content)
    klinikum.delete(place)
    assert patch(klinikum, place, JSON_PATCH).status_code == 410


def test_a_batch_may_patch(klinikum, created):
    place = f"Patient/{created['id']}"
    binary = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": "W3sib3AiOiJhZGQiLCJwYXRoIjoiL2dlbmRlciIsInZhbHVlIjoiZmVtYWxlIn1d",
    }
    entries = [
        {"resource": PARAMETERS, "request": {"method": "PATCH", "url": place}},
        {"resource": binary, "request": {"method": "PATCH", "url": place}},
    ]

    for entry in entries:
        sent = {"resourceType": "Bundle", "type": "batch", "entry": [entry]}
        answer = klinikum.post("", json=sent).json()
        assert answer["entry"][0]["response"]["status"] == "200 OK"

    read = klinikum.get(f"/{place}").json()
    assert (read["birthDate"], read["gender"]) == ("1960-01-01", "female")
