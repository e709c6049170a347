"""Read and vread: who sees what, and that hidden looks like missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.api.types import resource_types
from profiles.issue import Unavailable

MISSING = "6f1c6b8e-0000-4000-8000-00000000ffff"


def test_the_custodian_reads_what_it_handed_in(gateway, connect):
    gateway.store({**gateway.patient})

    answer = connect("klinikum").get(f"/fhir/Patient/{gateway.patient['id']}")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/fhir+json"
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["meta"] == {
        "versionId": "1",
        "lastUpdated": "2026-01-01T00:00:00.000000Z",
    }
    assert answer.json()["name"][0]["family"] == "Müller"


def test_another_organization_reads_with_a_consent(gateway, connect):
    gateway.store({**gateway.patient})
    gateway.permit()

    assert connect("praxis").get(f"/fhir/Patient/{gateway.patient['id']}").status_code == 200
    assert connect("agentur").get(f"/fhir/Patient/{gateway.patient['id']}").status_code == 404


def test_what_is_only_in_transit_is_not_read_even_with_a_consent(gateway, connect):
    organizations = {**gateway.registry.organizations}
    organizations["klinikum"] = replace(organizations["klinikum"], storage="transit")
    gateway.registry = replace(gateway.registry, organizations=organizations)
    gateway.store({**gateway.patient})
    gateway.permit()

    assert connect("praxis").get(f"/fhir/Patient/{gateway.patient['id']}").status_code == 404


PATIENT_TYPES = (
    "Patient",
    "Observation",
    "Condition",
    "Encounter",
    "DocumentReference",
    "Binary",
    "AuditEvent",
    "Provenance",
    "Bundle",
    "Consent",
)


@pytest.mark.parametrize("suffix", ["", "/_history/1"])
@pytest.mark.parametrize(
    ("storage", "types"), [("transit", resource_types()), ("shared", PATIENT_TYPES)]
)
def test_a_hidden_resource_and_a_missing_one_are_the_same_bytes_for_every_type(
    gateway, connect, suffix, storage, types
):
    organizations = {**gateway.registry.organizations}
    organizations["klinikum"] = replace(organizations["klinikum"], storage=storage)
    gateway.registry = replace(gateway.registry, organizations=organizations)
    client = connect("agentur")
    for number, type_ in enumerate(types):
        id_ = f"hidden-{number}"
        gateway.store({"resourceType": type_, "id": id_})

        hidden = client.get(f"/fhir/{type_}/{id_}{suffix}")
        missing = client.get(f"/fhir/{type_}/{MISSING}{suffix}")

        assert hidden.status_code == missing.status_code == 404, type_
        assert hidden.content == missing.content, type_
        assert hidden.headers == missing.headers, type_


def test_a_deleted_resource_is_gone_for_its_custodian_and_missing_for_others(gateway, connect):
    stored = gateway.store({**gateway.patient})
    gateway.resources[0] = replace(stored, deleted=True)
    path = f"/fhir/Patient/{gateway.patient['id']}"

    assert connect("klinikum").get(path).status_code == 410
    assert connect("agentur").get(path).status_code == 404


def test_vread_gives_one_version_and_nothing_for_a_version_that_is_none(gateway, connect):
    gateway.store({**gateway.patient})
    path = f"/fhir/Patient/{gateway.patient['id']}/_history"
    client = connect("klinikum")

    assert client.get(f"{path}/1").status_code == 200
    assert [client.get(f"{path}/{bad}").status_code for bad in ("2", "0", "x", "-1")] == [404] * 4


def test_every_read_leaves_an_audit_event_also_a_failed_one(gateway, connect):
    gateway.store({**gateway.patient})
    gateway.permit()
    connect("praxis", x_request_id="abc-1").get(f"/fhir/Patient/{gateway.patient['id']}")
    connect("agentur").get(f"/fhir/Patient/{gateway.patient['id']}")

    kinds = [kind for kind, _ in gateway.events]
    outcomes = [event["outcome"] for _, event in gateway.events]

    assert kinds == ["read", "read"]
    assert outcomes == ["0", "4"]
    assert "Müller" not in str(gateway.events)


def test_nothing_is_disclosed_when_the_audit_event_cannot_be_stored(gateway, connect):
    gateway.store({**gateway.patient})
    gateway.audit_failure = Unavailable()

    answer = connect("klinikum").get(f"/fhir/Patient/{gateway.patient['id']}")

    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "Müller" not in answer.text


def test_head_answers_without_a_body(gateway, connect):
    gateway.store({**gateway.patient})

    answer = connect("klinikum").request("HEAD", f"/fhir/Patient/{gateway.patient['id']}")

    assert answer.status_code == 200
    assert answer.content == b""


def test_decimals_are_read_back_as_they_were_written(gateway, connect):
    from profiles.reading import read_json

    observation = read_json(
        b'{"resourceType":"Observation","id":"o","status":"final","valueQuantity":{"value":1.00}}'
    )
    gateway.store(observation, patient=0)

    assert b'"value":1.00' in connect("klinikum").get("/fhir/Observation/o").content
