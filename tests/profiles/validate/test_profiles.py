"""Profiles add to their type: what conforms passes, each breach is found where it is."""

import copy
from pathlib import Path
from typing import Any

import pytest

from profiles.issue import Issue
from profiles.validate.validator import Validator
from tests.profiles.validate.regional import (
    AREAS,
    CANONICAL,
    KVNR,
    LANGUAGES,
    PATIENT,
    PID,
    REMARK,
    Json,
    by,
    element,
    structure,
    validator,
)

PROFILE = f"{CANONICAL}Versicherte"


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Validator:
    return validator(tmp_path_factory.mktemp("region"), REMARK, PATIENT, LANGUAGES)


def person(**members: Any) -> Json:
    made: Json = {
        "resourceType": "Patient",
        "meta": {"profile": [PROFILE]},
        "text": {
            "status": "generated",
            "div": '<div xmlns="http://www.w3.org/1999/xhtml">Änne Weiß</div>',
        },
        "identifier": [
            {"system": KVNR, "value": "T987654328"},
            {"system": PID, "value": "47110", "assigner": {"display": "Klinikum Harz"}},
        ],
        "extension": [{"url": f"{CANONICAL}Pflegehinweis", "valueString": "hört schwer"}],
        "name": [{"family": "Weiß", "given": ["Änne"]}],
        "birthDate": "1948-03-14",
    }
    return {name: value for name, value in (made | members).items() if value is not None}


def found(region: Validator, resource: Json) -> list[tuple[str, str]]:
    """Return (location, severity) of everything that is no mere information."""
    return [
        (one.location, one.severity)
        for one in region.validate(resource)
        if one.severity != "information"
    ]


def test_a_conformant_resource_passes(region: Validator) -> None:
    assert found(region, person()) == []


BREACHES: dict[str, tuple[dict[str, Any], str]] = {
    "required element": ({"birthDate": None}, "Patient.birthDate"),
    "required below": ({"name": [{"given": ["Änne"]}]}, "Patient.name[0].family"),
    "forbidden element": ({"maritalStatus": {"text": "ledig"}}, "Patient.maritalStatus"),
    "required slice": (
        {"identifier": [{"system": PID, "value": "1", "assigner": {"display": "K"}}]},
        "Patient.identifier",
    ),
    "slice too often": (
        {"identifier": [{"system": KVNR, "value": "T987654328"}] * 2},
        "Patient.identifier",
    ),
    "closed slicing": (
        {"identifier": [{"system": KVNR, "value": "T987654328"}, {"value": "9"}]},
        "Patient.identifier[1]",
    ),
    "required in a slice": (
        {
            "identifier": [
                {"system": KVNR, "value": "T987654328"},
                {"system": PID, "value": "47110"},
            ]
        },
        "Patient.identifier[1].assigner",
    ),
    "type of a choice": ({"deceasedBoolean": True}, "Patient.deceased"),
    "invariant": (
        {
            "deceasedDateTime": "2026-11-01",
            "telecom": [{"system": "phone", "value": "03643 1"}],
        },
        "Patient",
    ),
    "reference to another type": (
        {"generalPractitioner": [{"reference": "Organization/1"}]},
        "Patient.generalPractitioner[0]",
    ),
    "code outside of the value set": (
        {
            "communication": [
                {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "fr"}]}}
            ]
        },
        "Patient.communication[0].language",
    ),
    "concept without code": (
        {"communication": [{"language": {"text": "Deutsch"}}]},
        "Patient.communication[0].language",
    ),
    "type of an extension": (
        {"extension": [{"url": f"{CANONICAL}Pflegehinweis", "valueBoolean": True}]},
        "Patient.extension[0].value",
    ),
    "length in an extension": (
        {"extension": [{"url": f"{CANONICAL}Pflegehinweis", "valueString": "x" * 21}]},
        "Patient.extension[0].value",
    ),
    "extension too often": (
        {"extension": [{"url": f"{CANONICAL}Pflegehinweis", "valueString": "x"}] * 2},
        "Patient.extension",
    ),
    "extension in another place": (
        {
            "name": [
                {
                    "family": "Weiß",
                    "extension": [{"url": f"{CANONICAL}Pflegehinweis", "valueString": "x"}],
                }
            ]
        },
        "Patient.name[0].extension[0]",
    ),
}


@pytest.mark.parametrize("name", BREACHES)
def test_each_breach_is_found_where_it_is(region: Validator, name: str) -> None:
    change, location = BREACHES[name]
    assert (location, "error") in found(region, person(**change)), region.validate(person(**change))


