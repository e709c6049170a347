"""Structural validation: each defect is found where it is, and nothing right is refused."""

import copy
import os
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.reading import WrittenDecimal, read_json, write_json
from profiles.validate import resource_types, structure

SAMPLES = Path(os.environ.get("GATEWAY_SAMPLES", Path(__file__).parents[3] / "../shared/samples"))
EXAMPLES = SAMPLES / "fhir-r4-official-examples"

PATIENT = {
    "resourceType": "Patient",
    "id": "p-1",
    "identifier": [{"system": "http://fhir.de/sid/gkv/kvid-10", "value": "A123456780"}],
    "active": True,
    "name": [
        {
            "family": "von Löwenstein",
            "_family": {"extension": [{"url": "http://a.example", "valueString": "Löwenstein"}]},
            "given": ["Anna", None],
            "_given": [None, {"extension": [{"url": "http://a.example", "valueCode": "masked"}]}],
        }
    ],
    "gender": "female",
    "birthDate": "1980-02-29",
    "deceasedBoolean": False,
    "photo": [{"contentType": "image/png", "data": "iVBORw0K\nGgo="}],
    "contact": [{"name": {"text": "Vater"}, "gender": "male"}],
    "communication": [{"language": {"text": "Deutsch"}}],
    "link": [{"other": {"reference": "Patient/p-2"}, "type": "seealso"}],
}
OBSERVATION = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
    "effectiveDateTime": "2024-02-29T23:59:60.120+01:00",
    "issued": "2024-01-01T00:00:00Z",
    "valueQuantity": {"value": Decimal("72.50"), "comparator": "<="},
    "referenceRange": [{"low": {"value": 1}}],
    "component": [{"code": {"text": "x"}, "referenceRange": [{"text": "y"}]}],
}
CONDITION = {
    "resourceType": "Condition",
    "clinicalStatus": {
        "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                "code": "active",
            }
        ]
    },
    "subject": {"reference": "Patient/p-1"},
}
QUESTIONNAIRE = {
    "resourceType": "Questionnaire",
    "status": "active",
    "item": [{"linkId": "1", "type": "group", "item": [{"linkId": "1.1", "type": "string"}]}],
}
BUNDLE = {
    "resourceType": "Bundle",
    "type": "batch-response",
    "entry": [
        {"resource": PATIENT},
        {"resource": OBSERVATION},
        {
            "response": {
                "status": "200",
                "outcome": {
                    "resourceType": "OperationOutcome",
                    "issue": [{"severity": "error", "code": "value"}],
                },
            }
        },
    ],
}
PARAMETERS = {
    "resourceType": "Parameters",
    "parameter": [{"name": "a", "part": [{"name": "b", "resource": CONDITION}]}],
}
GOOD = [PATIENT, OBSERVATION, CONDITION, QUESTIONNAIRE, BUNDLE, PARAMETERS]

MISSING = object()


def changed(resource, path, value):
    """A copy of `resource` with the value at `path` set, or removed for MISSING."""
    result = copy.deepcopy(resource)
    target = result
    for step in path[:-1]:
        target = target[step]
    if value is MISSING:
        del target[path[-1]]
    elif isinstance(target, list) and path[-1] == len(target):
        target.append(value)
    else:
        target[path[-1]] = value
    return result


def deep_extension(levels):
    inner = {"url": "http://a.example", "valueString": "x"}
    for _ in range(levels):
        inner = {"url": "http://a.example", "extension": [inner]}
    return [inner]


