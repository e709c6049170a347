"""What conforms passes; one single change to it is an error where the change is."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from profiles.issue import Issue
from profiles.packages import open_packages
from profiles.r4 import facts
from profiles.validate.validator import Validator
from tests.profiles.validate.generated import TYPES, bundles, resources
from tests.profiles.validate.regional import (
    KVNR,
    LANGUAGES,
    PATIENT,
    PID,
    REMARK,
    Json,
    validator,
)
from tests.profiles.validate.test_profiles import PROFILE

#: The same each time: an invariant that the generator does not know would be no defect.
FEW = settings(
    derandomize=True,
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
ANY = st.sampled_from(TYPES).flatmap(resources)


@pytest.fixture(scope="module")
def core() -> Validator:
    return Validator(open_packages([]))


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Validator:
    return validator(tmp_path_factory.mktemp("region"), REMARK, PATIENT, LANGUAGES)


def errors(issues: list[Issue]) -> list[str]:
    """Return the places of errors."""
    return [one.location for one in issues if one.severity == "error"]


# generated resources ------------------------------------------------------------------------------
@settings(FEW, max_examples=200)
@given(ANY)
def test_what_is_generated_passes(core: Validator, resource: Json) -> None:
    assert errors(core.validate(resource)) == []


@settings(FEW, max_examples=40)
@given(bundles())
def test_a_bundle_of_what_is_generated_passes(core: Validator, bundle: Json) -> None:
    assert errors(core.validate(bundle)) == []


def versicherte(drawn: Json, more: list[Json]) -> Json:
    """Give a generated Patient what the region asks for, and take what it forbids."""
    forbidden = {"maritalStatus", "deceasedBoolean", "deceasedDateTime", "communication"}
    kept = {name: value for name, value in drawn.items() if name not in forbidden}
    kept["name"] = [one | {"family": "Weiß"} for one in kept.get("name", [{}])]
    kept["identifier"] = [{"system": KVNR, "value": "T987654328"}, *more]
    return kept | {"meta": {"profile": [PROFILE]}, "birthDate": "1948-03-14"}


LOCAL = st.integers(1, 999).map(
    lambda one: {"system": PID, "value": f"{one}", "assigner": {"display": "Klinikum Harz"}}
)
PERSONS = st.builds(
    versicherte,
    resources("Patient").filter(lambda one: _refers_to(one, {"Practitioner"})),
    st.lists(LOCAL, max_size=3),
)


def _refers_to(resource: Json, kinds: set[str]) -> bool:
    doctors = resource.get("generalPractitioner", [])
    return all(one["reference"].partition("/")[0] in kinds for one in doctors)


@FEW
@given(PERSONS)
def test_what_is_generated_for_the_region_passes(region: Validator, resource: Json) -> None:
    assert errors(region.validate(resource)) == []


#: Element of the profile → what stands there instead ("" nothing), and the place of the error.
PROFILE_CHANGES: dict[str, tuple[Callable[[Json], Any], str]] = {
    "no slice": (lambda one: one["identifier"].pop(0), "Patient.identifier"),
    "slice twice": (
        lambda one: one["identifier"].append(one["identifier"][0]),
        "Patient.identifier",
    ),
    "pattern changed": (
        lambda one: one["identifier"][0].update(system=f"{KVNR}0"),
        "Patient.identifier[0]",
    ),
    "foreign item": (
        lambda one: one["identifier"].insert(0, {"system": "urn:oid:2.1", "value": "1"}),
        "Patient.identifier[0]",
    ),
    "slice without value": (
        lambda one: one["identifier"][0].pop("value"),
        "Patient.identifier[0].value",
    ),
    "required element": (lambda one: one.pop("birthDate"), "Patient.birthDate"),
    "required below": (lambda one: one["name"][0].pop("family"), "Patient.name[0].family"),
    "forbidden element": (
        lambda one: one.update(maritalStatus={"text": "ledig"}),
        "Patient.maritalStatus",
    ),
    "forbidden type": (lambda one: one.update(deceasedBoolean=True), "Patient.deceased"),
    "reference type": (
        lambda one: one.update(generalPractitioner=[{"reference": "Organization/1"}]),
        "Patient.generalPractitioner[0]",
    ),
    "code": (
        lambda one: one.update(
            communication=[{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "fr"}]}}]
        ),
        "Patient.communication[0].language",
    ),
}


@pytest.mark.parametrize("name", PROFILE_CHANGES)
@settings(FEW, max_examples=15)
@given(resource=PERSONS)
def test_one_breach_of_the_profile_is_found(region: Validator, name: str, resource: Json) -> None:
    change, place = PROFILE_CHANGES[name]
    changed = copy.deepcopy(resource)
    if name == "required below":
        changed["name"][0]["given"] = ["Änne"]
    change(changed)
    assert place in errors(region.validate(changed))


# changes to what is generated ---------------------------------------------------------------------
def shown(kind: str, name: str) -> str:
    """Return the FHIRPath of a member: `deceasedBoolean` is `Patient.deceased`."""
    for one in facts("elements")["types"][kind]["elements"]:
        stem = one["path"].removesuffix("[x]")
        if stem != one["path"] and "." not in stem:
            endings = {code[0].upper() + code[1:] for code in one["types"]}
            if name.startswith(stem) and name[len(stem) :] in endings:
                return f"{kind}.{stem}"
    return f"{kind}.{name}"


def members(resource: Json) -> st.SearchStrategy[str]:
    return st.sampled_from(sorted(resource.keys() - {"resourceType"}))


def places_of(kind: str, name: str) -> set[str]:
    """A wrong value is reported by its JSON name where its type is wrong, else by the element's."""
    return {shown(kind, name), f"{kind}.{name}"}


