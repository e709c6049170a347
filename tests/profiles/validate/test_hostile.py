"""Bad input of every kind ends with clear issues: no exception, no hang, no silent pass."""

from __future__ import annotations

import copy
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import profiles.validate
from profiles.issue import Issue, NotConformant
from profiles.reading import read_json
from profiles.reading.fhir_xml import read_fhir_xml
from profiles.validate import structure as check_structure
from profiles.validate.validator import Validator
from tests.profiles.validate.regional import (
    AREAS,
    CANONICAL,
    LANGUAGES,
    PATIENT,
    REMARK,
    Json,
    by,
    element,
    structure,
    validator,
)
from tests.profiles.validate.test_profiles import PROFILE, person
from tests.profiles.validate.test_structure import GOOD

OBSERVATION: Json = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": AREAS, "code": "a"}]},
}


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Validator:
    return validator(tmp_path_factory.mktemp("region"), REMARK, PATIENT, LANGUAGES)


def told(issues: list[Issue]) -> list[Issue]:
    """Return what is no mere information."""
    return [one for one in issues if one.severity != "information"]


def against(folder: Path, resource: Json, *definitions: Json) -> list[Issue]:
    """Validate against the first of these definitions."""
    return told(validator(folder, *definitions).validate(resource, [definitions[0]["url"]]))


# depth --------------------------------------------------------------------------------------------
def wrapped(levels: int, innermost: Json, member: str, **around: Any) -> Json:
    value = innermost
    for _ in range(levels):
        value = {**around, member: [value]}
    return value


def bundles(levels: int) -> Json:
    value: Json = {"resourceType": "Bundle", "type": "collection"}
    for _ in range(levels):
        value = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": value}]}
    return value


def listed(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


URL = {"url": "https://harz.example/fhir/tief"}
DEEP: dict[str, Json] = {
    "extensions": {
        "resourceType": "Patient",
        "extension": [wrapped(10_000, URL, "extension", **URL)],
    },
    "parts": {
        "resourceType": "Parameters",
        "parameter": [wrapped(10_000, {"name": "x"}, "part", name="x")],
    },
    "items": {
        "resourceType": "Questionnaire",
        "status": "active",
        "item": [wrapped(10_000, {"linkId": "1"}, "item", linkId="1", type="group")],
    },
    "contained": wrapped(10_000, {"resourceType": "Patient"}, "contained", resourceType="Patient"),
    "bundles": bundles(10_000),
    "lists": {"resourceType": "Patient", "name": listed(10_000)},
    "unknown": {"resourceType": "Patient", "x": listed(10_000)},
}


@pytest.mark.parametrize("name", DEEP)
def test_what_is_too_deep_is_one_error(region: Validator, name: str) -> None:
    (issue,) = region.validate(DEEP[name], [PROFILE])
    assert (issue.severity, issue.code) == ("error", "too-costly")
    assert "too deeply" in issue.text
    assert isinstance(check_structure(DEEP[name]), list)


@pytest.mark.parametrize("levels", [90, 98])
def test_what_is_as_deep_as_allowed_is_looked_at_whole(region: Validator, levels: int) -> None:
    deep = {
        "resourceType": "Patient",
        "extension": [wrapped(levels, {"url": "x"}, "extension", **URL)],
    }
    places = [one.location for one in region.validate(deep) if one.severity == "error"]
    assert max(place.count(".") for place in places) == levels + 1


def test_a_document_that_is_too_deep_is_refused_by_both_readers() -> None:
    for text in (b'{"a":' * 10_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000, b"[" * 10_000):
        with pytest.raises(NotConformant) as raised:
            read_json(text)
        assert len(raised.value.issues) == 1
    xml = b'<Patient xmlns="http://hl7.org/fhir">' + b"<name>" * 10_000
    for text in (xml, xml + b"</name>" * 10_000 + b"</Patient>"):
        with pytest.raises(NotConformant) as raised:
            read_fhir_xml(text)
        assert len(raised.value.issues) == 1


# documents that are none --------------------------------------------------------------------------
BROKEN = {
    "nothing": b"",
    "duplicate key": b'{"resourceType":"Patient","id":"a","id":"b"}',
    "not a number": b'{"resourceType":"Observation","valueQuantity":{"value":NaN}}',
    "infinity": b'{"resourceType":"Observation","valueQuantity":{"value":-Infinity}}',
    "invalid UTF-8": b'{"resourceType":"Patient","id":"\xff\xfe"}',
    "half a pair": b'{"resourceType":"Patient","id":"\\ud800"}',
    "trailing text": b'{"resourceType":"Patient"} x',
    "not closed": b'{"resourceType":"Patient"',
    "XML not closed": b'<Patient xmlns="http://hl7.org/fhir"><active value="true"/>',
    "another namespace": b'<Patient xmlns="urn:anders"/>',
    "entity": b'<!DOCTYPE x [<!ENTITY a "b">]><Patient xmlns="http://hl7.org/fhir"/>',
    "XML of no resource": b'<Kohl xmlns="http://hl7.org/fhir"/>',
    "XML in wrong bytes": b'<Patient xmlns="http://hl7.org/fhir"><id value="\xff"/></Patient>',
}


def test_each_broken_document_has_its_outcome(tmp_path: Path) -> None:
    files = []
    for at, text in enumerate(BROKEN.values()):
        files.append(tmp_path / f"{at}.txt")
        files[-1].write_bytes(text)
    large = tmp_path / "large.json"
    with large.open("wb") as file:  # 100 MB that cost the disk nothing
        file.write(b'{"resourceType":"Patient","id":"')
        file.truncate(100_000_000)
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "validate", *map(str, [*files, large])],
        capture_output=True,
        check=False,
    )
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert len(outcomes) == len(BROKEN) + 1
    for name, outcome in zip([*BROKEN, "large"], outcomes, strict=True):
        wrong = [one for one in outcome["issue"] if one["severity"] in {"error", "fatal"}]
        assert wrong, name
    assert [one["code"] for one in outcomes[-1]["issue"]] == ["too-costly"]


