"""What a profile asks of resources inside a Bundle, of re-slices, and of targets is asked there."""

from pathlib import Path
from typing import Any

import pytest

from tests.profiles.validate.regional import (
    CANONICAL,
    Json,
    by,
    element,
    structure,
    validator,
)

REPORT = structure(
    "Befund",
    "Observation",
    element("Observation.note", min=1),
    element(
        "Observation",
        constraint=[
            {
                "key": "harz-9",
                "severity": "error",
                "human": "Der Befund kennt sich selbst",
                "expression": "%resource.is(Observation) and subject.resolve().exists()",
            }
        ],
    ),
)
PARCEL = structure(
    "Paket",
    "Bundle",
    element("Bundle.entry", slicing=by("type", "resource", rules="closed")),
    element("Bundle.entry:kranke", min=1, max="1"),
    element("Bundle.entry:kranke.resource", min=1, type=[{"code": "Patient"}]),
    element("Bundle.entry:befund", min=1),
    element(
        "Bundle.entry:befund.resource",
        min=1,
        type=[{"code": "Observation", "profile": [f"{CANONICAL}Befund"]}],
    ),
)
ONLY = structure("Nur", "Bundle", element("Bundle.entry.resource", type=[{"code": "Patient"}]))
PATIENT: Json = {"resourceType": "Patient", "name": [{"family": "Brocken"}]}
FULL_URLS = [f"urn:uuid:0f1d3c5e-7a9b-4c2d-8e4f-{at:012}" for at in range(4)]


def report(**members: Any) -> Json:
    subject = {"reference": FULL_URLS[0]}
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "Blutdruck"},
        "subject": subject,
        **members,
    }


def parcel(*resources: Json) -> Json:
    pairs = zip(FULL_URLS, resources, strict=False)
    entries = [{"fullUrl": url, "resource": one} for url, one in pairs]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def errors(folder: Path, profile: str, resource: Json, *structures: Json) -> list[str]:
    issues = validator(folder, *structures).validate(resource, [f"{CANONICAL}{profile}"])
    return [one.location for one in issues if one.severity == "error"]


@pytest.mark.parametrize(
    ("resources", "places"),
    [
        ([PATIENT, report(note=[{"text": "nüchtern"}])], []),
        ([PATIENT, report()], ["Bundle.entry[1].resource.note"]),
        (
            [PATIENT, report(note=[{"text": "nüchtern"}], subject={"display": "?"})],
            ["Bundle.entry[1].resource"],
        ),
    ],
)
def test_the_profile_of_an_entry_holds_inside_of_its_resource(
    tmp_path: Path, resources: list[Json], places: list[str]
) -> None:
    assert errors(tmp_path, "Paket", parcel(*resources), PARCEL, REPORT) == places


def test_a_bundle_for_one_type_takes_no_other(tmp_path: Path) -> None:
    assert errors(tmp_path, "Nur", parcel(PATIENT), ONLY) == []
    assert errors(tmp_path, "Nur", parcel(PATIENT, report()), ONLY) == ["Bundle.entry[1].resource"]


LETTER = structure(
    "Ueberweisung",
    "ServiceRequest",
    element("ServiceRequest.reasonReference", slicing=by("profile", "resolve()", rules="closed")),
    element(
        "ServiceRequest.reasonReference:befund",
        max="1",
        type=[{"code": "Reference", "targetProfile": [f"{CANONICAL}Kurzbefund"]}],
    ),
)
SHORT = structure("Kurzbefund", "Observation", element("Observation.note", min=1))


def letter(*contained: Json, also: str = "") -> Json:
    references = [f"#{one['id']}" for one in contained] + ([also] if also else [])
    return {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "subject": {"display": "Frau Brocken"},
        "contained": list(contained),
        "reasonReference": [{"reference": one} for one in references],
    }


def test_targets_tell_slices_apart_by_their_profile(tmp_path: Path) -> None:
    good = report(id="a", note=[{"text": "nüchtern"}], subject={"display": "Frau Brocken"})
    other = report(id="b", subject={"display": "Frau Brocken"})
    assert errors(tmp_path, "Ueberweisung", letter(good), LETTER, SHORT) == []
    place = "ServiceRequest.reasonReference[1]"
    assert errors(tmp_path, "Ueberweisung", letter(good, other), LETTER, SHORT) == [place]


def test_a_target_that_is_not_at_hand_is_in_no_slice_and_against_none(tmp_path: Path) -> None:
    away = letter(also="https://klinik.example/fhir/Observation/1")
    del away["contained"]
    assert errors(tmp_path, "Ueberweisung", away, LETTER, SHORT) == []


PRESSURE = {"coding": [{"system": "https://harz.example/messung", "code": "druck"}]}
MEASURED = structure(
    "Messung",
    "Observation",
    element("Observation.component", slicing=by("pattern", "code")),
    element("Observation.component:druck", max="3", slicing=by("exists", "value", rules="closed")),
    element("Observation.component:druck.code", patternCodeableConcept=PRESSURE),
    element("Observation.component:druck/mit", min=1, max="1"),
    element("Observation.component:druck/mit.value[x]", min=1),
    element("Observation.component:druck/ohne", max="1"),
    element("Observation.component:druck/ohne.value[x]", max="0"),
)
WITH, WITHOUT = {"code": PRESSURE, "valueString": "120"}, {"code": PRESSURE}


@pytest.mark.parametrize(
    ("components", "places"),
    [
        ([WITH, WITHOUT], []),
        ([WITHOUT], ["Observation.component"]),
        ([WITH, WITHOUT, WITHOUT], ["Observation.component"]),
        ([{"code": {"text": "Puls"}, "valueString": "60"}], []),
    ],
)
def test_a_slice_says_what_tells_its_own_slices_apart(
    tmp_path: Path, components: list[Json], places: list[str]
) -> None:
    assert errors(tmp_path, "Messung", report(component=components), MEASURED) == places


def test_a_closed_slice_takes_nothing_but_its_slices(tmp_path: Path) -> None:
    without = [one for one in MEASURED["differential"]["element"] if "ohne" not in one["id"]]
    closed = MEASURED | {"differential": {"element": without}}
    place = ["Observation.component[1]"]
    assert errors(tmp_path, "Messung", report(component=[WITH, WITHOUT]), closed) == place


def test_position_tells_slices_apart(tmp_path: Path) -> None:
    names = structure(
        "Namen",
        "Patient",
        element("Patient.name", slicing=by("position", "$this", rules="closed")),
        element("Patient.name:amtlich", min=1, max="1"),
        element("Patient.name:amtlich.use", min=1, fixedCode="official"),
        element("Patient.name:rufname", max="1"),
    )
    official, other = {"use": "official", "family": "Brocken"}, {"use": "nickname", "family": "Bo"}
    for listed, places in (
        ([official, other], []),
        ([other, official], ["Patient.name[0].use"]),
        ([official, other, other], ["Patient.name[2]"]),
    ):
        patient = {"resourceType": "Patient", "name": listed}
        assert errors(tmp_path, "Namen", patient, names) == places


def test_a_profile_that_is_wrong_somewhere_says_so_once(tmp_path: Path) -> None:
    wrong = structure("Falsch", "Patient", element("Patient.spitzname", min=1))
    issues = validator(tmp_path, wrong).validate(PATIENT, [f"{CANONICAL}Falsch"])
    (issue,) = [one for one in issues if one.severity == "warning"]
    assert "Patient.spitzname: the base has no such element" in issue.text