#: (resource, path, wrong value, location, issue code)
DEFECTS = [
    # unknown elements
    (PATIENT, ["gendr"], "male", "Patient.gendr", "structure"),
    (PATIENT, ["name", 0, "surname"], "x", "Patient.name[0].surname", "structure"),
    (PATIENT, ["contact", 0, "id2"], "x", "Patient.contact[0]", "structure"),
    (PATIENT, ["resourceTypo"], "x", "Patient.resourceTypo", "structure"),
    (PATIENT, ["meta"], {"accounts": []}, "Patient.meta.accounts", "structure"),
    (PATIENT, ["fhir_comments"], ["x"], "Patient", "structure"),
    (PATIENT, ["_name"], [{"id": "x"}], "Patient.name", "structure"),
    (PATIENT, ["name", 0, "_id"], {"id": "x"}, "Patient.name[0].id", "structure"),
    # cardinality
    (OBSERVATION, ["status"], MISSING, "Observation.status", "required"),
    (OBSERVATION, ["code"], MISSING, "Observation.code", "required"),
    (PATIENT, ["communication", 0, "language"], MISSING, "Patient.communication[0]", "required"),
    (PATIENT, ["link", 0, "type"], MISSING, "Patient.link[0].type", "required"),
    (PATIENT, ["name"], {"family": "x"}, "Patient.name", "structure"),
    (PATIENT, ["gender"], ["female"], "Patient.gender", "structure"),
    (PATIENT, ["name"], [], "Patient.name", "structure"),
    (PATIENT, ["name", 0, "given"], [], "Patient.name[0].given", "structure"),
    (PATIENT, ["name", 0], {}, "Patient.name[0]", "structure"),
    (PATIENT, ["contact", 0], {}, "Patient.contact[0]", "structure"),
    (PATIENT, ["name", 0], None, "Patient.name[0]", "structure"),
    (PATIENT, ["_birthDate"], {}, "Patient.birthDate", "structure"),
    (PATIENT, ["extension"], [{"valueString": "x"}], "Patient.extension[0].url", "required"),
    (QUESTIONNAIRE, ["item", 0, "item", 0, "linkId"], MISSING, "Questionnaire.item[0]", "required"),
    # choices
    (PATIENT, ["deceasedDateTime"], "2024", "Patient.deceased", "structure"),
    (PATIENT, ["_deceasedDateTime"], {"id": "x"}, "Patient.deceased", "structure"),
    (OBSERVATION, ["valueString"], "x", "Observation.value", "structure"),
    (OBSERVATION, ["valueAddress"], {"city": "x"}, "Observation.valueAddress", "structure"),
    (
        PATIENT,
        ["name", 0, "_family", "extension", 0, "valueCode"],
        "x",
        "Patient.name[0].family.extension[0].value",
        "structure",
    ),
    # primitive types
    (PATIENT, ["active"], "true", "Patient.active", "structure"),
    (PATIENT, ["active"], 1, "Patient.active", "structure"),
    (PATIENT, ["birthDate"], "1980-02-30", "Patient.birthDate", "value"),
    (PATIENT, ["birthDate"], "1900-02-29", "Patient.birthDate", "value"),
    (PATIENT, ["birthDate"], "1980-13", "Patient.birthDate", "value"),
    (PATIENT, ["birthDate"], "29.02.1980", "Patient.birthDate", "value"),
    (PATIENT, ["birthDate"], "1980-2-29", "Patient.birthDate", "value"),
    (PATIENT, ["birthDate"], "1980-02-28T00:00:00Z", "Patient.birthDate", "value"),
    (PATIENT, ["birthDate"], "1980-02-28\n", "Patient.birthDate", "value"),
    (PATIENT, ["birthDate"], "", "Patient.birthDate", "value"),
    (PATIENT, ["birthDate"], 19800228, "Patient.birthDate", "structure"),
    (PATIENT, ["id"], "x" * 65, "Patient.id", "value"),
    (PATIENT, ["id"], "a_b", "Patient.id", "value"),
    (PATIENT, ["name", 0, "family"], " \t", "Patient.name[0].family", "value"),
    (PATIENT, ["name", 0, "family"], "x" * 1_048_577, "Patient.name[0].family", "value"),
    (PATIENT, ["name", 0, "family"], None, "Patient.name[0].family", "structure"),
    (PATIENT, ["identifier", 0, "system"], "a b", "Patient.identifier[0].system", "value"),
    (PATIENT, ["identifier", 0, "system"], "", "Patient.identifier[0].system", "value"),
    (PATIENT, ["photo", 0, "data"], "iVBORw0K!", "Patient.photo[0].data", "value"),
    (PATIENT, ["photo", 0, "data"], "iVBOR", "Patient.photo[0].data", "value"),
    (PATIENT, ["language"], " de", "Patient.language", "value"),
    (PATIENT, ["telecom"], [{"rank": 0}], "Patient.telecom[0].rank", "value"),
    (PATIENT, ["telecom"], [{"rank": 2**70}], "Patient.telecom[0].rank", "value"),
    (PATIENT, ["telecom"], [{"rank": 2**31}], "Patient.telecom[0].rank", "value"),
    (PATIENT, ["telecom"], [{"rank": Decimal("1.5")}], "Patient.telecom[0].rank", "structure"),
    (PATIENT, ["telecom"], [{"rank": 1.0}], "Patient.telecom[0].rank", "structure"),
    (PATIENT, ["telecom"], [{"rank": Decimal("1.0")}], "Patient.telecom[0].rank", "structure"),
    (
        PATIENT,
        ["telecom"],
        [{"rank": WrittenDecimal("1e0")}],
        "Patient.telecom[0].rank",
        "structure",
    ),
    (
        PATIENT,
        ["telecom"],
        [{"rank": WrittenDecimal("1" * 25)}],
        "Patient.telecom[0].rank",
        "structure",
    ),
    (OBSERVATION, ["issued"], "2024-01-01", "Observation.issued", "value"),
    (OBSERVATION, ["effectiveDateTime"], "2024-01-01T10:00", "Observation.effective", "value"),
    (OBSERVATION, ["effectiveDateTime"], "2024-01-01T10:00:00", "Observation.effective", "value"),
    (OBSERVATION, ["effectiveDateTime"], "2024-01-01T24:00:00Z", "Observation.effective", "value"),
    (OBSERVATION, ["valueQuantity", "value"], "72.50", "Observation.value.value", "structure"),
    (PATIENT, ["text"], {"status": "empty", "div": "hello"}, "Patient.text.div", "value"),
    # parallel lists
    (PATIENT, ["name", 0, "_given"], MISSING, "Patient.name[0].given[1]", "structure"),
    (PATIENT, ["name", 0, "_given"], {"id": "x"}, "Patient.name[0].given", "structure"),
    # required codes
    (PATIENT, ["gender"], "maennlich", "Patient.gender", "code-invalid"),
    (PATIENT, ["gender"], "Male", "Patient.gender", "code-invalid"),
    (PATIENT, ["gender"], 5, "Patient.gender", "structure"),
    (OBSERVATION, ["status"], "done", "Observation.status", "code-invalid"),
    (CONDITION, ["clinicalStatus"], {"text": "aktiv"}, "Condition.clinicalStatus", "code-invalid"),
    (
        CONDITION,
        ["clinicalStatus", "coding", 0, "code"],
        "aktiv",
        "Condition.clinicalStatus",
        "code-invalid",
    ),
    (
        CONDITION,
        ["clinicalStatus", "coding", 0, "system"],
        "http://a.example",
        "Condition.clinicalStatus",
        "code-invalid",
    ),
    # resources inside resources
    (BUNDLE, ["entry", 1, "resource", "status"], "x", "Bundle.entry[1].resource.status", None),
    (BUNDLE, ["entry", 0, "resource", "name", 0, "id"], 1, "Bundle.entry[0].resource.name", None),
    (BUNDLE, ["entry", 0, "resource"], {}, "Bundle.entry[0].resource", "required"),
    (BUNDLE, ["entry", 0, "resource"], [], "Bundle.entry[0].resource", "structure"),
    (BUNDLE, ["entry", 0, "resource", "resourceType"], "Patent", "Bundle.entry[0].resource", None),
    (
        BUNDLE,
        ["entry", 2, "response", "outcome", "issue"],
        MISSING,
        "Bundle.entry[2].response.outcome.issue",
        "required",
    ),
    (
        PARAMETERS,
        ["parameter", 0, "part", 0, "resource", "subject"],
        MISSING,
        "Parameters.parameter[0].part[0].resource.subject",
        "required",
    ),
    (
        PATIENT,
        ["contained"],
        [{"resourceType": "Organization", "nam": "x"}],
        "Patient.contained[0].nam",
        "structure",
    ),
]


