"""FHIRPath's slice() and elementDefinition(): elements by what definitions say of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from profiles.fhirpath import FHIRPathError, Services, evaluate
from tests.profiles.validate.regional import (
    CANONICAL,
    KVNR,
    PATIENT,
    PID,
    by,
    element,
    structure,
    validator,
)

CATEGORY = "https://harz.example/CodeSystem/kategorie"
FINDING = structure(
    "Befund",
    "Observation",
    element("Observation.category.coding", slicing=by("pattern", "$this")),
    element("Observation.category.coding:labor", patternCoding={"code": "lab"}),
    element("Observation.value[x]", slicing=by("type", "$this")),
    element("Observation.value[x]:valueQuantity", type=[{"code": "Quantity"}]),
)
PERSON = {
    "resourceType": "Patient",
    "identifier": [
        {"system": PID, "value": "4711"},
        {"system": KVNR, "value": "A000500015"},
        {"value": "ohne System"},
    ],
    "name": [{"family": "Harz", "given": ["Ilse"]}],
    "contact": [{"gender": "male"}],
}
RESULT = {
    "resourceType": "Observation",
    "category": [{"coding": [{"code": "lab"}, {"code": "vital"}]}],
    "valueQuantity": {"value": 6.3, "unit": "mmol/l"},
}


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return Services(profiles=validator(tmp_path, PATIENT, FINDING))


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("Patient.identifier.slice('{}Versicherte', 'KVNR').value", ["A000500015"]),
        ("Patient.slice('{}Versicherte', 'PID').value", ["4711"]),
        ("Patient.name.slice('{}Versicherte', 'KVNR')", []),
        ("Patient.identifier.slice({{}}, 'KVNR')", []),
    ],
)
def test_a_slice_is_found_in_its_list_and_from_above(
    services: Services, expression: str, found: list[Any]
) -> None:
    assert evaluate(PERSON, expression.format(CANONICAL), services=services) == found


def test_slices_inside_of_types_and_of_choices_are_found(services: Services) -> None:
    path = f"category.coding.slice('{CANONICAL}Befund', 'labor').code"
    choice = f"Observation.slice('{CANONICAL}Befund', 'valueQuantity').unit"

    assert evaluate(RESULT, path, services=services) == ["lab"]
    assert evaluate(RESULT, choice, services=services) == ["mmol/l"]


@pytest.mark.parametrize("names", ["'urn:fehlt', 'KVNR'", f"'{CANONICAL}Versicherte', 'fehlt'"])
def test_an_unknown_structure_or_slice_is_an_error(services: Services, names: str) -> None:
    for known in (services, Services()):
        with pytest.raises(FHIRPathError, match="not known"):
            evaluate(PERSON, f"identifier.slice({names})", services=known)


@pytest.mark.parametrize(
    ("expression", "path"),
    [
        ("Patient", "Patient"),
        ("Patient.name.given", "HumanName.given"),
        ("Patient.contact.gender", "Patient.contact.gender"),
        ("Patient.identifier.first()", "Patient.identifier"),
    ],
)
def test_elements_know_their_definition(expression: str, path: str) -> None:
    assert evaluate(PERSON, f"{expression}.elementDefinition().path") == [path]


def test_definitions_can_be_asked_further() -> None:
    assert evaluate(RESULT, "value.elementDefinition().type.code contains 'Quantity'") == [True]
    assert evaluate(PERSON, "name.given.elementDefinition().max") == ["*"]
    assert evaluate(PERSON, "('x' | 1).elementDefinition()") == []
