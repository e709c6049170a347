"""FHIR Bundles become changes in the sender's namespace."""

from __future__ import annotations

import json

import pytest

from mappers.base import Action, Context
from mappers.dialect import Dialect
from mappers.fhir_r4 import FORMAT
from profiles.issue import NotConformant, NotSupported, NotUnderstood

CONTEXT = Context(b"k" * 32, Dialect(), "https://region.example/praxis")


def translate(document: dict, context: Context = CONTEXT):
    return FORMAT.translate(json.dumps(document).encode(), context)


def bundle(*resources: dict, type_: str = "transaction", **urls: str) -> dict:
    entries = []
    for index, resource in enumerate(resources):
        entry: dict = {"resource": resource}
        if (url := urls.get(f"url{index}")) is not None:
            entry["fullUrl"] = url
        entries.append(entry)
    return {"resourceType": "Bundle", "type": type_, "entry": entries}


PATIENT = {
    "resourceType": "Patient",
    "id": "4711",
    "identifier": [{"system": "http://fhir.de/sid/gkv/kvid-10", "value": "H512605190"}],
    "name": [{"family": "Öhlschläger", "given": ["Hildegard"]}],
    "birthDate": "1951-05-02",
    "meta": {"versionId": "7"},
}


def test_references_follow_the_entries_they_name():
    urn = "urn:uuid:0f2c4a64-3d0c-4d8c-9b0e-3b1f3a0f5a11"
    condition = {"resourceType": "Condition", "subject": {"reference": urn}, "code": {"text": "x"}}

    mapped = translate(bundle(PATIENT, condition, url0=urn))

    patient, stored = mapped.changes
    assert stored.resource["subject"]["reference"] == f"Patient/{patient.id}"
    assert stored.subject == patient.id


def test_a_reference_to_something_sent_earlier_gets_the_id_it_got_then():
    earlier = translate(PATIENT).changes[0]
    later = translate(
        {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/4711"}}
    )

    assert later.changes[0].resource["subject"]["reference"] == f"Patient/{earlier.id}"


def test_two_senders_with_the_same_id_never_share_a_resource():
    other = Context(b"k" * 32, Dialect(), "https://region.example/andere")

    assert translate(PATIENT).changes[0].id != translate(PATIENT, other).changes[0].id


def test_a_kvnr_never_makes_an_id():
    keys = translate(PATIENT).changes[0].keys

    assert [key.value for key in keys] == ["Patient/4711"]
    assert translate(PATIENT).patients[0].kvnr == "H512605190"


def test_server_assigned_meta_is_dropped_and_accounted_for():
    mapped = translate(PATIENT)

    assert "meta" not in mapped.changes[0].resource
    assert mapped.loss.fields == mapped.loss.mapped + mapped.loss.ignored
    assert mapped.loss.ignored == 1


def test_a_delete_names_the_resource_by_its_id():
    document = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"request": {"method": "DELETE", "url": "Patient/4711"}}],
    }

    change = translate(document).changes[0]

    assert change.action is Action.DELETE
    assert change.id == translate(PATIENT).changes[0].id


def test_a_conditional_delete_names_the_resource_by_its_identifier():
    system, value = "https://praxis.example/patienten", "4711"
    stored = {"resourceType": "Patient", "identifier": [{"system": system, "value": value}]}
    url = f"Patient?identifier={system}|{value}"
    document = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"request": {"method": "DELETE", "url": url}}],
    }

    assert translate(document).changes[0].id == translate(stored).changes[0].id


def test_a_conditional_update_is_taken():
    url = "Patient?identifier=http://fhir.de/sid/gkv/kvid-10|H512605190"
    entry = {"resource": PATIENT, "request": {"method": "PUT", "url": url}}

    mapped = translate({"resourceType": "Bundle", "type": "transaction", "entry": [entry]})

    assert mapped.refusal is None


def test_decimals_stay_as_written():
    data = b'{"resourceType":"Observation","id":"o","valueQuantity":{"value":7.10}}'

    value = FORMAT.translate(data, CONTEXT).changes[0].resource["valueQuantity"]["value"]

    assert str(value) == "7.10"


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ({"resourceType": "Bundle", "type": "searchset", "entry": []}, NotSupported),
        ({"resourceType": "Bundle", "type": "transaction"}, NotConformant),
        ({"name": "no type"}, NotConformant),
        (bundle(PATIENT, PATIENT, url0="urn:uuid:a", url1="urn:uuid:a"), NotConformant),
        (
            {
                "resourceType": "Bundle",
                "type": "transaction",
                "entry": [{"resource": PATIENT, "request": {"method": "PUT", "url": "../admin"}}],
            },
            NotConformant,
        ),
    ],
)
def test_what_cannot_be_taken_is_refused_with_a_reason(document, error):
    mapped = translate(document)

    assert isinstance(mapped.refusal, error)
    assert mapped.bundle["resourceType"] == "OperationOutcome"


def test_what_is_no_json_is_not_understood_and_what_is_json_can_be_repaired():
    assert isinstance(FORMAT.translate(b'{"a":1,"a":2}', CONTEXT).refusal, NotUnderstood)
    assert isinstance(FORMAT.translate(b"[]", CONTEXT).refusal, NotConformant)


def test_a_senders_id_is_checked_before_it_is_exchanged():
    patient = {"resourceType": "Patient", "id": "a" * 65}

    refusal = translate(patient).refusal

    assert isinstance(refusal, NotConformant)
    assert refusal.issues[0].code == "value"
