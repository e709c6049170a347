from __future__ import annotations

import json
from base64 import b64decode

import pytest
from fhir.resources.R4B.auditevent import AuditEvent

from gateway.evidence import audit_event as events
from gateway.evidence.event_class import EventClass, class_of
from profiles.gateway import PROFILES
from profiles.packages import open_packages
from profiles.reading import canonical_json
from profiles.validate.validator import Validator

PATIENT = "0a3c1c5e-7d7f-4a52-9a0e-0f2f6c1d2e3f"
BALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."


def codes_of(agent):
    return [coding["code"] for coding in agent["type"]["coding"]]


def agent(event, code):
    found = [one for one in event["agent"] if code in codes_of(one)]
    assert len(found) == 1, f"exactly one agent {code}"
    return found[0]


def entity(event, code):
    found = [one for one in event["entity"] if one["type"]["code"] == code]
    assert len(found) == 1, f"exactly one entity {code}"
    return found[0]


def profiles_of(event):
    """The patterns of BALP an event claims beside our own profile, which all claim."""
    own, *others = event["meta"]["profile"]
    assert own == PROFILES["AuditEvent"]
    return [one.removeprefix(BALP) for one in others]


def test_every_event_is_an_audit_event_for_an_independent_model(made):
    for name, event in made.items():
        read_back = AuditEvent.model_validate_json(json.dumps(event))
        assert read_back.id == event["id"], name


def test_every_event_keeps_the_constraints_of_r4(made):
    for name, event in made.items():
        assert event["recorded"] == "2026-11-03T09:15:00.123456Z"
        assert event["source"]["observer"], name
        assert all(type(one["requestor"]) is bool for one in event["agent"]), name
        assert sum(one["requestor"] for one in event["agent"]) == 1, name
        assert event["outcome"] in {"0", "4", "8", "12"}
        assert event["action"] in {"C", "R", "U", "D", "E"}
        for one in event.get("entity", []):
            assert not ("name" in one and "query" in one), "sev-1"


def test_nothing_in_an_event_is_empty(made):
    def check(value, path):
        assert value not in ("", [], {}, None), path
        if isinstance(value, dict):
            for key, item in value.items():
                check(item, f"{path}.{key}")
        elif isinstance(value, list):
            for item in value:
                check(item, path)

    for name, event in made.items():
        check(event, name)


def test_no_event_names_anybody(made):
    for event in made.values():
        assert all("name" not in one for one in event["agent"] + event.get("entity", []))
        assert all("display" not in one["who"] for one in event["agent"])


def test_the_class_of_every_event_can_be_read_from_it(made):
    expected = {
        "received": EventClass.RECEIVED,
        "refused": EventClass.RECEIVED,
        "translated": EventClass.TRANSLATED,
        "decided": EventClass.DECIDED,
        "denied": EventClass.DECIDED,
        "decided without consent": EventClass.DECIDED,
        "disclosed": EventClass.DISCLOSED,
        "delivery state": EventClass.DELIVERY_STATE,
        "read": EventClass.READ,
        "vread": EventClass.READ,
        "read refused": EventClass.READ,
        "search": EventClass.SEARCH,
        "empty search": EventClass.SEARCH,
        "history": EventClass.SEARCH,
        "create": EventClass.WRITE,
        "delete": EventClass.WRITE,
        "update refused": EventClass.WRITE,
        "patch": EventClass.WRITE,
        "identity": EventClass.IDENTITY,
        "administrative": EventClass.ADMINISTRATIVE,
        "administrative without object": EventClass.ADMINISTRATIVE,
        "tombstone": EventClass.TOMBSTONE,
    }
    assert {name: class_of(event) for name, event in made.items()} == expected
    assert set(expected.values()) == set(EventClass)


@pytest.mark.parametrize("event", [{}, {"type": {"code": "rest"}}, {"type": 1, "subtype": []}])
def test_a_foreign_event_has_no_class(event):
    assert class_of(event) is None


def test_a_read_has_client_and_server_with_their_addresses_and_the_user(made):
    event = made["read"]
    assert profiles_of(event) == ["PatientRead"]
    assert agent(event, "110152")["network"] == {
        "address": "https://praxis.example/fhir",
        "type": "5",
    }
    assert "network" in agent(event, "110153")
    user = agent(event, "IRCP")
    assert user["requestor"]
    assert "network" not in user
    assert entity(event, "1")["what"] == {"reference": f"Patient/{PATIENT}"}
    assert entity(event, "XrequestId")["what"]["identifier"]["value"] == "76d148b6"


