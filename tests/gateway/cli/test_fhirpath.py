"""`gateway fhirpath`: one line of JSON per item, errors in one sentence."""

from __future__ import annotations

import json

import pytest

from gateway.cli.app import run
from tests.profiles.validate.regional import CANONICAL, CORE, element, structure

PATIENT = {
    "resourceType": "Patient",
    "id": "erika",
    "name": [{"use": "official", "family": "Müller", "given": ["Erika"]}, {"family": "Gabler"}],
    "birthDate": "1964-08-12",
}
XML = """<Patient xmlns="http://hl7.org/fhir"><name><family value="Müller"/></name></Patient>"""


@pytest.fixture
def patient(tmp_path):
    file = tmp_path / "patient.json"
    file.write_text(json.dumps(PATIENT), encoding="utf-8")
    return str(file)


def _lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("name.family", ["Müller", "Gabler"]),
        ("name.where(use = 'official')", [PATIENT["name"][0]]),
        ("birthDate + 1 day", ["1964-08-13"]),
        ("1.50 + 1", [2.5]),
        ("2 'mg'", [{"value": 2, "unit": "mg", "system": "http://unitsofmeasure.org"}]),
        ("photo", []),
        ("id.type()", [{"namespace": "FHIR", "name": "id"}]),
    ],
)
def test_each_item_is_a_line_of_json(patient, capsys, expression, expected):
    assert run(["fhirpath", expression, patient]) == 0
    assert _lines(capsys) == expected


def test_a_resource_may_be_xml(tmp_path, capsys):
    file = tmp_path / "patient.xml"
    file.write_text(XML, encoding="utf-8")

    assert run(["fhirpath", "Patient.name.family", str(file)]) == 0
    assert _lines(capsys) == ["Müller"]


def test_variables_are_json_or_texts(patient, capsys):
    arguments = ["--var", "n=2", "--var", "u=official"]

    assert run(["fhirpath", "%n + 1 | name.where(use = %u).family", patient, *arguments]) == 0
    assert _lines(capsys) == [3, "Müller"]


def test_places_say_type_and_path(patient, capsys):
    assert run(["fhirpath", "name[1].family", patient, "--places"]) == 0
    assert _lines(capsys) == [
        {"value": "Gabler", "type": "FHIR.string", "path": "Patient.name[1].family"}
    ]


def test_trace_is_written_beside_the_result(patient, capsys):
    assert run(["fhirpath", "name.family.trace('f').count()", patient]) == 0
    shown = capsys.readouterr()

    assert shown.out == "2\n"
    assert shown.err.splitlines() == ['trace f: "Müller"', 'trace f: "Gabler"']


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["name.("], "gateway: a name is expected (line 1, column 6)"),
        (["name.unknown()"], "gateway: there is no function unknown()"),
        (["name.fist", "--strict"], "gateway: fist is no element of HumanName"),
        (["name.family.single()"], "gateway: a single item is expected where there are several"),
        (["name", "--var", "x"], "gateway: --var x: NAME=VALUE is expected"),
    ],
)
def test_errors_are_one_sentence(patient, capsys, arguments, sentence):
    assert run(["fhirpath", arguments[0], patient, *arguments[1:]]) == 2
    assert capsys.readouterr().err == f"{sentence}\n"


def test_a_missing_or_broken_file_is_an_error(tmp_path, capsys):
    broken = tmp_path / "broken.json"
    broken.write_text("{", encoding="utf-8")

    assert run(["fhirpath", "name", str(tmp_path / "none.json")]) == 2
    assert run(["fhirpath", "name", str(broken)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_conforms_to_asks_the_packages_named(patient, tmp_path, capsys):
    profile = tmp_path / "profile.json"
    profile.write_text(json.dumps(structure("Kind", "Patient", element("Patient.photo", min=1))))
    arguments = [patient, "--package", str(profile)]

    assert run(["fhirpath", f"conformsTo('{CANONICAL}Kind')", *arguments]) == 0
    assert run(["fhirpath", f"conformsTo('{CORE}Patient')", *arguments]) == 0
    assert _lines(capsys) == [False, True]