def test_more_issues_than_anybody_reads_end_the_validation() -> None:
    resource = {"resourceType": "Patient", "extension": [{"url": "x"}] * 9_000}
    issues = profiles.validate(resource)  # type: ignore[operator]
    assert len(issues) == 10_001
    assert [one.location for one in issues if one.code == "too-costly"] == ["Patient"]


# definitions --------------------------------------------------------------------------------------
def profile(name: str, base: str, *elements: Json, **members: Any) -> Json:
    return structure(name, base, *elements, type=members.pop("type", "Patient"), **members)


#: Severity and code of the one issue there is, and the definitions.
UNUSABLE: dict[str, tuple[str, str, list[Json]]] = {
    "of itself": ("error", "structure", [profile("A", f"{CANONICAL}A")]),
    "in a circle": (
        *("error", "structure"),
        [profile("A", f"{CANONICAL}B"), profile("B", f"{CANONICAL}A")],
    ),
    # What is missing decides nothing.
    "of a missing base": ("warning", "not-found", [profile("A", f"{CANONICAL}Fehlt")]),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_profile_without_a_definition_is_told_once(tmp_path: Path, name: str) -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {
                "fullUrl": f"https://harz.example/fhir/Patient/{at}",
                "resource": {
                    "resourceType": "Patient",
                    "id": f"{at}",
                    "meta": {"profile": [f"{CANONICAL}A"]},
                },
            }
            for at in range(3)
        ],
    }
    severity, code, definitions = UNUSABLE[name]
    (issue,) = told(validator(tmp_path, *definitions).validate(bundle))
    assert (issue.severity, issue.code) == (severity, code)
    assert issue.text.startswith(f"the profile {CANONICAL}A cannot be used: ")


def test_types_that_point_at_each_other_are_followed_as_far_as_the_values_go(
    tmp_path: Path,
) -> None:
    def typed(path: str, code: str, name: str) -> Json:
        return element(path, type=[{"code": code, "profile": [f"{CANONICAL}{name}"]}])

    definitions = [
        profile("A", "Patient", typed("Patient.name", "HumanName", "N")),
        profile("N", "HumanName", typed("HumanName.period", "Period", "P"), type="HumanName"),
        profile("P", "Period", typed("Period.extension", "Extension", "X"), type="Period"),
        profile(
            "X",
            "Extension",
            element("Extension.url", fixedUri=f"{CANONICAL}X"),
            typed("Extension.extension", "Extension", "X"),
            type="Extension",
            context=[{"type": "element", "expression": "Element"}],
        ),
    ]
    for one in definitions[1:]:
        one["kind"] = "complex-type"
    inner = {"url": f"{CANONICAL}X", "extension": [{"url": f"{CANONICAL}X", "valueString": "x"}]}
    resource = {"resourceType": "Patient", "name": [{"period": {"extension": [inner]}}]}
    assert against(tmp_path, resource, *definitions) == []
    inner["extension"] = [{"url": "https://harz.example/anders", "valueString": "x"}]
    places = {one.location for one in against(tmp_path, resource, *definitions)}
    assert "Patient.name[0].period.extension[0].extension[0].url" in places


