"""JSON Patch, XML Patch and FHIRPath Patch as pure functions of content and patch."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.pipeline.documents import load
from gateway.pipeline.rest.asked import Check, Kind
from gateway.pipeline.rest.patch import Inapplicable, patched
from gateway.pipeline.rest.patch.json_patch import apply_json_patch
from gateway.pipeline.rest.patch.merge_patch import apply_merge_patch
from profiles.issue import GatewayError, NotConformant
from profiles.reading import read_json, write_json

SAMPLES = Path(os.environ.get("GATEWAY_SAMPLES", Path(__file__).parents[4] / "shared" / "samples"))
SUITE = SAMPLES / "fhir-test-cases-r4" / "patch" / "json-patch-tests.json"

PATIENT = {
    "resourceType": "Patient",
    "id": "p",
    "active": True,
    "birthDate": "1951-05-02",
    "_birthDate": {"extension": [{"url": "https://example.org/x", "valueString": "y"}]},
    "name": [
        {"use": "official", "family": "Weber", "given": ["Anna", "Berta", "Carla"]},
        {"use": "maiden", "family": "Muster"},
    ],
    "deceasedBoolean": False,
    "contact": [{"name": {"family": "Nah"}, "gender": "female"}],
    "identifier": [{"system": "https://example.org/id", "value": "1"}],
}


def apply(kind, data, resource=PATIENT, **more):
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    asked = Check(kind=kind, data=body, current=write_json(resource), id=resource["id"], **more)
    return patched(asked)


# FHIRPath Patch ---------------------------------------------------------------------
def operation(kind, path, **parts):
    """An operation; parts as (value element, value), or parts of parts."""
    made = [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": path}]
    for name, (element, value) in parts.items():
        made.append({"name": name, element: value})
    return {"name": "operation", "part": made}


def fhirpath(*operations, resource=PATIENT):
    return apply(
        Kind.FHIRPATH_PATCH,
        {"resourceType": "Parameters", "parameter": list(operations)},
        resource,
    )


def add(path, name, element, value):
    return operation("add", path, name=("valueString", name), value=(element, value))


def changed(**more):
    """The Patient with members changed; None removes one."""
    merged = {**PATIENT, **more}
    return {name: value for name, value in merged.items() if value is not None}


CASES = {
    "add an element that is not there": (
        add("Patient", "gender", "valueCode", "female"),
        changed(gender="female"),
    ),
    "add to a list": (
        add("Patient.name[0]", "given", "valueString", "Dora"),
        changed(
            name=[
                {**PATIENT["name"][0], "given": ["Anna", "Berta", "Carla", "Dora"]},
                PATIENT["name"][1],
            ]
        ),
    ),
    "add the first item of a list": (
        add("Patient", "telecom", "valueContactPoint", {"system": "phone", "value": "1"}),
        changed(telecom=[{"system": "phone", "value": "1"}]),
    ),
    "add an element of a choice": (
        add("Patient", "multipleBirth", "valueInteger", 2),
        changed(multipleBirthInteger=2),
    ),
    "add a backbone element by its parts": (
        operation(
            "add",
            "Patient",
            name=("valueString", "contact"),
            value=(
                "part",
                [
                    {"name": "name", "valueHumanName": {"text": "Wer"}},
                    {"name": "gender", "valueCode": "male"},
                    {"name": "telecom", "valueContactPoint": {"value": "1"}},
                    {"name": "telecom", "valueContactPoint": {"value": "2"}},
                ],
            ),
        ),
        changed(
            contact=[
                *PATIENT["contact"],
                {
                    "name": {"text": "Wer"},
                    "gender": "male",
                    "telecom": [{"value": "1"}, {"value": "2"}],
                },
            ]
        ),
    ),
    "add an extension to a primitive": (
        add(
            "Patient.active",
            "extension",
            "valueExtension",
            {"url": "https://example.org/e", "valueCode": "x"},
        ),
        changed(_active={"extension": [{"url": "https://example.org/e", "valueCode": "x"}]}),
    ),
    "insert in the middle": (
        operation(
            "insert",
            "Patient.name[0].given",
            index=("valueInteger", 1),
            value=("valueString", "X"),
        ),
        changed(
            name=[
                {**PATIENT["name"][0], "given": ["Anna", "X", "Berta", "Carla"]},
                PATIENT["name"][1],
            ]
        ),
    ),
    "insert at the end": (
        operation(
            "insert",
            "Patient.identifier",
            index=("valueInteger", 1),
            value=("valueIdentifier", {"value": "2"}),
        ),
        changed(identifier=[*PATIENT["identifier"], {"value": "2"}]),
    ),
    "delete a single element with what is beside it": (
        operation("delete", "Patient.birthDate"),
        changed(birthDate=None, _birthDate=None),
    ),
    "delete an item of a list": (
        operation("delete", "Patient.name.where(use = 'maiden')"),
        changed(name=[PATIENT["name"][0]]),
    ),
    "delete the last item of a list": (
        operation("delete", "Patient.contact[0]"),
        changed(contact=None),
    ),
    "delete what is not there": (operation("delete", "Patient.maritalStatus"), PATIENT),
    "delete an extension of a primitive": (
        operation("delete", "Patient.birthDate.extension('https://example.org/x')"),
        changed(_birthDate={}),
    ),
    "replace a primitive": (
        operation("replace", "Patient.birthDate", value=("valueDate", "1960-01-01")),
        changed(birthDate="1960-01-01", _birthDate=None),
    ),
    "replace an item of a primitive list": (
        operation(
            "replace", "Patient.name.given.where($this = 'Berta')", value=("valueString", "B.")
        ),
        changed(
            name=[
                {**PATIENT["name"][0], "given": ["Anna", "B.", "Carla"]},
                PATIENT["name"][1],
            ]
        ),
    ),
    "replace a complex item": (
        operation("replace", "Patient.name[1]", value=("valueHumanName", {"text": "x"})),
        changed(name=[PATIENT["name"][0], {"text": "x"}]),
    ),
    "replace an element of a choice by another type": (
        operation("replace", "Patient.deceased", value=("valueDateTime", "2020-01-01")),
        changed(deceasedBoolean=None, deceasedDateTime="2020-01-01"),
    ),
    "replace within a backbone element": (
        operation("replace", "Patient.contact[0].gender", value=("valueCode", "male")),
        changed(contact=[{"name": {"family": "Nah"}, "gender": "male"}]),
    ),
    "move to the front": (
        operation(
            "move",
            "Patient.name[0].given",
            source=("valueInteger", 2),
            destination=("valueInteger", 0),
        ),
        changed(
            name=[
                {**PATIENT["name"][0], "given": ["Carla", "Anna", "Berta"]},
                PATIENT["name"][1],
            ]
        ),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_fhirpath_patch_does_what_it_says(case):
    asked, expected = CASES[case]

    made = fhirpath(asked)

    assert {name: value for name, value in made.items() if value != {}} == {
        name: value for name, value in expected.items() if value != {}
    }


@pytest.mark.parametrize(
    "asked",
    [
        add("Patient.name", "given", "valueString", "x"),
        add("Patient", "active", "valueBoolean", True),
        add("Patient", "deceased", "valueDateTime", "2020"),
        add("Patient", "nonsense", "valueString", "x"),
        add("Patient.maritalStatus", "text", "valueString", "x"),
        operation("delete", "Patient.name"),
        operation("delete", "Patient"),
        operation("replace", "Patient", value=("valueString", "x")),
        operation("replace", "Patient.maritalStatus", value=("valueString", "x")),
        operation("replace", "Patient.name.count()", value=("valueInteger", 1)),
        operation(
            "insert", "Patient.name", index=("valueInteger", 3), value=("valueHumanName", {})
        ),
        operation(
            "insert", "Patient.birthDate", index=("valueInteger", 0), value=("valueDate", "2020")
        ),
        operation(
            "move", "Patient.name", source=("valueInteger", 0), destination=("valueInteger", 2)
        ),
    ],
)
def test_a_fhirpath_patch_that_does_not_fit_is_refused(asked):
    with pytest.raises(Inapplicable):
        fhirpath(asked)


@pytest.mark.parametrize(
    "asked",
    [
        {"name": "operations", "part": []},
        {"name": "operation", "part": []},
        operation("increase", "Patient.active"),
        operation("replace", "Patient..", value=("valueString", "x")),
        operation("replace", "Patient.active"),
        operation("insert", "Patient.name", value=("valueHumanName", {})),
        operation("add", "Patient", value=("valueString", "x")),
        "nonsense",
    ],
)
def test_what_is_no_fhirpath_patch_is_not_understood(asked):
    with pytest.raises(NotConformant):
        fhirpath(asked)


def test_operations_follow_one_another():
    made = fhirpath(
        add("Patient", "telecom", "valueContactPoint", {"value": "1"}),
        add("Patient.telecom[0]", "system", "valueCode", "phone"),
        operation("delete", "Patient.name[0]"),
        operation("replace", "Patient.name[0].family", value=("valueString", "Neu")),
    )

    assert made["telecom"] == [{"value": "1", "system": "phone"}]
    assert made["name"] == [{"use": "maiden", "family": "Neu"}]


def test_what_is_beside_primitives_moves_with_them():
    extras = [None, {"id": "b"}, None]
    resource = {
        "resourceType": "Patient",
        "id": "p",
        "name": [{"given": ["A", "B", "C"], "_given": extras}],
    }
    inserted = fhirpath(
        operation(
            "insert",
            "Patient.name[0].given",
            index=("valueInteger", 0),
            value=("valueString", "X"),
        ),
        resource=resource,
    )
    moved = fhirpath(
        operation(
            "move",
            "Patient.name[0].given",
            source=("valueInteger", 1),
            destination=("valueInteger", 2),
        ),
        resource=resource,
    )
    deleted = fhirpath(operation("delete", "Patient.name[0].given[0]"), resource=resource)

    assert inserted["name"] == [
        {"given": ["X", "A", "B", "C"], "_given": [None, None, {"id": "b"}, None]}
    ]
    assert moved["name"] == [{"given": ["A", "C", "B"], "_given": [None, None, {"id": "b"}]}]
    assert deleted["name"] == [{"given": ["B", "C"], "_given": [{"id": "b"}, None]}]


def test_a_fhirpath_patch_may_be_xml():
    body = b"""<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/>
