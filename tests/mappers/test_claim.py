"""What the gateway makes claims its profile and keeps to it; what others make stays theirs."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, islice
from typing import Any

import pytest

import mappers
from mappers.base import Action
from mappers.dialect import Dialect
from profiles.gateway import PROFILES
from profiles.reading import write_json
from tests.mappers.declared import (
    OWN,
    SAMPLES,
    claims,
    errors,
    expected,
    foreign,
    messages,
    resources,
    translated,
)

#: Messages of one folder of the wider collection; `python -m tests.mappers.declared` takes all.
PER_FOLDER = 12
#: Larger files are streams of one kind of message.
MOST_BYTES = 60_000

HEAD = "MSH|^~\\&|KIS|KLINIKUM|||20261101080000||{event}|1|P|2.5\r"
PATIENT = "PID|||4711||Öhlschläger^Anna|||F\r"


def one(event: str, *segments: str, **options: Any) -> mappers.Mapped:
    text = HEAD.format(event=event) + PATIENT + "".join(f"{line}\r" for line in segments)
    (mapped,) = mappers.convert(text.encode(), **options)
    assert mapped.refusal is None
    return mapped


def of(mapped: mappers.Mapped, kind: str) -> dict[str, Any]:
    return next(one.resource for one in mapped.changes if one.type == kind)


@pytest.mark.parametrize("path", list(messages(OWN)), ids=lambda one: one.name)
def test_our_samples_satisfy_what_their_resources_claim(path):
    held = 0
    for _, mapped in translated([path]):
        for resource in resources(mapped):
            assert claims(resource) == expected(resource)
            assert errors(resource) == []
            held += 1

    assert held


@pytest.mark.samples
@pytest.mark.parametrize("folder", foreign(), ids=lambda one: one.name)
def test_messages_of_others_satisfy_what_their_resources_claim(folder):
    if not SAMPLES.is_dir():
        pytest.skip("GATEWAY_SAMPLES not found")
    small = (path for path in messages(folder) if path.stat().st_size < MOST_BYTES)
    found = [
        (path.name, issue.location, issue.text)
        for path, mapped in islice(translated(small), PER_FOLDER)
        for issue in chain.from_iterable(map(errors, resources(mapped)))
    ]

    assert found == []


def test_a_type_without_a_profile_of_ours_claims_none():
    mapped = one("ADT^A01")
    assert claims(of(mapped, "Patient")) == [PROFILES["Patient"]]

    basic = {"resourceType": "Basic", "id": "b"}
    other = replace(mapped.changes[0], type="Basic", stated=basic, body=b"")
    assert "meta" not in mappers.claim(replace(mapped, changes=(other,))).changes[0].resource


def test_labels_and_tags_stand_beside_the_claim():
    visit = of(one("ADT^A01", "PV1||I||||||||||||||V"), "Encounter")

    assert visit["meta"]["profile"] == [PROFILES["Encounter"]]
    assert visit["meta"]["security"][0]["code"] == "R"
    assert one("ADT^A01").provenance["meta"] == {
        "profile": [PROFILES["Provenance"]],
        "tag": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0103", "code": "P"}],
    }


def test_what_cannot_stand_alone_claims_nothing():
    path = OWN / "hl7v2" / "mdm_t08_neufassung.hl7"
    partial = [c for _, m in translated([path]) for c in m.changes if c.partial]

    assert partial
    assert not any(claims(change.resource) for change in partial)


def test_an_attested_consent_claims_and_satisfies_its_profile():
    dialect = Dialect.from_mapping(
        "klinikum",
        {
            "consent": {
                "place": "ZCN-1",
                "values": {"J": "permit", "N": "deny"},
                "legal_basis": "§ 39 (1a) SGB V",
                "purpose": ["TREAT"],
                "recipients": ["http://fhir.de/sid/arge-ik/iknr|260510007"],
            }
        },
    )
    consent = of(one("ADT^A01", "ZCN|J", dialect=dialect), "Consent")

    assert claims(consent) == [PROFILES["Consent"]]
    assert errors(consent) == []


def test_what_a_fhir_sender_handed_in_is_not_relabelled():
    theirs = "https://praxis.example/fhir/StructureDefinition/Patientin"
    said = {"resourceType": "Patient", "id": "p", "meta": {"profile": [theirs]}}
    bare = {"resourceType": "Patient", "id": "q"}
    for resource, claimed in ((said, [theirs]), (bare, [])):
        (mapped,) = mappers.convert(write_json(resource))
        assert claims(mapped.changes[0].resource) == claimed


def test_a_deletion_claims_nothing():
    entry = {"request": {"method": "DELETE", "url": "Patient/p"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    (mapped,) = mappers.convert(write_json(bundle))

    (change,) = mappers.claim(mapped).changes
    assert change.action is Action.DELETE
    assert "meta" not in change.resource


def test_merging_keeps_the_claim_once():
    first, second = (of(one("ADT^A31"), "Patient") for _ in range(2))
    change = one("ADT^A31").changes[0]

    merged = mappers.apply(first, change)
    assert merged["meta"]["profile"] == [PROFILES["Patient"]]
    assert mappers.same_content(merged, second)


def test_a_period_that_ends_before_it_begins_keeps_its_beginning():
    mapped = one("ADT^A31", "IN1|1|G|260510007|AOK" + "|" * 8 + "20261102|20261101")

    assert of(mapped, "Coverage")["period"] == {"start": "2026-11-02"}
    assert ("IN1-13", "20261101") in mapped.loss.unmapped
    assert "IN1-13" in [issue.location for issue in mapped.issues]


def test_a_language_nobody_knows_is_undetermined_in_its_own_words():
    spoken = PATIENT.rstrip("\r") + "|||||||KLINGONISCH"
    (mapped,) = mappers.convert((HEAD.format(event="ADT^A31") + spoken + "\r").encode())
    language = of(mapped, "Patient")["communication"][0]["language"]

    assert {"system": "urn:ietf:bcp:47", "code": "und"} in language["coding"]
    assert "KLINGONISCH" in write_json(language).decode()
    assert mapped.loss.unmapped == ()


def test_several_values_of_one_result_are_components_of_equal_rank():
    mapped = one(
        "ORU^R01", "OBR|1|P1||KREA^Kreatinin^L", "OBX|1|NM|KREA^Kreatinin^L||1.2~1.3|mg/dL|||||F"
    )
    result = of(mapped, "Observation")

    assert "valueQuantity" not in result
    assert [str(c["valueQuantity"]["value"]) for c in result["component"]] == ["1.2", "1.3"]
    assert errors(result) == []
