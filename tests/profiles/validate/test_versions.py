"""Versions side by side: each profile means what its own package depends on."""

import pytest

from profiles.packages import open_packages
from profiles.validate.validator import Validator
from tests.profiles.validate.regional import CANONICAL, Json, element, packed, structure

STATIONS = "https://harz.example/fhir/CodeSystem/station"


def stations(version: str, *codes: str) -> Json:
    """Make a value set of ward codes."""
    include = [{"system": STATIONS, "concept": [{"code": code} for code in codes]}]
    return {
        "resourceType": "ValueSet",
        "id": "stationen",
        "url": "https://harz.example/fhir/ValueSet/stationen",
        "version": version,
        "status": "active",
        "compose": {"include": include},
    }


def house(name: str) -> Json:
    """Make a profile with everything that a package may mean in its own version."""
    value_set = "https://harz.example/fhir/ValueSet/stationen"
    asked = {
        "key": f"{name.lower()}-1",
        "severity": "error",
        "human": "Die Rolle ist eine Station",
        "expression": f"type.all(memberOf('{value_set}'))",
    }
    managed = {"code": "Reference", "targetProfile": [f"{CANONICAL}Traeger"]}
    return structure(
        name,
        "Location",
        element("Location", constraint=[asked]),
        element("Location.physicalType", binding={"strength": "required", "valueSet": value_set}),
        element("Location.managingOrganization", type=[managed]),
    )


def owner(version: str, **asked: int) -> Json:
    return structure("Traeger", "Organization", element("Organization.name", **asked)) | {
        "version": version
    }


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Validator:
    folder = tmp_path_factory.mktemp("region")
    old = (stations("1.0.0", "A"), owner("1.0.0"))
    new = (stations("2.0.0", "B"), owner("2.0.0", min=1))
    packages = [
        packed(folder, "harz.basis", "1.0.0", *old),
        packed(folder, "harz.basis", "2.0.0", *new),
        packed(folder, "harz.alt", "1.0.0", house("Alt"), dependencies={"harz.basis": "1.0.0"}),
        packed(folder, "harz.neu", "1.0.0", house("Neu"), dependencies={"harz.basis": "2.0.0"}),
    ]
    return Validator(open_packages(packages, tolerate_missing=True))


def errors(region: Validator, profile: str, resource: Json) -> list[str]:
    issues = region.validate(resource, [f"{CANONICAL}{profile}"])
    return [one.location for one in issues if one.severity == "error"]


def coded(code: str) -> Json:
    return {"coding": [{"system": STATIONS, "code": code}]}


@pytest.mark.parametrize(
    ("profile", "code", "right"),
    [("Alt", "A", True), ("Alt", "B", False), ("Neu", "A", False), ("Neu", "B", True)],
)
def test_a_value_set_is_the_one_the_package_depends_on(
    region: Validator, profile: str, code: str, right: bool
) -> None:
    bound = {"resourceType": "Location", "physicalType": coded(code)}
    assert errors(region, profile, bound) == ([] if right else ["Location.physicalType"])
    asked = {"resourceType": "Location", "type": [coded(code)]}
    assert errors(region, profile, asked) == ([] if right else ["Location"])


@pytest.mark.parametrize(
    ("profile", "places"), [("Alt", []), ("Neu", ["Location.managingOrganization"])]
)
def test_the_profile_of_a_target_is_the_one_the_package_depends_on(
    region: Validator, profile: str, places: list[str]
) -> None:
    unnamed = {"resourceType": "Organization", "id": "t", "active": True, "alias": ["Klinik"]}
    unnamed["identifier"] = [{"value": "1"}]
    location = {
        "resourceType": "Location",
        "contained": [unnamed],
        "managingOrganization": {"reference": "#t"},
    }
    assert errors(region, profile, location) == places


def test_two_profiles_at_once_each_mean_their_own(region: Validator) -> None:
    both = [f"{CANONICAL}Alt", f"{CANONICAL}Neu"]
    place = {"resourceType": "Location", "physicalType": coded("A"), "type": [coded("A")]}
    for profiles in (both, both[::-1]):
        issues = region.validate(place, profiles)
        found = sorted(one.location for one in issues if one.severity == "error")
        assert found == ["Location", "Location.physicalType"]
