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


@pytest.mark.parametrize(
    "system",
    [
        "https://region.example/praxis2/patient",
        "https://region.example/praxis2|urn:oid:1.2",
        "https://region.example/praxis-am-anger/patient",
    ],
)
def test_a_sender_whose_name_begins_another_s_writes_in_its_own_namespace(system):
    person = PATIENT | {"identifier": [{"system": system, "value": "4711"}]}

    (change,) = translate({k: v for k, v in person.items() if k != "id"}).changes

    assert change.keys[0].system == f"https://region.example/praxis|{system}"


def test_what_names_a_patient_elsewhere_never_becomes_the_only_one_here():
    condition = {
        "resourceType": "Condition",
        "id": "c",
        "subject": {"reference": "https://anderswo.example/fhir/Patient/9"},
    }
    unnamed = {"resourceType": "Provenance", "id": "p"}

    _, stored, said = translate(bundle(PATIENT, condition, unnamed)).changes

    assert stored.subject == ""
    assert said.subject == translate(PATIENT).changes[0].id


def test_a_relative_reference_follows_the_full_url_of_an_entry_without_id():
    base = "http://pvs.example/fhir"
    person = {k: v for k, v in PATIENT.items() if k != "id"}
    condition = {"resourceType": "Condition", "subject": {"reference": "Patient/77"}}
    document = bundle(person, condition, url0=f"{base}/Patient/77", url1=f"{base}/Condition/1")

    patient, stored = translate(document).changes

    assert stored.resource["subject"]["reference"] == f"Patient/{patient.id}"


def test_a_conditional_update_is_known_by_what_it_asks_for():
    system, value = "https://praxis.example/patienten", "47 11"
    stated = {"resourceType": "Patient", "identifier": [{"system": system, "value": value}]}
    nameless = {"resourceType": "Patient", "name": [{"family": "Weiß"}]}
    url = f"Patient?identifier={system}%7C47%2011"
    entry = {"resource": nameless, "request": {"method": "PUT", "url": url}}
    reference = {"reference": f"Patient?identifier={system}|47%2011"}
    condition = {"resource": {"resourceType": "Condition", "id": "c", "subject": reference}}

    mapped = translate({**bundle(), "entry": [entry, condition]})

    known = translate(stated).changes[0].id
    assert mapped.changes[0].id == known
    assert mapped.changes[1].resource["subject"]["reference"] == f"Patient/{known}"


@pytest.mark.parametrize(
    ("method", "url"),
    [("PUT", "Patient/4712"), ("PUT", "Consent/4711"), ("POST", "Condition"), ("PUT", "Consent?x")],
)
def test_a_request_that_names_another_resource_than_it_carries_is_refused(method, url):
    entry = {"resource": PATIENT, "request": {"method": method, "url": url}}

    assert isinstance(translate({**bundle(), "entry": [entry]}).refusal, NotConformant)


def test_every_leaf_around_the_resources_is_accounted_for():
    header = {"resourceType": "MessageHeader", "eventUri": "urn:x", "source": {"endpoint": "urn:y"}}
    document = bundle(header, PATIENT, type_="message", url1="urn:uuid:1")
    document["timestamp"] = "2026-11-04T09:12:44Z"

    loss = translate(document).loss

    assert loss.fields == loss.mapped + loss.ignored
    reasons = dict(loss.ignored_paths)
    assert reasons["Bundle.timestamp"] == "decides what is newer, then ends"
    assert reasons["Bundle.entry[0].resource.eventUri"] == "says how the message travelled"
    assert reasons["Bundle.entry[1].resource.meta.versionId"] == "assigned by the receiving server"
    # resourceType, id, identifier.system and .value, family, given, birthDate
    assert loss.mapped == 7


def test_a_condition_on_the_version_is_not_evaluated_and_says_so():
    request = {"method": "PUT", "url": "Patient/4711", "ifMatch": 'W/"3"'}

    loss = translate({**bundle(), "entry": [{"resource": PATIENT, "request": request}]}).loss

    assert loss.unmapped == (("Bundle.entry[0].request.ifMatch", 'W/"3"'),)
    assert loss.fields == loss.mapped + loss.ignored + 1


@pytest.mark.parametrize("written", ["2026-01-01", "9999-12-31T23:59:59-12:00", "gestern"])
def test_what_is_no_instant_is_refused_and_never_read_in_the_zone_of_the_machine(written):
    person = PATIENT | {"meta": {"lastUpdated": written}}

    assert isinstance(translate(person).refusal, NotConformant)


@pytest.mark.parametrize(
    "again",
    [
        {"resource": PATIENT | {"birthDate": "1951-02-05"}},
        {"request": {"method": "DELETE", "url": "Patient/4711"}},
    ],
)
def test_a_transaction_speaks_of_each_resource_once(again):
    document = {**bundle(), "entry": [{"resource": PATIENT}, again]}

    assert isinstance(translate(document).refusal, NotConformant)
    assert translate({**document, "type": "batch"}).refusal is None
    same = {**document, "entry": [{"resource": PATIENT}, {"resource": PATIENT}]}
    assert translate(same).refusal is None


def test_doctors_without_a_number_of_their_own_stay_several():
    system = "https://fhir.kbv.de/NamingSystem/KBV_NS_Base_ANR"
    first, second = (
        {
            "resourceType": "Practitioner",
            "id": name,
            "identifier": [{"system": system, "value": "999999900"}],
        }
        for name in ("weber", "lenz")
    )

    one, other = translate(bundle(first, second)).changes

    assert not set(one.keys) & set(other.keys)