@FEW
@given(resource=ANY, data=st.data())
def test_a_list_for_one_and_one_for_a_list(
    core: Validator, resource: Json, data: st.DataObject
) -> None:
    name = data.draw(members(resource))
    value = resource[name]
    changed = resource | {name: value[0] if isinstance(value, list) else [value]}
    assert places_of(resource["resourceType"], name) & set(errors(core.validate(changed)))


@FEW
@given(resource=ANY, data=st.data(), empty=st.sampled_from([[], {}, "", None]))
def test_nothing_is_empty(core: Validator, resource: Json, data: st.DataObject, empty: Any) -> None:
    name = data.draw(members(resource))
    kind = resource["resourceType"]
    found = errors(core.validate(resource | {name: empty}))
    assert places_of(kind, name) & set(found)


@FEW
@given(resource=ANY, data=st.data(), junk=st.sampled_from([[[]], [1], {"kohl": 1}, [None], [{}]]))
def test_no_value_of_another_form(
    core: Validator, resource: Json, data: st.DataObject, junk: Any
) -> None:
    name = data.draw(members(resource))
    kind = resource["resourceType"]
    found = errors(core.validate(resource | {name: junk}))
    starts = tuple(places_of(kind, name))
    assert [place for place in found if place.startswith(starts)]


@FEW
@given(resource=ANY, data=st.data())
def test_what_is_required_is_missed(core: Validator, resource: Json, data: st.DataObject) -> None:
    kind = resource["resourceType"]
    required = [
        one["path"]
        for one in facts("elements")["types"][kind]["elements"]
        if one["min"] and "." not in one["path"]
    ]
    if not required:
        required = ["resourceType"]
    path = data.draw(st.sampled_from(required))
    stem = path.removesuffix("[x]")
    changed = {
        name: value
        for name, value in resource.items()
        if name != path and (stem == path or shown(kind, name) != f"{kind}.{stem}")
    }
    assert errors(core.validate(changed))[0] == ("" if path == "resourceType" else f"{kind}.{stem}")


KOHL = "https://harz.example/fhir/kohl"
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'
#: What is added to any resource → place of the error below the resource.
ADDED: dict[str, tuple[Json, str]] = {
    "extra element": ({"kohl": 1}, "kohl"),
    "extension without value": ({"extension": [{"url": KOHL}]}, "extension[0]"),
    "extension with value and extension": (
        {"extension": [{"url": KOHL, "valueString": "x", "extension": [{"url": "x"}]}]},
        "extension[0]",
    ),
    "extension without URL": ({"extension": [{"valueString": "x"}]}, "extension[0].url"),
    "extension with a relative URL": (
        {"extension": [{"url": "kohl", "valueString": "x"}]},
        "extension[0].url",
    ),
    "two types of one choice": (
        {"extension": [{"url": KOHL, "valueString": "x", "valueCode": "x"}]},
        "extension[0].value",
    ),
    "day that does not exist": (
        {"extension": [{"url": KOHL, "valueDate": "2026-02-29"}]},
        "extension[0].value",
    ),
    "hour that does not exist": (
        {"extension": [{"url": KOHL, "valueDateTime": "2026-02-28T24:00:00Z"}]},
        "extension[0].value",
    ),
    "text without anything to see": (
        {"extension": [{"url": KOHL, "valueString": "\u00a0 "}]},
        "extension[0].value",
    ),
    "fragment to nowhere": (
        {"extension": [{"url": KOHL, "valueReference": {"reference": "#kohl"}}]},
        "extension[0].value.reference",
    ),
    "reference to no type": (
        {"extension": [{"url": KOHL, "valueReference": {"reference": "Kohl/1"}}]},
        "extension[0].value.reference",
    ),
    "contained and not referred to": (
        {"contained": [{"resourceType": "Patient", "id": "kohl"}]},
        "contained[0]",
    ),
    "contained of no type": ({"contained": [{"id": "kohl"}]}, "contained[0]"),
    "script": ({"text": {"status": "generated", "div": DIV.format("<script/>")}}, "text.div"),
    "handler": (
        {"text": {"status": "generated", "div": DIV.format('<p onclick="x()">x</p>')}},
        "text.div",
    ),
    "empty narrative": ({"text": {"status": "generated", "div": DIV.format(" ")}}, "text.div"),
    "narrative that is no XML": (
        {"text": {"status": "generated", "div": "<div><p></div>"}},
        "text.div",
    ),
    "code of no narrative": (
        {"text": {"status": "kohl", "div": DIV.format("x")}},
        "text.status",
    ),
    "id with a blank": ({"id": "a b"}, "id"),
    "instant without zone": ({"meta": {"lastUpdated": "2026-11-22T01:02:03"}}, "meta.lastUpdated"),
    "nulls": ({"meta": {"profile": [None]}}, "meta.profile[0]"),
    "empty object beside": ({"language": "de", "_language": {}}, "language"),
}


