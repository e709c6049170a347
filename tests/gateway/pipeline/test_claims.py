"""What a run stores, records and sends satisfies the profiles it claims."""

from __future__ import annotations

from collections import Counter

import orjson
import pytest

from gateway.pipeline.claim import claim
from gateway.store.seal import Kind
from mappers.fhir_r4.outgoing import Content, transaction
from profiles.gateway import PROFILES
from profiles.packages import open_packages
from profiles.reading import read_json
from profiles.validate.validator import Validator
from tests.mappers.declared import expected


@pytest.fixture(scope="module")
def validator():
    return Validator(open_packages([]))


def errors(validator, resource):
    found = validator.validate(resource)
    return [(one.location, one.text) for one in found if one.severity in ("error", "fatal")]


def stored(world):
    """Every resource as it stands."""
    numbers = [row[0] for row in world.query("SELECT resource FROM resource")]
    current = world.do(lambda tx: tx.current_by_number(numbers))
    return [read_json(one.body) for one in current.values()]


def events(world):
    """Every AuditEvent, numbered or not."""
    with world.store.reader.view() as view:
        rows = view.db.query("SELECT body, slot FROM audit_event ORDER BY audit")
        packs = view.bodies.read({(body, Kind.AUDIT) for body, _ in rows})
        return [orjson.loads(packs[body][slot])["event"] for body, slot in rows]


@pytest.fixture
def lived(world, build):
    """A stay from admission to a merge, with a consent, an insurance and a delivery claimed."""
    insured = ("IN1|1|G|260510007|AOK Nordost",)
    world.record(build.message(control="1", kvnr="A123456780", consent="J", extra=insured))
    world.record(build.message(control="2", event="A02", time="20260302080000+0100"))
    world.record(build.message(control="3", event="A03", time="20260303080000+0100"))
    world.record(build.message(control="3", event="A03", time="20260303080000+0100"))
    world.record(build.message(control="4", event="A13", time="20260303090000+0100"))
    world.record(
        build.message(
            control="5", event="A40", visit="", time="20260304080000+0100",
            extra=("MRG|P9^^^KLINIKUM^PI",),
        )
    )  # fmt: skip
    world.record(b"MSH|^~\\&|KIS|KLINIKUM|GW|REGION|20260305||ADT^Z99^ADT_Z99|6|P|9.9\r")
    world.do(lambda tx: claim(tx, world.site, {"praxis-out": 9, "sozial-out": 9}))
    return world


def test_every_stored_resource_satisfies_the_profile_it_claims(lived, validator):
    resources = stored(lived)
    kinds = Counter(one["resourceType"] for one in resources)

    assert kinds["Provenance"] > 4
    assert {"Patient", "Encounter", "Consent", "Coverage", "Practitioner"} <= set(kinds)
    for resource in resources:
        assert resource.get("meta", {}).get("profile", []) == expected(resource)
        assert errors(validator, resource) == []


def test_every_recorded_event_satisfies_the_profile_it_claims(lived, validator):
    recorded = events(lived)
    subtypes = {one["subtype"][0]["code"] for one in recorded}

    assert {"receive", "transform", "AuthZ-Consent"} <= subtypes
    for event in recorded:
        assert event["meta"]["profile"][0] == PROFILES["AuditEvent"]
        assert errors(validator, event) == []


@pytest.mark.parametrize("write", ["conditional", "put"])
def test_what_leaves_is_a_transaction_of_our_profile(lived, validator, write):
    contents = [Content(one) for one in stored(lived)]
    contents.append(
        Content({"resourceType": "Observation", "id": "0" * 8 + "-0000" * 3 + "-" + "0" * 12}, True)
    )
    bundle = read_json(transaction(contents, control_id="17", write=write))

    assert bundle["meta"]["profile"] == [PROFILES["Bundle"]]
    assert errors(validator, bundle) == []


def test_what_a_fhir_sender_hands_in_is_stored_as_it_came(world, build, validator):
    theirs = "https://praxis.example/fhir/StructureDefinition/Patientin"
    patient = {
        "resourceType": "Patient",
        "id": "p",
        "meta": {"profile": [theirs]},
        "identifier": [{"system": "https://praxis.example/sid", "value": "1"}],
    }
    sent = orjson.dumps(patient)
    world.record(world.item(sent, endpoint="pvs", format="fhir_r4", control="F1"))
    kept = {one["resourceType"]: one for one in stored(world)}

    assert kept["Patient"]["meta"]["profile"] == [theirs]
    assert kept["Provenance"]["meta"]["profile"] == [PROFILES["Provenance"]]
    assert errors(validator, kept["Provenance"]) == []
