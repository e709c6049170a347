"""Conformance resources: what they say of themselves holds together."""

from typing import Any

import pytest

from profiles.packages import open_packages
from profiles.validate.validator import Validator
from tests.profiles.validate.regional import Json

GENDER = "http://hl7.org/fhir/administrative-gender"


@pytest.fixture(scope="module")
def core() -> Validator:
    return Validator(open_packages([]))


def found(core: Validator, resource: Json) -> list[tuple[str, str]]:
    """Return (severity, location) of everything that is no mere information."""
    issues = core.validate(resource)
    return [(one.severity, one.location) for one in issues if one.severity != "information"]


def code_system(**members: Any) -> Json:
    made: Json = {
        "resourceType": "CodeSystem",
        "url": "https://harz.example/fhir/CodeSystem/station",
        "name": "Station",
        "status": "active",
        "content": "complete",
        "count": 3,
        "property": [{"code": "betten", "type": "integer"}],
        "concept": [
            {"code": "A", "concept": [{"code": "A1"}]},
            {"code": "B", "property": [{"code": "betten", "valueInteger": 12}]},
        ],
    }
    return {name: value for name, value in (made | members).items() if value is not None}


@pytest.mark.parametrize(
    ("members", "wrong"),
    [
        ({}, []),
        ({"count": 4}, [("warning", "CodeSystem.count")]),
        ({"count": 4, "content": "fragment"}, []),
        ({"content": "not-present"}, [("error", "CodeSystem.concept")]),
        ({"content": "not-present", "concept": None}, []),
        ({"content": "supplement"}, [("warning", "CodeSystem.supplements")]),
        (
            {"property": [{"code": "betten", "type": "string"}]},
            [("error", "CodeSystem.concept[1].property[0].value")],
        ),
        ({"property": None}, []),
        ({"concept": [{"code": "A"}] * 3}, [("error", "CodeSystem")]),
    ],
)
def test_a_code_system_agrees_with_itself(
    core: Validator, members: dict[str, Any], wrong: list[tuple[str, str]]
) -> None:
    assert found(core, code_system(**members)) == wrong


def capability(name: str, definition: str, kind: str) -> Json:
    parameter = {"name": name, "definition": definition, "type": kind}
    resource = {"type": "Patient", "searchParam": [parameter]}
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-11-22",
        "kind": "requirements",
        "description": "Was die Region Harz verlangt",
        "fhirVersion": "4.0.1",
        "format": ["json", "application/fhir+xml"],
        "rest": [{"mode": "server", "resource": [resource]}],
    }


@pytest.mark.parametrize(
    ("name", "definition", "kind", "right"),
    [
        ("birthdate", "http://hl7.org/fhir/SearchParameter/individual-birthdate", "date", True),
        ("birthdate", "http://hl7.org/fhir/SearchParameter/individual-birthdate", "token", False),
        ("identifier", "http://hl7.org/fhir/SearchParameter/Patient-identifier", "string", False),
        ("identifier", "https://harz.example/fhir/SearchParameter/identifier", "string", True),
        ("neu", "http://hl7.org/fhir/SearchParameter/Patient-neu", "string", True),
    ],
)
def test_a_search_parameter_has_the_type_of_its_definition(
    core: Validator, name: str, definition: str, kind: str, right: bool
) -> None:
    place = "CapabilityStatement.rest[0].resource[0].searchParam[0].type"
    wrong = found(core, capability(name, definition, kind))
    assert wrong == ([] if right else [("error", place)])


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ("Patient.name.family", []),
        ("Patient.name.(", [("error", "SearchParameter.expression")]),
        ("Patient.name.reversed()", [("warning", "SearchParameter.expression")]),
    ],
)
def test_the_expression_of_a_search_parameter_can_be_read(
    core: Validator, expression: str, wrong: list[tuple[str, str]]
) -> None:
    parameter = {
        "resourceType": "SearchParameter",
        "url": "https://harz.example/fhir/SearchParameter/name",
        "name": "Name",
        "status": "active",
        "description": "Name",
        "code": "name",
        "base": ["Patient"],
        "type": "string",
        "expression": expression,
    }
    assert found(core, parameter) == wrong


def test_a_value_set_lists_codes_that_there_are(core: Validator) -> None:
    include = {"system": GENDER, "concept": [{"code": "male"}, {"code": "maennlich"}]}
    value_set = {"resourceType": "ValueSet", "status": "draft", "compose": {"include": [include]}}
    place = "ValueSet.compose.include[0].concept[1].code"
    assert found(core, value_set) == [("warning", place)]


def test_a_concept_map_maps_codes_that_there_are(core: Validator) -> None:
    targets = [
        {"code": "female", "equivalence": "equal"},
        {"code": "weiblich", "equivalence": "equal"},
    ]
    group = {
        "source": "https://harz.example/fhir/CodeSystem/geschlecht",
        "target": GENDER,
        "element": [{"code": "W", "target": targets}],
    }
    concept_map = {"resourceType": "ConceptMap", "status": "draft", "group": [group]}
    place = "ConceptMap.group[0].element[0].target[1].code"
    assert found(core, concept_map) == [("warning", place)]


JUNK: list[Any] = [None, 1, "x", [], {}, [None], [{}], [[{}]], {"code": [{}]}, True]


@pytest.mark.parametrize("junk", JUNK, ids=str)
def test_misshapen_definitions_are_reported_and_never_raise(core: Validator, junk: Any) -> None:
    for member in ("property", "concept", "count", "content"):
        assert core.validate(code_system(**{member: [junk]}))
    assert core.validate(code_system(property=[{"code": junk, "type": junk}]))
    group = {"source": junk, "target": junk, "element": [{"code": junk, "target": [junk]}]}
    assert core.validate({"resourceType": "ConceptMap", "status": "draft", "group": [group]})
    include = [{"system": junk, "concept": [junk]}, junk]
    assert core.validate({"resourceType": "ValueSet", "compose": {"include": include}})
    searched = {"type": junk, "searchParam": [{"name": junk, "definition": junk}, junk]}
    assert core.validate(
        {"resourceType": "CapabilityStatement", "rest": [{"resource": [searched]}]}
    )
    sliced = {"path": junk, "slicing": {"discriminator": [{"path": junk}, junk]}}
    defined = {"differential": {"element": [sliced, junk]}, "derivation": "constraint"}
    assert core.validate({"resourceType": "StructureDefinition", **defined})
