"""Slices that cannot be decided for want of a value set or a target make no errors."""

from pathlib import Path

import pytest

from profiles.validate.validator import Validator
from tests.profiles.validate.regional import CORE, Json, by, element, structure, validator

ROLES = "https://harz.example/fhir/CodeSystem/rolle"


def roles(name: str, *codes: str) -> Json:
    include = [{"system": ROLES, "concept": [{"code": code} for code in codes]}]
    return {
        "resourceType": "ValueSet",
        "id": name,
        "url": f"https://harz.example/fhir/ValueSet/{name}",
        "status": "active",
        "compose": {"include": include},
    }


def bound(name: str) -> Json:
    return {"strength": "required", "valueSet": f"https://harz.example/fhir/ValueSet/{name}"}


def target(kind: str) -> list[Json]:
    return [{"code": "Reference", "targetProfile": [f"{CORE}{kind}"]}]


HOUSE = structure(
    "Haus",
    "Organization",
    element("Organization.type", slicing=by("pattern", "$this", rules="closed")),
    element("Organization.type:art", min=1, binding=bound("art")),
    element("Organization.type:beruf", max="1", binding=bound("beruf")),
)
VISIT = structure(
    "Besuch",
    "Appointment",
    element("Appointment.participant", slicing=by("type", "actor.resolve()")),
    element("Appointment.participant:kranke", min=1, max="1"),
    element("Appointment.participant:kranke.actor", min=1, type=target("Patient")),
    element("Appointment.participant:arzt"),
    element("Appointment.participant:arzt.actor", min=1, type=target("Practitioner")),
)


def errors(region: Validator, resource: Json) -> list[str]:
    profile = "Haus" if resource["resourceType"] == "Organization" else "Besuch"
    issues = region.validate(resource, [f"https://harz.example/fhir/StructureDefinition/{profile}"])
    return [one.location for one in issues if one.severity == "error"]


def house(*codes: str) -> Json:
    types = [{"coding": [{"system": ROLES, "code": code}]} for code in codes]
    return {"resourceType": "Organization", "name": "Klinikum Harz", "type": types}


@pytest.mark.parametrize(
    ("codes", "places"),
    [
        (["A", "B"], []),
        (["B"], ["Organization.type"]),
        (["A", "X"], ["Organization.type[1]"]),
        (["A", "B", "B"], ["Organization.type"]),
    ],
)
def test_value_sets_tell_slices_apart(tmp_path: Path, codes: list[str], places: list[str]) -> None:
    region = validator(tmp_path, HOUSE, roles("art", "A"), roles("beruf", "B"))
    assert errors(region, house(*codes)) == places


def test_without_a_value_set_nobody_says_what_a_slice_lacks(tmp_path: Path) -> None:
    region = validator(tmp_path, HOUSE, roles("beruf", "B"))
    assert errors(region, house("A", "B")) == []
    assert errors(region, house("A", "B", "B")) == ["Organization.type"]
    # What is surely of another slice fills no gap.
    assert errors(region, house("B")) == ["Organization.type"]


def visit(*actors: Json) -> Json:
    participants = [{"status": "accepted", "actor": actor} for actor in actors]
    return {"resourceType": "Appointment", "status": "proposed", "participant": participants}


@pytest.mark.parametrize(
    ("actor", "is_patient"),
    [
        ({"reference": "Patient/47110"}, True),
        ({"reference": "https://harz.example/fhir/Patient/47110"}, True),
        ({"type": "Patient", "identifier": {"value": "47110"}}, True),
        ({"reference": "Practitioner/7"}, False),
        ({"reference": "urn:uuid:6f2a5d1c-6a3b-4f44-9a53-3f2f0d0c7b11"}, False),
    ],
)
def test_a_reference_tells_the_type_of_its_target(
    tmp_path: Path, actor: Json, is_patient: bool
) -> None:
    region = validator(tmp_path, VISIT)
    assert errors(region, visit(actor)) == ([] if is_patient else ["Appointment.participant"])
