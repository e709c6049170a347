"""StructureDefinitions: what can be read and applied passes, the rest is told where it stands."""

from typing import Any

import pytest

from profiles.validate.validator import Validator
from tests.profiles.validate.regional import CANONICAL, Json, by, element, structure, validator


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Validator:
    return validator(tmp_path_factory.mktemp("region"))


def errors(core: Validator, *elements: Json, base: str = "Patient", **members: Any) -> list[str]:
    """Return the places of errors of a profile with a differential."""
    defined = structure("Probe", base, *elements, **members)
    found = {one.location for one in core.validate(defined) if one.severity == "error"}
    return sorted(one.removeprefix("StructureDefinition.differential") for one in found)


@pytest.mark.parametrize(
    ("path", "discriminator"),
    [
        ("Patient.identifier", "system"),
        ("Patient.identifier", "type.coding.code"),
        ("Patient.identifier", "$this"),
        ("Patient.extension", "url"),
        ("Patient.extension", "value"),
        ("Patient.extension", "value.ofType(CodeableConcept).coding"),
        ("Patient.generalPractitioner", "resolve().identifier"),
        ("Patient.generalPractitioner", "type"),
        ("Patient.contact", "extension('https://harz.example/x').value"),
        ("Patient.contact.relationship", "coding.system"),
    ],
)
def test_a_discriminator_leads_to_an_element(
    core: Validator, path: str, discriminator: str
) -> None:
    assert errors(core, element(path, slicing=by("value", discriminator))) == []


@pytest.mark.parametrize(
    ("path", "discriminator"),
    [
        ("Patient.extension", "type"),
        ("Patient.identifier", "code"),
        ("Patient.identifier", "where(system = 'x')"),
        ("Patient.contact", "name.surname"),
        ("Patient.extension", "value.ofType(CodeableConcept).unit"),
    ],
)
def test_a_discriminator_that_leads_nowhere_is_an_error(
    core: Validator, path: str, discriminator: str
) -> None:
    place = ".element[0].slicing.discriminator[0].path"
    assert errors(core, element(path, slicing=by("value", discriminator))) == [place]


def test_below_a_content_reference_stands_what_it_refers_to(core: Validator) -> None:
    sliced = element("Questionnaire.item.item", slicing=by("value", "linkId"))
    assert errors(core, sliced, base="Questionnaire") == []


def constraint(expression: str) -> Json:
    rule = {"key": "harz-1", "severity": "error", "human": "Regel", "expression": expression}
    return element("Patient", constraint=[rule])


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("name.exists() or contact.exists()", []),
        ("name.exists( or contact", [".element[0].constraint[0].expression"]),
    ],
)
def test_the_expression_of_an_invariant_can_be_read(
    core: Validator, expression: str, found: list[str]
) -> None:
    assert errors(core, constraint(expression)) == found


@pytest.mark.parametrize(
    "wrong",
    [
        element("Patient.birthdate", min=1),
        element("Patient.communication.language", min=0),
        element("Patient.birthDate", max="2"),
        element("Patient.birthDate", type=[{"code": "Quantity"}]),
        element("Patient.gender", binding={"strength": "extensible"}),
    ],
    ids=["no such element", "min", "max", "type", "binding"],
)
def test_a_constraint_stays_within_its_base(core: Validator, wrong: Json) -> None:
    assert "" in errors(core, wrong)


def test_without_its_base_a_profile_is_not_judged(core: Validator) -> None:
    anything = element("Patient.birthdate", min=1)
    assert errors(core, anything, base=f"{CANONICAL}Fehlt", type="Patient") == []
