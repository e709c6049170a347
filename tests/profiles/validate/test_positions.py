"""One change to a resource that conforms: line and column point at it, however it is written."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from profiles.issue import Issue, NotConformant
from profiles.packages import open_packages
from profiles.r4 import facts
from profiles.reading.fhir_document import read_fhir
from profiles.reading.fhir_elements import members
from profiles.reading.fhir_xml import read_fhir_xml
from profiles.reading.positions import located
from profiles.validate.validator import Validator
from tests.profiles.validate.generated import TYPES, bundles, resources
from tests.profiles.validate.regional import LANGUAGES, PATIENT, REMARK, Json, validator
from tests.profiles.validate.test_profiles import BREACHES, PROFILE, person
from tests.profiles.validate.written_xml import as_xml

FEW = settings(
    derandomize=True,
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
ANY = st.sampled_from(TYPES).flatmap(resources) | bundles()
#: No value of any type but text.
WRONG = "kohl  kohl"
_TEXTS = frozenset({"string", "markdown", "base64Binary", "xhtml"})
_NAME = re.compile(r'"\w+"\s*:\s*\Z')

FORMS = {
    "pretty JSON": lambda one: json.dumps(one, ensure_ascii=False, indent=2),
    "compact JSON": lambda one: json.dumps(one, ensure_ascii=False, separators=(",", ":")),
    "pretty XML": lambda one: as_xml(one, newline="\n "),
    "compact XML": lambda one: as_xml(one, newline=""),
}


@pytest.fixture(scope="module")
def core() -> Validator:
    return Validator(open_packages([]))


def told(core: Validator, text: str, *profiles: str) -> tuple[Issue, ...]:
    """Validate a document."""
    data = text.encode()
    try:
        resource, noted = read_fhir(data)
    except NotConformant as error:
        return located(error.issues, data)
    return located([*noted, *core.validate(resource, profiles)], data)


def errors(issues: tuple[Issue, ...], text: str) -> list[int]:
    """Return the offsets of errors; everything that is told has a place."""
    assert all(one.line and one.column for one in issues)
    lines = text.split("\n")
    begins = [sum(len(one) + 1 for one in lines[:at]) for at in range(len(lines))]
    return [begins[one.line - 1] + one.column - 1 for one in issues if one.severity == "error"]


def objects(value: Json, kind: str) -> Iterator[tuple[Json, str]]:
    """Go through the objects of a resource and their types."""
    yield value, kind
    known = members(kind)
    for name, inner in value.items():
        if name in known and known[name].type not in facts("primitives"):
            for one in inner if isinstance(inner, list) else [inner]:
                type_ = known[name].type
                yield from objects(one, one["resourceType"] if type_ == "Resource" else type_)


def values(resource: Json) -> Iterator[tuple[Any, Any]]:
    """Go through what holds a primitive value that is no text, and where."""
    for holder, kind in objects(resource, resource["resourceType"]):
        for name, member in members(kind).items():
            if name in holder and member.type in set(facts("primitives")) - _TEXTS:
                held = holder[name]
                yield (held, 0) if isinstance(held, list) else (holder, name)


def begin(text: str, wanted: str) -> int:
    """Return where the element begins that has a text in it, which stands once."""
    at = text.index(wanted)
    if text.startswith("<"):
        return text.rindex("<", 0, at + 1)
    name = _NAME.search(text, 0, at)
    return name.start() if name else at


@FEW
@given(resource=ANY)
def test_what_is_written_as_xml_is_read_as_what_it_was(resource: Json) -> None:
    for form in ("pretty XML", "compact XML"):
        assert read_fhir_xml(FORMS[form](resource).encode()) == resource


@pytest.mark.parametrize("form", FORMS)
@FEW
@given(resource=ANY, data=st.data())
def test_a_wrong_value_is_found_where_it_is(
    core: Validator, form: str, resource: Json, data: st.DataObject
) -> None:
    changed = copy.deepcopy(resource)
    found = list(values(changed))
    assume(found)
    holder, name = data.draw(st.sampled_from(found))
    holder[name] = WRONG
    text = FORMS[form](changed)
    assert begin(text, f'"{WRONG}"') in errors(told(core, text), text)


@pytest.mark.parametrize("form", FORMS)
@FEW
@given(resource=ANY, data=st.data())
def test_an_unknown_element_is_found_where_it_is(
    core: Validator, form: str, resource: Json, data: st.DataObject
) -> None:
    changed = copy.deepcopy(resource)
    holder, _ = data.draw(st.sampled_from([*objects(changed, changed["resourceType"])]))
    holder["kohl"] = 1
    text = FORMS[form](changed)
    wanted = "<kohl " if text.startswith("<") else '"kohl"'
    assert errors(told(core, text), text) == [text.index(wanted)]


#: Defect of a layer: members of a Patient, expression, what stands where it points in JSON and XML.
LAYERS: dict[str, tuple[Json, str, str, str]] = {
    "invariant": (
        {"name": [{"family": "Weiß", "period": {"start": "2020-01-01", "end": "2019-01-01"}}]},
        "Patient.name[0].period",
        '"period"',
        "<period>",
    ),
    "reference": (
        {"managingOrganization": {"reference": "#nirgends"}},
        "Patient.managingOrganization.reference",
        '"reference"',
        '<reference value="#nirgends"',
    ),
    "target": (
        {"generalPractitioner": [{"reference": "Practitioner/1"}, {"reference": "Group/1"}]},
        "Patient.generalPractitioner[1].reference",
        '"reference": "Group/1"',
        '<reference value="Group/1"',
    ),
    "required code": (
        {"telecom": [{"system": "phone", "value": "1"}, {"system": "kohl", "value": "2"}]},
        "Patient.telecom[1].system",
        '"system": "kohl"',
        '<system value="kohl"',
    ),
    "cardinality of a profile": ({"birthDate": None}, "Patient.birthDate", "{", "<Patient "),
    "choice": (
        {"extension": [{"url": "https://harz.example/x", "valueDate": "kohl"}]},
        "Patient.extension[0].value",
        '"valueDate"',
        "<valueDate ",
    ),
}


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Validator:
    return validator(tmp_path_factory.mktemp("region"), REMARK, PATIENT, LANGUAGES)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("form", ["pretty JSON", "pretty XML"])
def test_every_layer_tells_where(region: Validator, name: str, form: str) -> None:
    changed, place, in_json, in_xml = LAYERS[name]
    text = FORMS[form](person(**changed))
    issues = [one for one in told(region, text, PROFILE) if one.location == place]
    assert issues
    for issue in issues:
        shown = text.split("\n")[issue.line - 1][issue.column - 1 :]
        assert shown.startswith(in_json if text.startswith("{") else in_xml)


@pytest.mark.parametrize("name", BREACHES)
@pytest.mark.parametrize("form", FORMS)
def test_a_breach_of_a_profile_is_told_where_it_is(region: Validator, name: str, form: str) -> None:
    changed, place = BREACHES[name]
    text = FORMS[form](person(**changed))
    (issue, *_) = [one for one in told(region, text, PROFILE) if one.location == place]
    shown = text.split("\n")[issue.line - 1][issue.column - 1 :]
    around, leaf = re.sub(r"\[\d+\]", "", f".{place}").split(".")[-2:]
    # What is not there is told where the element around it begins.
    names = [f'"{leaf}', f"<{leaf}", *(["{", f"<{around}"] if "required" in name else [])]
    item = ["{"] if place.endswith("]") else []
    assert shown.startswith((*names, *item)) or (not around and shown.startswith("{"))