def test_what_is_not_claimed_is_not_asked(region: Validator) -> None:
    plain = person(meta=None, birthDate=None, maritalStatus={"text": "ledig"})
    assert "error" not in [severity for _, severity in found(region, plain)]
    assert ("Patient.birthDate", "error") in [
        (one.location, one.severity) for one in region.validate(plain, [PROFILE])
    ]


def test_an_unknown_profile_is_told_and_not_guessed(region: Validator) -> None:
    missing = f"{CANONICAL}Fehlt|2.0.0"
    other_version = f"{PROFILE}|7.0.0"
    issues = region.validate(person(meta={"profile": [missing, other_version]}, birthDate=None))
    told = [one for one in issues if one.severity == "warning"]
    assert [one.text for one in told] == [
        f"the profile {missing} is not at hand",
        f"the profile {other_version} is not at hand",
    ]
    assert not [one for one in issues if one.severity == "error"]


def test_a_profile_of_another_type_is_an_error(region: Validator) -> None:
    issues = region.validate({"resourceType": "Group", "type": "person", "actual": True}, [PROFILE])
    assert [one.text for one in issues if one.severity == "error"] == [
        f"the profile {PROFILE} is not about Group"
    ]


def test_no_sentence_repeats_a_value(region: Validator) -> None:
    secret = "Kohlmeise"
    breaches = [person(**change) for change, _ in BREACHES.values()]
    for one in breaches:
        one["name"] = [{"text": secret}]
        assert secret not in repr(region.validate(one))


def test_validating_changes_nothing(region: Validator) -> None:
    resource = person()
    before = copy.deepcopy(resource)
    region.validate(resource)
    assert resource == before


# slicing ------------------------------------------------------------------------------------------
def observed(folder: Path, *elements: Json, **members: Any) -> list[Issue]:
    """Validate an Observation against a profile made of these elements."""
    profile = structure("Messung", "Observation", *elements)
    resource = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": AREAS, "code": "a"}]},
        **members,
    }
    issues = validator(folder, profile).validate(resource, [f"{CANONICAL}Messung"])
    return [one for one in issues if one.severity in {"error", "warning"}]


def coding(code: str) -> Json:
    return {"system": AREAS, "code": code}


def test_slices_by_value_below(tmp_path: Path) -> None:
    slicing = element("Observation.component", slicing=by("value", "code.coding.code"))
    part = element("Observation.component:puls", min=1, max="1")
    code = element("Observation.component:puls.code.coding.code", fixedCode="p", min=1)
    good = [{"code": {"coding": [coding("p")]}}, {"code": {"coding": [coding("q")]}}]
    assert observed(tmp_path, slicing, part, code, component=good) == []
    (issue,) = observed(tmp_path, slicing, part, code, component=good[1:])
    assert (issue.location, issue.code) == ("Observation.component", "required")


def test_slices_by_type(tmp_path: Path) -> None:
    slicing = element("Observation.value[x]", slicing=by("type", "$this", rules="closed"))
    part = element("Observation.value[x]:valueQuantity", type=[{"code": "Quantity"}])
    unit = element("Observation.value[x]:valueQuantity.unit", min=1)
    assert observed(tmp_path, slicing, part, unit, valueQuantity={"value": 1, "unit": "mm"}) == []
    (issue,) = observed(tmp_path, slicing, part, unit, valueQuantity={"value": 1})
    assert issue.location == "Observation.value.unit"
    assert observed(tmp_path, slicing, part, unit, valueString="viel")


def test_slices_by_existence(tmp_path: Path) -> None:
    slicing = element("Observation.component", slicing=by("exists", "value"))
    measured = element("Observation.component:gemessen", max="1")
    has = element("Observation.component:gemessen.value[x]", min=1)
    absent = element("Observation.component:fehlend", max="1")
    none = element("Observation.component:fehlend.value[x]", max="0")
    reason = element("Observation.component:fehlend.dataAbsentReason", min=1)
    elements = (slicing, measured, has, absent, none, reason)
    code = {"coding": [coding("p")]}
    assert observed(tmp_path, *elements, component=[{"code": code, "valueInteger": 1}]) == []
    (issue,) = observed(tmp_path, *elements, component=[{"code": code}])
    assert issue.location == "Observation.component[0].dataAbsentReason"


def test_slices_by_what_a_reference_leads_to(tmp_path: Path) -> None:
    slicing = element("Observation.performer", slicing=by("type", "resolve()", rules="closed"))
    part = element(
        "Observation.performer:arzt",
        type=[{"code": "Reference", "targetProfile": [f"{structure('x', 'y')['baseDefinition']}"]}],
    )
    part["type"][0]["targetProfile"] = ["http://hl7.org/fhir/StructureDefinition/Practitioner"]
    contained = [
        {"resourceType": "Practitioner", "id": "p"},
        {"resourceType": "Patient", "id": "q"},
    ]
    good = observed(
        tmp_path, slicing, part, contained=contained[:1], performer=[{"reference": "#p"}]
    )
    assert good == []
    bad = observed(
        tmp_path, slicing, part, contained=contained[1:], performer=[{"reference": "#q"}]
    )
    assert "Observation.performer[0]" in {one.location for one in bad}