@pytest.mark.parametrize("resource", GOOD, ids=lambda one: one["resourceType"])
def test_right_resources_have_no_issue(resource):
    assert structure(resource) == []
    assert structure(orjson.loads(write_json(resource))) == []


@pytest.mark.parametrize(
    ("resource", "path", "value", "location", "code"),
    DEFECTS,
    ids=[f"{place}-{number}" for number, (*_, place, _code) in enumerate(DEFECTS)],
)
def test_a_defect_is_found_where_it_is(resource, path, value, location, code):
    issues = structure(changed(resource, path, value))
    assert issues
    assert all(issue.location.startswith(location) for issue in issues)
    assert code is None or code in {issue.code for issue in issues}
    assert all(issue.severity == "error" and issue.text for issue in issues)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["birthDate"], "1980"),
        (["birthDate"], "2000-02-29"),
        (["birthDate"], "1980-04"),
        (["deceasedBoolean"], True),
        (["extension"], deep_extension(15)),
        (["name", 0, "family"], "A\u00a0B"),
        (["telecom"], [{"rank": 1}]),
        (["gender"], MISSING),
        (["_id"], {"extension": [{"url": "http://a.example", "valueBoolean": True}]}),
        (["text"], {"status": "empty", "div": '<div xmlns="http://www.w3.org/1999/xhtml"/>'}),
    ],
)
def test_what_fhir_allows_is_not_refused(path, value):
    assert structure(changed(PATIENT, path, value)) == []