@pytest.mark.parametrize("name", ADDED)
@settings(FEW, max_examples=10)
@given(resource=ANY)
def test_what_is_added_is_found(core: Validator, name: str, resource: Json) -> None:
    added, below = ADDED[name]
    place = f"{resource['resourceType']}.{below}"
    assert place in errors(core.validate(resource | added))


# changes to what is fixed -------------------------------------------------------------------------
BUNDLE: Json = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {
            "fullUrl": "https://harz.example/fhir/Patient/1",
            "resource": {"resourceType": "Patient", "id": "1", "gender": "female"},
        },
        {
            "fullUrl": "https://harz.example/fhir/Observation/2",
            "resource": {
                "resourceType": "Observation",
                "id": "2",
                "status": "final",
                "code": {"text": "Puls"},
                "subject": {"reference": "Patient/1"},
                "valueQuantity": {
                    "value": 72,
                    "system": "http://unitsofmeasure.org",
                    "code": "/min",
                },
            },
        },
    ],
}
ONE, TWO = "Bundle.entry[0]", "Bundle.entry[1]"
FULL_URLS = (f"{ONE}.fullUrl", f"{TWO}.fullUrl")
#: Path, new value, place and severity of what is found.
CHANGES: dict[str, tuple[list[Any], Any, str, str]] = {
    "full URL of another": (
        ["entry", 0, "fullUrl"],
        "https://a.example/Patient/9",
        FULL_URLS[0],
        "error",
    ),
    "full URL twice": (
        ["entry", 1, "fullUrl"],
        "https://harz.example/fhir/Patient/1",
        FULL_URLS[1],
        "error",
    ),
    "relative full URL": (["entry", 0, "fullUrl"], "Patient/1", f"{ONE}.fullUrl", "error"),
    "code": (["entry", 0, "resource", "gender"], "w", f"{ONE}.resource.gender", "error"),
    "type of the Bundle": (["type"], "sammlung", "Bundle.type", "error"),
    "second type": (
        ["entry", 1, "resource", "valueString"],
        "viel",
        f"{TWO}.resource.value",
        "error",
    ),
    "wrong reference type": (
        ["entry", 1, "resource", "subject", "reference"],
        "Practitioner/1",
        f"{TWO}.resource.subject.reference",
        "error",
    ),
    "contradicting reference type": (
        ["entry", 1, "resource", "subject", "type"],
        "Group",
        f"{TWO}.resource.subject.type",
        "error",
    ),
    "unit without system": (
        ["entry", 1, "resource", "valueQuantity"],
        {"value": 72, "code": "/min"},
        f"{TWO}.resource.value",
        "error",
    ),
    "number as text": (
        ["entry", 1, "resource", "valueQuantity", "value"],
        "72",
        f"{TWO}.resource.value.value",
        "error",
    ),
    "value and reason of absence": (
        ["entry", 1, "resource", "dataAbsentReason"],
        {"text": "x"},
        f"{TWO}.resource",
        "error",
    ),
    "no such resource type": (
        ["entry", 0, "resource", "resourceType"],
        "Kohl",
        f"{ONE}.resource",
        "error",
    ),
}


def test_the_bundle_passes(core: Validator) -> None:
    assert errors(core.validate(BUNDLE)) == []


@pytest.mark.parametrize("name", CHANGES)
def test_one_change_in_a_bundle_is_found(core: Validator, name: str) -> None:
    path, value, place, severity = CHANGES[name]
    changed = copy.deepcopy(BUNDLE)
    holder: Any = changed
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    assert (place, severity) in [(one.location, one.severity) for one in core.validate(changed)]