def test_open_at_the_end_and_order(tmp_path: Path) -> None:
    slicing = element(
        "Observation.category",
        slicing=by("pattern", "$this", rules="openAtEnd", ordered=True),
    )
    parts = [
        element(f"Observation.category:{code}", patternCodeableConcept={"coding": [coding(code)]})
        for code in "ab"
    ]
    a, b, other = ({"coding": [coding(code)]} for code in "abc")
    assert observed(tmp_path, slicing, *parts, category=[a, b, other]) == []
    assert observed(tmp_path, slicing, *parts, category=[b, a])
    (issue,) = observed(tmp_path, slicing, *parts, category=[other, a])
    assert issue.location == "Observation.category[0]"


def test_a_slice_within_a_slice_counts_within_it(tmp_path: Path) -> None:
    slicing = element("Observation.category", slicing=by("pattern", "$this"))
    outer = element(
        "Observation.category:labor",
        patternCodeableConcept={"coding": [{"system": AREAS}]},
        slicing=by("pattern", "$this"),
    )
    inner = element(
        "Observation.category:labor/blut",
        sliceName="labor/blut",
        min=1,
        patternCodeableConcept={"coding": [coding("blut")]},
    )
    foreign = {"coding": [{"system": "urn:anders", "code": "x"}]}
    assert observed(tmp_path, slicing, outer, inner, category=[foreign]) == []
    good = {"coding": [coding("blut")]}
    assert observed(tmp_path, slicing, outer, inner, category=[foreign, good]) == []
    assert observed(tmp_path, slicing, outer, inner, category=[{"coding": [coding("urin")]}])


# values -------------------------------------------------------------------------------------------
def test_fixed_is_the_whole_value_and_a_pattern_a_part_of_it(tmp_path: Path) -> None:
    whole = element("Observation.code", fixedCodeableConcept={"coding": [coding("a")]})
    part = element("Observation.code", patternCodeableConcept={"coding": [coding("a")]})
    more = {"coding": [coding("b"), coding("a") | {"display": "A"}], "text": "mehr"}
    assert observed(tmp_path, whole) == []
    assert observed(tmp_path, part, code=more) == []
    (issue,) = observed(tmp_path, whole, code=more)
    assert (issue.location, issue.code) == ("Observation.code", "value")


def test_limits_of_numbers_and_dates(tmp_path: Path) -> None:
    least = element(
        "Observation.value[x]", type=[{"code": "integer"}], minValueInteger=3, maxValueInteger=5
    )
    assert observed(tmp_path, least, valueInteger=5) == []
    assert [one.location for one in observed(tmp_path, least, valueInteger=6)] == [
        "Observation.value"
    ]
    since = element(
        "Observation.effective[x]", type=[{"code": "dateTime"}], minValueDateTime="2026-01-01"
    )
    assert observed(tmp_path, since, effectiveDateTime="2026-02") == []
    assert observed(tmp_path, since, effectiveDateTime="2025-12-31")


def test_profiles_that_depend_on_themselves_end(tmp_path: Path) -> None:
    url = f"{CANONICAL}Kette"
    member = element("Observation.hasMember", type=[{"code": "Reference", "targetProfile": [url]}])
    profile = structure("Kette", "Observation", member)
    resource = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "contained": [
            {
                "resourceType": "Observation",
                "id": "o",
                "status": "final",
                "code": {"text": "x"},
                "hasMember": [{"reference": "#o"}],
            }
        ],
        "hasMember": [{"reference": "#o"}],
    }
    issues = validator(tmp_path, profile).validate(resource, [url])
    assert [one for one in issues if one.severity == "error"] == []


@pytest.mark.parametrize("key", ["pat-1", "per-1", "bdl-1", "que-1"])
def test_a_profile_may_use_keys_that_core_uses_elsewhere(tmp_path: Path, key: str) -> None:
    rule = {
        "key": key,
        "severity": "error",
        "human": "Ein Befund wird erst mit Bemerkung verständlich",
        "expression": "note.exists()",
    }
    root = element("Observation", constraint=[rule])
    (issue,) = observed(tmp_path, root)
    assert (issue.location, issue.code) == ("Observation", "invariant")
    assert observed(tmp_path, root, note=[{"text": "nüchtern"}]) == []