MANY = "(1|2|3|4|5|6|7|8|9|10)"
EXPENSIVE = f"{MANY}.select(" * 8 + MANY + ")" * 8 + ".count() > 0"
UNREADABLE = {
    "not finished": "name.where(",
    "no operand": "1 +",
    "open text": "'" * 99,
    "unknown function": "name.kohl()",
    "unknown variable": "%kohl.exists()",
    "deep": "(" * 5_000 + "1" + ")" * 5_000,
    "long": ".".join(["name"] * 5_000),
    "expensive": EXPENSIVE,
    "several values": "(1 | 2)",
    "growing text": "'a'" + ".replace('', 'aaaaaaaaaaaaaaaaaaaaaaaa')" * 9 + ".length() > 0",
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_invariant_that_cannot_be_evaluated_is_one_warning(tmp_path: Path, name: str) -> None:
    constraint = {"key": "harz-9", "severity": "error", "human": "x"}
    wrong = element("Patient.name", constraint=[constraint | {"expression": UNREADABLE[name]}])
    resource = {"resourceType": "Patient", "name": [{"family": f"Weiß{at}"} for at in range(9)]}
    (issue,) = against(tmp_path, resource, profile("A", "Patient", wrong))
    assert (issue.severity, issue.location) == ("warning", "Patient.name[0]")
    assert "harz-9" in issue.text


@pytest.mark.parametrize("path", ["....", "where(x=1)", "=" * 5_000, "(((", "ofType(", "$that"])
@pytest.mark.parametrize("kind", ["value", "type", "exists", "profile", "pattern", "kohl"])
def test_a_discriminator_that_says_nothing_is_one_warning(
    tmp_path: Path, kind: str, path: str
) -> None:
    definition = structure(
        "A",
        "Observation",
        element("Observation.component", slicing=by(kind, path, rules="closed")),
        element("Observation.component:a", min=1),
        element("Observation.component:a.code", patternCodeableConcept={"text": "x"}),
    )
    component = [{"code": {"text": "x"}}, {"code": {"text": "y"}}]
    (issue,) = against(tmp_path, OBSERVATION | {"component": component}, definition)
    assert (issue.severity, issue.location) == ("warning", "Observation.component")


def test_thousands_of_items_are_sorted_into_a_hundred_slices(tmp_path: Path) -> None:
    slices = [
        element(f"Patient.identifier:s{at}", patternIdentifier={"system": f"urn:oid:2.{at}"})
        for at in range(100)
    ]
    rules = by("pattern", "$this", rules="openAtEnd", ordered=True)
    definition = profile("A", "Patient", element("Patient.identifier", slicing=rules), *slices)
    items = [{"system": f"urn:oid:2.{at}", "value": "1"} for at in range(5_000)]
    assert against(tmp_path, {"resourceType": "Patient", "identifier": items}, definition) == []
    items.reverse()
    issues = against(tmp_path, {"resourceType": "Patient", "identifier": items}, definition)
    wrong = [one.location for one in issues if one.location.endswith("]")]
    assert wrong == [f"Patient.identifier[{at}]" for at in range(4_900)]
    assert "Patient.identifier" in {one.location for one in issues}  # the order of the slices


def test_thousands_of_references_to_what_is_contained() -> None:
    count = 4_000
    resource = {
        "resourceType": "Patient",
        "contained": [
            {"resourceType": "Organization", "id": f"o{at}", "name": "Klinik"}
            for at in range(count)
        ],
        "generalPractitioner": [{"reference": f"#o{at}"} for at in range(1, count + 1)],
    }
    assert [one.location for one in told(profiles.validate(resource))] == [  # type: ignore[operator]
        f"Patient.generalPractitioner[{count - 1}].reference",
        "Patient.contained[0]",
    ]


def test_value_sets_that_include_each_other_decide_nothing(tmp_path: Path) -> None:
    def value_set(name: str, other: str) -> Json:
        included = [{"valueSet": [f"{CANONICAL}{other}"]}]
        return {
            "resourceType": "ValueSet",
            "id": name,
            "url": f"{CANONICAL}{name}",
            "status": "active",
            "compose": {"include": included},
        }

    bound = element(
        "Patient.communication.language",
        binding={"strength": "required", "valueSet": f"{CANONICAL}V"},
    )
    definitions = (profile("A", "Patient", bound), value_set("V", "W"), value_set("W", "V"))
    language = {"coding": [{"system": "urn:ietf:bcp:47", "code": "de"}]}
    resource = {"resourceType": "Patient", "communication": [{"language": language}]}
    issues = validator(tmp_path, *definitions).validate(resource, [f"{CANONICAL}A"])
    assert told(issues) == []
    assert [one.code for one in issues if "V" in one.text.split("/")[-1]] == ["not-found"]


@pytest.mark.parametrize("url", ["x", "../x", "#x", "a b", "", 5, None, [], {}])
def test_the_url_of_an_extension_is_absolute(region: Validator, url: Any) -> None:
    issues = region.validate(person(extension=[{"url": url, "valueString": "x"}]))
    assert "Patient.extension[0].url" in {one.location for one in issues if one.severity == "error"}


def test_numbers_that_are_none_do_not_break_limits(tmp_path: Path) -> None:
    limit = element("Observation.value[x]", minValueInteger=3, type=[{"code": "integer"}])
    definition = structure("A", "Observation", limit)
    values = ["NaN", float("nan"), float("inf"), "sNaN", True, 10**400, [], {}, [1]]
    for value in values:
        assert against(tmp_path, OBSERVATION | {"valueInteger": value}, definition), value


# values of wrong types ----------------------------------------------------------------------------
POOL: list[Json] = [
    json.loads(json.dumps(one, default=float))
    for one in (person(), person(active=True, photo=[{"url": "https://harz.example/a"}]), *GOOD)
]
JUNK: list[Any] = [
    *(None, True, 0, -1, 1.5, 2**70, "", "x", "NaN", "#", "#x", "urn:uuid:", "Patient/", "<div"),
    *([], {}, [[]], [None], [{}], [1, "a", {}], {"url": 1}, {"reference": 5}, {"reference": "#"}),
    *({"extension": [{"url": None}]}, {"resourceType": "Patient"}, {"resourceType": []}),
    *({"coding": "x"}, {"coding": [1]}, {"coding": [{"system": [], "code": {}}]}),
    *({"value": [], "system": {}}, {"fullUrl": {}}),
]


def nodes(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of everything in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = [path] if path else []
    for name, one in inner:
        below = (*path, name)
        found += nodes(one, below) if isinstance(one, dict | list) else [below]
    return found


def replaced(resource: Json, path: tuple[Any, ...], value: Any, *, beside: bool) -> None:
    holder: Any = resource
    for step in path[:-1]:
        holder = holder[step]
    name = f"_{path[-1]}" if beside and isinstance(holder, dict) else path[-1]
    holder[name] = copy.deepcopy(value)


ANYTHING = st.recursive(
    st.sampled_from(JUNK) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(resource=st.sampled_from(POOL), data=st.data())
def test_whatever_stands_anywhere_nothing_is_raised(
    region: Validator, resource: Json, data: st.DataObject
) -> None:
    changed = copy.deepcopy(resource)
    path = data.draw(st.sampled_from(nodes(changed)))
    replaced(changed, path, data.draw(ANYTHING), beside=data.draw(st.booleans()))
    assert isinstance(region.validate(changed, [PROFILE]), list)


def test_junk_in_every_place_raises_nothing(region: Validator) -> None:
    """Every node of every resource in turn, with junk that changes from node to node."""
    chance = random.Random(20261122)
    for resource in POOL:
        for path in nodes(resource):
            for beside in (False, True):
                changed = copy.deepcopy(resource)
                replaced(changed, path, chance.choice(JUNK), beside=beside)
                assert isinstance(region.validate(changed, [PROFILE]), list)


@given(ANYTHING)
def test_whatever_is_no_resource_is_an_error(anything: Any) -> None:
    issues = profiles.validate(anything)  # type: ignore[operator]
    if not isinstance(anything, dict) or anything.get("resourceType") != "Patient":
        assert "error" in {one.severity for one in issues}