@pytest.mark.parametrize(
    "reference", ["#c", "urn:uuid:1", "http://a.example/Group/1", "RelatedPerson/1", "Group"]
)
def test_a_reference_may_point_to_what_its_element_allows(reference):
    assert structure(changed(PATIENT, ["link", 0, "other", "reference"], reference)) == []


@pytest.mark.parametrize("reference", ["Group/1", "Chicken/1", "PatientX/1", "Group/1/_history/1"])
def test_a_reference_to_another_type_is_an_error(reference):
    (issue,) = structure(changed(PATIENT, ["link", 0, "other", "reference"], reference))
    assert (issue.severity, issue.location) == ("error", "Patient.link[0].other.reference")


def test_a_required_primitive_may_be_an_extension_alone():
    absent = {"extension": [{"url": "http://a.example", "valueCode": "unknown"}]}
    observation = changed(OBSERVATION, ["status"], MISSING) | {"_status": absent}
    assert structure(observation) == []


def test_a_required_concept_may_be_an_extension_alone():
    absent = {"extension": [{"url": "http://a.example", "valueCode": "unknown"}]}
    assert structure(changed(CONDITION, ["clinicalStatus"], absent)) == []


def test_what_is_no_resource_is_an_issue():
    for value in (
        None,
        [],
        "x",
        1,
        {},
        {"resourceType": "Resource"},
        {"resourceType": ["Patient"]},
    ):
        assert structure(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["resourceType", "entry", "resource", "contained", "parameter", "part"])
            | st.text(max_size=5),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@given(st.sampled_from(GOOD), st.data())
def test_any_json_in_any_place_is_judged_not_crashed_on(resource, data):
    path, place = [], resource
    while isinstance(place, dict | list) and place and (not path or data.draw(st.booleans())):
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        path.append(data.draw(st.sampled_from(keys)))
        place = place[path[-1]]
    for issue in structure(changed(resource, path, data.draw(JSON))):
        assert issue.text
        assert issue.location.startswith(resource["resourceType"]) or path == ["resourceType"]


