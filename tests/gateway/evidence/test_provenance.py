from __future__ import annotations

import json

import pytest
from fhir.resources.R4B.provenance import Provenance

from gateway.evidence import provenance


def build(**overrides):
    arguments = {
        "id": "7f3c1c5e-7d7f-4a52-9a0e-0f2f6c1d2e3f",
        "targets": [("Patient", "p-1", "3"), ("Encounter", "e-1", "1")],
        "source_sha256": "ab" * 32,
        "message_id": "4711",
        "recorded": "2026-11-03T09:15:00.123456Z",
        "organization": "klinikum",
        "mapping_version": "2026.1",
        "build": "1.0.0+abc",
    }
    return provenance.for_message(**(arguments | overrides))


def test_provenance_holds_for_an_independent_model():
    for organization in ("klinikum", ""):
        made = build(organization=organization)
        assert Provenance.model_validate_json(json.dumps(made)).id == made["id"]


def test_provenance_names_every_version_the_message_made():
    assert [one["reference"] for one in build()["target"]] == [
        "Patient/p-1/_history/3",
        "Encounter/e-1/_history/1",
    ]


def test_provenance_names_the_original_bytes_the_mapping_and_the_build():
    made = build()
    found = {
        (one["what"]["identifier"]["system"], one["what"]["identifier"]["value"])
        for one in made["entity"]
    }
    assert found == {
        ("urn:region-gateway:message", "4711"),
        ("urn:oid:2.16.840.1.101.3.4.2.1", "ab" * 32),
    }
    assert {one["role"] for one in made["entity"]} == {"source"}
    assert made["policy"] == ["urn:region-gateway:mapping:2026.1"]
    assert made["agent"][0]["who"]["identifier"]["value"] == "1.0.0+abc"
    assert made["agent"][1]["who"] == {"reference": "Organization/klinikum"}


def test_provenance_without_target_is_refused():
    with pytest.raises(ValueError, match="target"):
        build(targets=[])