<part><name value="type"/><valueCode value="replace"/></part>
<part><name value="path"/><valueString value="Patient.birthDate"/></part>
<part><name value="value"/><valueDate value="1960-01-01"/></part></parameter></Parameters>"""

    assert apply(Kind.FHIRPATH_PATCH, body, xml=True)["birthDate"] == "1960-01-01"


# JSON Patch ---------------------------------------------------------------------
@pytest.mark.skipif(not SUITE.exists(), reason="GATEWAY_SAMPLES not found")
def test_every_case_of_the_json_patch_suite():
    wrong = []
    for number, case in enumerate(read_json(SUITE.read_bytes())):
        try:
            made = apply_json_patch(case["doc"], case["patch"])
            good = "error" not in case and made == case.get("expected", case["doc"])
        except GatewayError:
            good = "error" in case
        if not good:
            wrong.append((number, case.get("comment")))

    assert wrong == []


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ([{"op": "add", "path": "/a/1", "value": 9}], {"a": [1, 9, 2], "b": {"c~/": True}}),
        ([{"op": "add", "path": "/a/-", "value": 9}], {"a": [1, 2, 9], "b": {"c~/": True}}),
        ([{"op": "remove", "path": "/b/c~0~1"}], {"a": [1, 2], "b": {}}),
        ([{"op": "replace", "path": "/a", "value": []}], {"a": [], "b": {"c~/": True}}),
        ([{"op": "move", "from": "/a/0", "path": "/x"}], {"a": [2], "b": {"c~/": True}, "x": 1}),
        (
            [{"op": "copy", "from": "/b", "path": "/a/0"}],
            {"a": [{"c~/": True}, 1, 2], "b": {"c~/": True}},
        ),
        ([{"op": "test", "path": "/a", "value": [1, 2]}], {"a": [1, 2], "b": {"c~/": True}}),
    ],
)
def test_json_patch_does_what_rfc_6902_says(patch, expected):
    assert apply_json_patch({"a": [1, 2], "b": {"c~/": True}}, patch) == expected


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/b/c~0~1", "value": 1},
        {"op": "test", "path": "/a/0", "value": True},
        {"op": "add", "path": "/x/y", "value": 1},
        {"op": "add", "path": "/a/3", "value": 1},
        {"op": "remove", "path": "/a/-"},
        {"op": "remove", "path": "/a/01"},
        {"op": "replace", "path": "/x", "value": 1},
        {"op": "move", "from": "/b", "path": "/b/c"},
        {"op": "remove", "path": ""},
    ],
)
def test_a_json_patch_that_does_not_fit_is_refused(operation):
    with pytest.raises(Inapplicable):
        apply_json_patch({"a": [1, 2], "b": {"c~/": True}}, [operation])


@pytest.mark.parametrize(
    "patch",
    [
        {},
        ["x"],
        [{"op": "nonsense", "path": ""}],
        [{"op": "add", "path": "/a"}],
        [{"op": "add", "path": "a", "value": 1}],
        [{"op": "add", "path": "/~2", "value": 1}],
        [{"op": "move", "path": "/a"}],
    ],
)
def test_what_is_no_json_patch_is_not_understood(patch):
    with pytest.raises(NotConformant):
        apply_json_patch({"a": 1}, patch)


def test_a_json_patch_keeps_decimals_as_they_were_written():
    resource = b'{"resourceType":"Observation","id":"o","valueQuantity":{"value":72.50}}'
    asked = Check(
        kind=Kind.JSON_PATCH,
        data=b'[{"op":"add","path":"/referenceRange","value":[{"low":{"value":1.00}}]}]',
        current=resource,
        id="o",
    )

    assert b'"value":72.50' in write_json(patched(asked))
    assert b'"value":1.00' in write_json(patched(asked))


def test_a_patch_changes_neither_type_nor_id():
    for path, value in (("/id", "q"), ("/resourceType", "Group")):
        with pytest.raises(Inapplicable):
            apply(Kind.JSON_PATCH, [{"op": "replace", "path": path, "value": value}])


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab~/", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab~/"), inner, max_size=3),
    max_leaves=8,
)


@given(DOCUMENTS, DOCUMENTS)
def test_replacing_the_whole_gives_the_other_document(document, other):
    patch = [{"op": "replace", "path": "", "value": other}]

    assert apply_json_patch(document, patch) == other


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ({"a": "z", "c": {"f": None}}, {"a": "z", "c": {"d": "e"}}),
        ({"a": ["x"]}, {"a": ["x"], "c": {"d": "e", "f": "g"}}),
        ({"a": {"b": None, "n": 1}}, {"a": {"n": 1}, "c": {"d": "e", "f": "g"}}),
        ({}, {"a": "b", "c": {"d": "e", "f": "g"}}),
    ],
)
def test_merge_patch_does_what_rfc_7396_says(patch, expected):
    assert apply_merge_patch({"a": "b", "c": {"d": "e", "f": "g"}}, patch) == expected


# XML Patch ---------------------------------------------------------------------
def xml(*operations):
    body = "".join(operations)
    return apply(Kind.XML_PATCH, f'<diff xmlns:f="http://hl7.org/fhir">{body}</diff>'.encode())


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ('<replace sel="f:Patient/f:birthDate/@value">1960-01-01</replace>', "1960-01-01"),
        ('<replace sel="//f:birthDate/@value">1960-01-01</replace>', "1960-01-01"),
        (
            '<replace sel="f:Patient/f:birthDate"><birthDate value="1960-01-01"/></replace>',
            "1960-01-01",
        ),
        ('<remove sel="f:Patient/f:birthDate"/>', None),
    ],
)
def test_xml_patch_replaces_and_removes(operation, expected):
    assert xml(operation).get("birthDate") == expected


def test_xml_patch_adds_where_it_says():
    def given(operation):
        return xml(operation)["name"][0]["given"]

    place = 'sel="f:Patient/f:name[1]/f:given[1]"'
    assert given(f'<add {place} pos="before"><f:given value="X"/></add>')[0] == "X"
    assert given(f'<add {place} pos="after"><given value="X"/></add>')[1] == "X"
    assert given('<add sel="f:Patient/f:name[1]"><f:given value="X"/></add>')[-1] == "X"
    made = xml('<add sel="f:Patient/f:contact/f:gender" type="@id">g</add>')
    assert made["contact"][0]["_gender"] == {"id": "g"}


@pytest.mark.parametrize(
    "operation",
    [
        '<remove sel="f:Patient/f:nothing"/>',
        '<remove sel="f:Patient/f:name"/>',
        '<remove sel="f:Patient"/>',
        '<replace sel="f:Patient/f:birthDate"><f:nonsense value="1"/></replace>',
        '<add sel="f:Patient" pos="before"><f:gender value="male"/></add>',
    ],
)
def test_an_xml_patch_that_does_not_fit_is_refused(operation):
    with pytest.raises(Inapplicable):
        xml(operation)


@pytest.mark.parametrize(
    "body",
    [
        b"<Patient/>",
        b"<diff><change sel='x'/></diff>",
        b"<diff><remove/></diff>",
        b"<diff><remove sel='///'/></diff>",
        b"<!DOCTYPE diff [<!ENTITY a 'b'>]><diff/>",
        b"nonsense",
    ],
)
def test_what_is_no_xml_patch_is_not_understood(body):
    with pytest.raises(NotConformant):
        apply(Kind.XML_PATCH, body)


def test_nothing_is_changed_where_one_operation_fails():
    before = write_json(PATIENT)
    with pytest.raises(Inapplicable):
        fhirpath(operation("delete", "Patient.birthDate"), operation("delete", "Patient.name"))
    assert load(before) == PATIENT