def test_an_issue_never_repeats_a_value():
    canary = "ZZKANARIENVOGEL"
    for _, path, *_ in DEFECTS:
        for resource in GOOD:
            try:
                wrong = changed(resource, path, canary)
            except (KeyError, IndexError, TypeError):
                continue
            assert canary not in str(structure(wrong))
    assert canary not in str(structure(PATIENT | {canary: 1, f"x{canary}9": 2}))


def test_a_decimal_kept_as_written_is_valid():
    observation = read_json(
        b'{"resourceType":"Observation","status":"final","code":{"text":"x"},'
        b'"valueQuantity":{"value":1.0e3}}'
    )
    assert structure(observation) == []
    assert structure(orjson.loads(write_json(observation))) == []


def test_a_misspelt_element_is_answered_with_the_nearest_one():
    (issue,) = structure(PATIENT | {"birthdate": "1980"})
    assert "birthDate" in issue.text


def test_every_unknown_element_is_named():
    locations = {issue.location for issue in structure(PATIENT | {"one": 1, "two": 2})}
    assert locations == {"Patient.one", "Patient.two"}


def test_every_resource_type_has_a_schema():
    for resource_type in ("Account", "VisionPrescription", "Binary", "Evidence"):
        assert resource_type in resource_types()
        assert all(issue.code == "required" for issue in structure({"resourceType": resource_type}))


#: An encounter performs nothing.
WRONG_EXAMPLES = {
    "observation-example-clinical-gender.json": {"Observation.performer[0].reference"}
}


@pytest.mark.samples
@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="GATEWAY_SAMPLES not found")
def test_the_official_examples_have_no_issue():
    files = sorted(EXAMPLES.rglob("*.json"))
    assert files
    for file in files:
        resource = read_json(file.read_bytes())
        found = {one.location for one in structure(resource)}
        assert found == WRONG_EXAMPLES.get(file.name, set()), file.name
        assert orjson.loads(write_json(resource)) == orjson.loads(file.read_bytes())


MANY = {
    "objects": {"name": [{"family": 5}] * 2_000},
    "texts": {"name": [{"given": [5] * 200_000}]},
    "values for objects": {"name": [5] * 200_000},
    "references": {"generalPractitioner": [{"reference": "Group/1"}] * 2_000},
    "unknown elements": {
        f"x{chr(97 + a)}{chr(97 + b)}y{chr(97 + c)}": 1
        for a in range(9)
        for b in range(9)
        for c in range(25)
    },
}


@pytest.mark.parametrize("name", MANY)
def test_of_many_defects_a_thousand_are_told_and_that_there_are_more(name):
    issues = structure({"resourceType": "Patient", **MANY[name]})
    assert 1_000 <= len(issues) <= 1_001
    assert len(set(issues)) == len(issues)
    if name != "unknown elements":
        assert issues[-1].code == "too-costly"
        assert issues[-1].severity == "error"


def test_items_of_long_lists_have_their_own_places():
    names = [{"given": ["Anna"] * 2_500 + [5] + ["Maria"] * 99, "family": "Weiß"}]
    names[0]["_given"] = [None] * 2_499 + [{"id": 5}]
    locations = [one.location for one in structure({"resourceType": "Patient", "name": names})]
    assert locations == ["Patient.name[0].given[2500]", "Patient.name[0].given[2499].id"]


def test_numbers_beyond_64_bits_may_stand_beside_written_decimals():
    telecom = [{"rank": 2**70, "x": WrittenDecimal("1.5")}]
    locations = {one.location for one in structure({"resourceType": "Patient", "telecom": telecom})}
    assert locations == {"Patient.telecom[0].rank", "Patient.telecom[0].x"}
