"""Every constraint of the gateway's profiles: what it asks for passes, its breach is found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from profiles.issue import Issue
from profiles.packages import gateway_package, open_packages
from profiles.validate.validator import Validator
from tests.profiles.gateway.examples import (
    ANNA,
    CORE,
    EXAMPLES,
    KVNR,
    Json,
    example,
    spoiled,
)

PARTS = "http://fhir.de/StructureDefinition/humanname-namenszusatz"
UNKNOWN = {"url": f"{CORE}data-absent-reason", "valueCode": "unknown"}
#: Key of an invariant → (type, path, other value) that breaks it; None takes the element away.
BREACHES: dict[str, tuple[str, str, Any]] = {
    "gw-med-1": ("Medication", "code", None),
    "gw-med-2": ("Medication", "amount.numerator.system", None),
    "gw-mreq-1": (
        "MedicationRequest",
        "dosageInstruction[0].doseAndRate[0].doseQuantity.system",
        None,
    ),
    "gw-mreq-2": ("MedicationRequest", "requester", {"type": "Practitioner"}),
    "gw-disp-1": ("MedicationDispense", "quantity.system", None),
    "gw-disp-2": ("MedicationDispense", "whenHandedOver", None),
    "gw-disp-3": ("MedicationDispense", "performer[0].actor", {"type": "Practitioner"}),
    "gw-madm-1": ("MedicationAdministration", "statusReason", None),
    "gw-madm-2": ("MedicationAdministration", "performer[0].actor", {"type": "Practitioner"}),
    "gw-imm-1": ("Immunization", "statusReason", None),
    "gw-imm-2": ("Immunization", "doseQuantity.system", None),
    "gw-imm-3": ("Immunization", "performer[0].actor", {"type": "Practitioner"}),
    "gw-named": ("Patient", "", {"id": None, "identifier": None}),
    "gw-ident-1": ("Patient", "identifier[0].value", " 4711"),
    "gw-kvnr-1": ("Patient", "identifier[1].value", "1234567890"),
    "gw-pkv-1": ("Patient", "identifier[2].value", "A12345678"),
    "gw-iknr-1": ("Organization", "identifier[0].value", "26051000"),
    "gw-bsnr-1": ("Organization", "identifier[1].value", "12345670A"),
    "gw-lanr-1": ("Practitioner", "identifier[0].value", "1234566"),
    "gw-tid-1": ("Practitioner", "identifier[1].value", "20012345"),
    "gw-name-1": ("Patient", "name[0].family", None),
    "gw-name-2": ("Patient", "name[0].prefix", None),
    "gw-name-3": ("Patient", "name[0]", {"use": "official"}),
    "gw-addr-1": ("Patient", "address[0].line", None),
    "gw-addr-2": (
        "Patient",
        "address[0]",
        {
            "type": "physical",
            "line": ["Postfach 1"],
            "_line": [
                {
                    "extension": [
                        {"url": f"{CORE}iso21090-ADXP-postBox", "valueString": "Postfach 1"}
                    ]
                }
            ],
        },
    ),
    "gw-addr-3": ("Patient", "address[0].postalCode", "6484"),
    "gw-addr-4": ("Patient", "address[0].country", "Deutschland"),
    "gw-icd-1": ("Condition", "code.coding[0].version", None),
    "gw-icd-2": ("Condition", "code.coding[0].extension[0].valueCoding.code", "X"),
    "gw-icd-3": ("Condition", "code.coding[0].extension[1].valueCoding.code", "X"),
    "gw-icd-4": ("Condition", "code.coding[0].extension[2].valueCoding.code", "X"),
    "gw-icd-5": ("Condition", "code.coding[0].code", "J44,19"),
    "gw-ops-1": ("Procedure", "code.coding[0].version", None),
    "gw-ops-2": ("Procedure", "code.coding[0].code", "1710"),
    "gw-pat-1": ("Patient", "gender", "female"),
    "gw-pat-2": ("Patient", "birthDate", "1950-03-03"),
    "gw-pat-3": ("Patient", "link[0].type", "seealso"),
    "gw-pat-4": ("Patient", "generalPractitioner[0]", {"display": "Dr. Weber"}),
    "gw-pat-6": ("Patient", "link[0].other", {"type": "Patient"}),
    "gw-subject-1": ("Observation", "subject", {"type": "Patient"}),
    "gw-subject-2": ("Observation", "subject", {"extension": [UNKNOWN]}),
    "gw-pat-5": ("Patient", "name", None),
    "gw-rel-1": ("RelatedPerson", "name", None),
    "gw-prac-1": ("Practitioner", "", {"identifier": None, "name": None}),
    "gw-role-1": ("PractitionerRole", "", {"practitioner": None, "organization": None}),
    "gw-role-2": ("PractitionerRole", "practitioner", {"type": "Practitioner"}),
    "gw-org-1": ("Organization", "partOf", {"display": "Klinikverbund"}),
    "gw-loc-1": ("Location", "name", None),
    "gw-loc-2": ("Location", "managingOrganization", {"display": "Klinikum"}),
    "gw-enc-1": ("Encounter", "location[0].status", "active"),
    "gw-enc-2": ("Encounter", "participant[0].individual", {"type": "Practitioner"}),
    "gw-enc-3": ("Encounter", "location[0].location", {"display": "Station 3"}),
    "gw-enc-4": ("Encounter", "period.end", None),
    "gw-obs-1": ("Observation", "code", {"coding": [{"system": "http://loinc.org"}]}),
    "gw-obs-2": ("Observation", "performer[0]", {"type": "Practitioner"}),
    "gw-obs-3": ("Observation", "valueQuantity", None),
    "gw-obs-4": ("Observation", "valueQuantity.system", None),
    "gw-rep-1": ("DiagnosticReport", "code", {"coding": [{"system": "http://loinc.org"}]}),
    "gw-rep-2": ("DiagnosticReport", "presentedForm[0].url", None),
    "gw-rep-3": ("DiagnosticReport", "presentedForm[0].contentType", None),
    "gw-rep-4": ("DiagnosticReport", "", {"result": None, "presentedForm": None}),
    "gw-req-1": ("ServiceRequest", "code", {"coding": [{"system": "http://loinc.org"}]}),
    "gw-req-2": ("ServiceRequest", "requester", {"type": "Practitioner"}),
    "gw-req-3": ("ServiceRequest", "code", None),
    "gw-cond-1": ("Condition", "code", {"coding": [{"system": "http://snomed.info/sct"}]}),
    "gw-cond-2": ("Condition", "code.coding[0].extension[0].valueCoding.code", "A"),
    "gw-cond-3": ("Condition", "code.coding[0].extension[0].valueCoding.code", "V"),
    "gw-proc-1": ("Procedure", "code", {"coding": [{"system": "http://snomed.info/sct"}]}),
    "gw-proc-2": ("Procedure", "performer[0].actor", {"display": "Dr. Weber"}),
    "gw-proc-3": ("Procedure", "performedDateTime", None),
    "gw-allergy-1": ("AllergyIntolerance", "code", {"coding": [{"system": "urn:x"}]}),
    "gw-allergy-2": ("AllergyIntolerance", "clinicalStatus", None),
    "gw-cov-1": ("Coverage", "type.coding[0].code", "privat"),
    "gw-cov-2": ("Coverage", "payor[0]", {"type": "Organization"}),
    "gw-cov-3": ("Coverage", "payor[0]", {"display": "AOK"}),
    "gw-cov-4": ("Coverage", "type.coding[0].code", "PKV"),
    "gw-doc-1": ("DocumentReference", "relatesTo[0].target", {"display": "Brief"}),
    "gw-doc-2": ("DocumentReference", "content[0].attachment.url", None),
    "gw-doc-3": ("DocumentReference", "type", {"coding": [{"system": "http://loinc.org"}]}),
    "gw-doc-4": ("DocumentReference", "content[0].attachment.contentType", None),
    "gw-spec-1": ("Specimen", "collection.collector", {"display": "Labor"}),
    "gw-spec-2": ("Specimen", "type", None),
    "gw-cons-1": ("Consent", "provision.actor[0].reference", {"display": "Praxis Weber"}),
    "gw-cons-2": ("Consent", "dateTime", None),
    "gw-prov-1": ("Provenance", "target[0]", {"type": "Patient"}),
    "gw-prov-2": ("Provenance", "activity", {"coding": [{"system": "urn:x"}]}),
    "gw-prov-3": (
        "Provenance",
        "agent[1]",
        {"type": {"text": "author"}, "who": {"type": "Device"}},
    ),
    "gw-prov-4": ("Provenance", "entity[0].what.identifier.value", "AB" * 32),
    "gw-prov-5": ("Provenance", "policy", None),
    "gw-prov-6": ("Provenance", "agent[0].type", {"coding": [{"system": "urn:x", "code": "y"}]}),
    "gw-prov-7": ("Provenance", "entity[0].what.identifier.system", "urn:md5"),
    "gw-audit-1": ("AuditEvent", "agent[0].who", {"type": "Device"}),
    "gw-audit-2": ("AuditEvent", "source.observer", {"type": "Device"}),
    "gw-audit-3": ("AuditEvent", "entity[0].detail[0].type", "Name der Patientin"),
    "gw-audit-4": ("AuditEvent", "agent[0].requestor", False),
    "gw-audit-5": ("AuditEvent", "entity[1].what", {"identifier": KVNR}),
    "gw-audit-6": ("AuditEvent", "entity[0].detail[0].valueString", "abcd"),
    "gw-audit-7": ("AuditEvent", "entity[0].query", "R0VU"),
    "gw-audit-8": ("AuditEvent", "entity[0].detail[0].type", "md5"),
    "gw-task-1": ("Task", "status", "rejected"),
    "gw-task-2": ("Task", "owner", {"display": "Pflegedienst"}),
    "gw-task-3": ("Task", "lastModified", "2026-10-01T08:00:00+01:00"),
    "gw-task-4": ("Task", "status", "completed"),
    "gw-bun-1": ("Bundle", "entry[0].request.method", "PATCH"),
    "gw-bun-2": ("Bundle", "entry[0].fullUrl", "https://praxis.example/fhir/Binary/1"),
    "gw-bun-3": ("Bundle", "entry[0].resource", None),
    "gw-bun-4": ("Bundle", "entry[1].request.url", "Organization?name=Klinikum"),
    "gw-bun-5": ("Bundle", "entry[0].request.url", "Binary/1"),
    "gw-bun-6": (
        "Bundle",
        "entry[1].fullUrl",
        "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a",
    ),
}
#: What else a profile asks of one value: (type, path, other value, place of the issue).
VALUES: list[tuple[str, str, Any, str]] = [
    ("Consent", "status", "rejected", "Consent.status"),
    ("Provenance", "entity[0].role", "derivation", "Provenance.entity[0].role"),
    ("Task", "intent", "proposal", "Task.intent"),
    ("Task", "focus", ANNA, "Task.focus"),
    ("Bundle", "type", "batch", "Bundle.type"),
    ("AuditEvent", "type.code", "110113x", "AuditEvent.type"),
    ("AuditEvent", "subtype[0].code", "archive", "AuditEvent.subtype[0]"),
    ("AuditEvent", "subtype[1]", {"system": "urn:x", "code": "y"}, "AuditEvent.subtype"),
    (
        "AuditEvent",
        "entity[0].detail[0]",
        {"type": "sha256", "valueBase64Binary": "QQ=="},
        "AuditEvent.entity[0].detail[0].value",
    ),
    (
        "Encounter",
        "type[0].coding[0].system",
        "http://fhir.de/CodeSystem/kontaktart-de",
        "Encounter.type",
    ),
    (
        "Encounter",
        "location[0].extension[0].valueIdentifier",
        {"value": "1"},
        "Encounter.location[0].extension[0].value.system",
    ),
    (
        "Provenance",
        "agent[0].who.identifier.system",
        "urn:builds",
        "Provenance.agent[0].who.identifier.system",
    ),
]
#: What nobody may find in an element: (type, path, value).
NOTHING: list[tuple[str, str, Any]] = [
    ("AuditEvent", "text", {"status": "generated", "div": "<div>Anna</div>"}),
    ("AuditEvent", "contained", [{"resourceType": "Patient", "id": "a"}]),
    ("AuditEvent", "agent[0].name", "Anna"),
    ("AuditEvent", "agent[0].altId", "anna"),
    ("AuditEvent", "agent[0].who.display", "Klinikum"),
    ("AuditEvent", "source.observer.display", "Gateway"),
    ("AuditEvent", "entity[1].name", "Anna Öhlschläger"),
    ("AuditEvent", "entity[1].description", "die Patientin"),
    ("AuditEvent", "entity[1].what.display", "Anna Öhlschläger"),
    ("Bundle", "total", 2),
    ("Bundle", "link", [{"relation": "self", "url": "https://praxis.example"}]),
    ("Bundle", "entry[0].search", {"mode": "match"}),
    ("Bundle", "entry[0].response", {"status": "200"}),
]


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator(open_packages([]))


def wrong(validator: Validator, resource: Json) -> list[Issue]:
    return [one for one in validator.validate(resource) if one.severity == "error"]


def definitions() -> Iterator[tuple[Json, Json]]:
    """Every element of every differential, with the profile it stands in."""
    package = gateway_package()
    for entry in package.entries:
        if entry.resource_type == "StructureDefinition":
            profile = package.resource(entry)
            for element in profile["differential"]["element"]:
                yield profile, element


CONSTRAINTS = {
    constraint["key"]: constraint
    for _, element in definitions()
    for constraint in element.get("constraint", ())
}


def required() -> Iterator[tuple[str, str]]:
    """(type, path) of elements of resources that a profile makes mandatory, slices left out."""
    for profile, element in definitions():
        if profile["kind"] == "resource" and element.get("min") and ":" not in element["id"]:
            yield profile["type"], element["id"].partition(".")[2]


def concrete(resource: Json, path: str) -> str:
    """Turn `agent.type` into `agent[0].type`, as the resource has it."""
    node: Any = resource
    walked: list[str] = []
    for step in path.split("."):
        name = step if not step.endswith("[x]") else f"{step.removesuffix('[x]')}Reference"
        node = node[name]
        walked.append(name)
        if isinstance(node, list) and step != path.rpartition(".")[2]:
            node, walked[-1] = node[0], f"{name}[0]"
    return ".".join(walked)


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_what_a_profile_asks_for_conforms(validator, kind):
    assert wrong(validator, example(kind)) == []


def test_every_invariant_has_a_breach():
    assert sorted(BREACHES) == sorted(CONSTRAINTS)


@pytest.mark.parametrize("key", sorted(BREACHES))
def test_a_breach_of_an_invariant_is_found_with_its_severity(validator, key):
    kind, path, value = BREACHES[key]
    resource = example(kind)
    assert f"({key})" not in " ".join(one.text for one in validator.validate(resource))

    for at, other in [(path, value)] if path else value.items():
        resource = spoiled(resource, at, other)

    found = [one for one in validator.validate(resource) if one.text.endswith(f"({key})")]
    assert {one.severity for one in found} == {CONSTRAINTS[key]["severity"]}


@pytest.mark.parametrize(("kind", "path"), sorted(set(required())))
def test_what_is_mandatory_is_missed(validator, kind, path):
    resource = example(kind)

    assert wrong(validator, spoiled(resource, concrete(resource, path))) != []


@pytest.mark.parametrize(("kind", "path", "value", "place"), VALUES)
def test_another_value_than_a_profile_asks_for_is_found(validator, kind, path, value, place):
    found = wrong(validator, spoiled(example(kind), path, value))

    assert place in [one.location for one in found]


@pytest.mark.parametrize(("kind", "path", "value"), NOTHING)
def test_what_a_profile_forbids_is_found(validator, kind, path, value):
    assert wrong(validator, spoiled(example(kind), path, value)) != []


def test_everything_forbidden_is_tried():
    forbidden = {
        element["id"]
        for profile, element in definitions()
        if element.get("max") == "0" and profile["kind"] == "resource"
    }
    tried = {".".join([kind, *path.replace("[0]", "").replace("[1]", "").split(".")])
             for kind, path, _ in NOTHING}  # fmt: skip

    assert tried == forbidden


def test_parts_of_a_name_need_the_whole(validator):
    name = {"_family": {"extension": [{"url": PARTS, "valueString": "Graf"}]}, "given": ["Anna"]}
    texts = [one.text for one in wrong(validator, spoiled(example("Patient"), "name[0]", name))]

    assert any("gw-name-1" in text for text in texts)
