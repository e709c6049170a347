"""Core's definitions as they ship: whole, compact, and only R4."""

import pytest

from profiles.r4 import definition, facts

CORE = "http://hl7.org/fhir/StructureDefinition/"


def element(name, path):
    found = definition(f"{CORE}{name}")["snapshot"]["element"]
    return next(one for one in found if one["id"] == path)


def test_every_canonical_leads_to_its_definition():
    for url, entry in facts("canonicals").items():
        assert url in facts(entry["library"]), url
    for url in (f"{CORE}Patient", f"{CORE}bodyweight", f"{CORE}patient-birthPlace"):
        assert definition(url)["url"] == url
    assert definition("https://harz.example/unknown") is None


def test_a_definition_is_the_callers_own():
    definition(f"{CORE}Patient").clear()

    assert definition(f"{CORE}Patient")["type"] == "Patient"


def test_elements_say_what_a_validator_asks():
    gender = element("Patient", "Patient.gender")
    assert gender["binding"]["strength"] == "required"
    assert gender["isSummary"]
    assert [one["key"] for one in gender["constraint"]] == ["ele-1"]
    contact = element("Patient", "Patient.contact")
    (rule,) = [one for one in contact["constraint"] if one["key"] == "pat-1"]
    assert rule["expression"] == (
        "name.exists() or telecom.exists() or address.exists() or organization.exists()"
    )
    assert rule["severity"] == "error"
    assert rule["human"]
    assert element("Patient", "Patient.maritalStatus")["binding"]["strength"] == "extensible"
    assert element("Observation", "Observation.component.referenceRange")["contentReference"]
    assert definition(f"{CORE}patient-birthPlace")["context"]


def test_prose_is_left_out():
    prose = {"short", "definition", "comment", "requirements", "mapping", "example", "alias"}
    for name in ("Patient", "HumanName", "bodyweight"):
        for one in definition(f"{CORE}{name}")["snapshot"]["element"]:
            assert not prose & one.keys()
            assert all("xpath" not in rule for rule in one.get("constraint", ()))


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("Meta", "Meta.accounts"),
        ("Meta", "Meta.project"),
        ("Binary", "Binary.url"),
        ("ResearchStudy", "ResearchStudy.whyStopped"),
        ("EvidenceVariable", "EvidenceVariable.characteristic.linkId"),
    ],
)
def test_later_additions_are_not_there(name, path):
    with pytest.raises(StopIteration):
        element(name, path)


def test_changed_types_and_bindings_are_those_of_r4():
    outcome = element("Bundle", "Bundle.entry.response.outcome")
    assert outcome["type"] == [{"code": "Resource"}]
    (observer,) = element("AuditEvent", "AuditEvent.source.observer")["type"]
    assert len(observer["targetProfile"]) == 6
    assert all(one.startswith(CORE) for one in observer["targetProfile"])
    status = element("DetectedIssue", "DetectedIssue.status")["binding"]["valueSet"]
    assert status.startswith("http://hl7.org/fhir/ValueSet/observation-status")


def test_code_systems_and_value_sets_carry_codes_and_displays():
    v2 = definition("http://terminology.hl7.org/CodeSystem/v2-0203")
    assert {"code": "MR", "display": "Medical record number"} in v2["concept"]
    roles = definition("http://terminology.hl7.org/CodeSystem/v3-RoleCode")
    assert roles["content"] == "complete"
    marital = definition("http://hl7.org/fhir/ValueSet/marital-status")
    assert [one["system"] for one in marital["compose"]["include"]] == [
        "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus",
        "http://terminology.hl7.org/CodeSystem/v3-NullFlavor",
    ]