def test_a_read_of_no_patient_claims_the_profile_without_patient(made):
    assert profiles_of(made["vread"]) == ["Read"]


def test_a_failed_interaction_claims_no_profile_because_balp_has_none(made):
    assert profiles_of(made["read refused"]) == []
    assert made["read refused"]["outcomeDesc"] == "NotConformant"


def test_a_search_keeps_the_raw_query_and_swaps_the_roles(made):
    event = made["search"]
    assert profiles_of(event) == ["PatientQuery"]
    assert b64decode(entity(event, "2")["query"]).decode() == f"GET Observation?patient={PATIENT}"
    assert agent(event, "110153")["network"]["address"] == "https://praxis.example/fhir"
    assert "what" not in entity(event, "2")


def test_a_decision_names_its_consents_and_who_wanted_the_data(made):
    event = made["decided"]
    assert profiles_of(event) == ["AuthZconsent"]
    assert entity(event, "Consent")["what"] == {"reference": "Consent/c-1/_history/2"}
    assert {one["type"]["code"] for one in event["entity"]} == {"1", "Consent"}, "closed slices"
    assert "network" in agent(event, "110150")
    for code in ("IRCP", "PROV", "authserver"):
        assert "network" not in agent(event, code)
    assert agent(event, "IRCP")["purposeOfUse"][0]["coding"][0]["code"] == "TREAT"
    assert (event["outcome"], event["outcomeDesc"]) == ("0", "R9 permit")
    assert made["denied"]["outcome"] == "8"


def test_a_decision_without_consent_does_not_pretend_to_rest_on_one(made):
    event = made["decided without consent"]
    assert profiles_of(event) == []
    assert event["subtype"][0]["code"] == "AuthZ-Role"


def test_a_disclosure_says_what_left_for_whom_on_what_ground(made):
    event = made["disclosed"]
    assert profiles_of(event) == ["PrivacyDisclosure.Source"]
    assert "network" in agent(event, "110153")
    assert "network" in agent(event, "110152")
    assert agent(event, "159541003")["who"] == {"reference": "Organization/klinikum"}
    detail = {
        one["type"]: one["valueString"]
        for part in event["entity"]
        for one in part.get("detail", [])
    }
    assert detail == {
        "sha256": "cd" * 32,
        "legal-basis": "consent § 39 (1a) SGB V",
        "decision": "dec-1",
    }
    assert event["purposeOfEvent"][0]["coding"][0]["code"] == "TREAT"


def test_a_disclosure_to_an_unknown_address_claims_no_profile(stamp):
    sent = events.Disclosure("d", events.Party("Organization/o"), ("Patient/p",), "0" * 64)
    assert profiles_of(events.disclosed(stamp, patient="p", disclosure=sent)) == []


def test_a_translation_accounts_for_every_field(made):
    detail = {one["type"]: one["valueString"] for one in made["translated"]["entity"][0]["detail"]}
    assert (detail["fields"], detail["mapped"], detail["ignored"], detail["unmapped"]) == (
        "100",
        "90",
        "7",
        "3",
    )


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("mllp://10.0.0.1:2575", "5"),
        ("10.0.0.1", "2"),
        ("2001:db8::1", "2"),
        ("kis.klinikum.example", "1"),
    ],
)
def test_addresses_say_what_they_are(stamp, address, kind):
    sender = events.Party("Organization/o", address=address)
    event = events.received(stamp, message=events.MessageFacts("1", "0" * 64), sender=sender)
    assert event["agent"][0]["network"] == {"address": address, "type": kind}


def test_a_tombstone_says_which_leaves_it_covers(made):
    assert events.erased_ranges(made["tombstone"]) == ((0, 99), (105, 105))


def test_building_an_event_twice_gives_equal_but_separate_values(stamp):
    def build():
        return events.read(stamp, caller=events.Caller(events.Party(value="a")), target="Patient/p")

    first, second = build(), build()
    assert first == second
    first["type"]["code"] = "changed"
    first["agent"][0]["type"]["coding"][0]["code"] = "changed"
    assert second == build()
    assert canonical_json(second) == canonical_json(build())


def test_every_event_satisfies_the_profile_it_claims(made):
    validator = Validator(open_packages([]))
    for name, event in made.items():
        issues = validator.validate(event)
        wrong = [(one.location, one.text) for one in issues if one.severity == "error"]
        assert (name, wrong) == (name, [])
