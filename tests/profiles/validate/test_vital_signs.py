"""Vital signs are held against core's profiles, as serious as the policy says."""

from __future__ import annotations

from functools import cache
from typing import Any

from profiles.packages import open_packages
from profiles.validate.policy import Policy
from profiles.validate.validator import Validator

LOINC = "http://loinc.org"
CORE = "http://hl7.org/fhir/StructureDefinition/"
PULSE: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "category": [
        {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                    "code": "vital-signs",
                }
            ]
        }
    ],
    "code": {"coding": [{"system": LOINC, "code": "8867-4"}]},
    "subject": {"reference": "Patient/1"},
    "effectiveDateTime": "2026-11-03T07:30:00+01:00",
    "valueQuantity": {
        "value": 72,
        "unit": "/min",
        "system": "http://unitsofmeasure.org",
        "code": "/min",
    },
}


@cache
def validator(severity: str = "") -> Validator:
    policy = Policy.strict([severity]) if severity else Policy()
    return Validator(open_packages([]), policy=policy)


def wrong(observation: dict[str, Any], severity: str = "") -> set[tuple[str, str]]:
    return {
        (one.severity, one.location)
        for one in validator(severity).validate(observation)
        if one.severity != "information"
    }


def test_a_whole_vital_sign_is_well() -> None:
    assert wrong(PULSE) == wrong(PULSE, "vitals") == set()


def test_what_the_profile_misses_is_told_and_an_error_for_who_wants_it() -> None:
    bare = {name: one for name, one in PULSE.items() if name != "effectiveDateTime"}

    assert wrong(bare) == {("warning", "Observation.effective")}
    assert wrong(bare, "vitals") == {("error", "Observation.effective")}


def test_who_claims_the_profile_is_taken_at_his_word() -> None:
    bare = {name: one for name, one in PULSE.items() if name != "effectiveDateTime"}
    claiming = bare | {"meta": {"profile": [f"{CORE}heartrate"]}}

    assert wrong(claiming) == {("error", "Observation.effective")}


def test_other_codes_ask_for_nothing() -> None:
    for code in (
        {"coding": [{"system": LOINC, "code": "718-7"}]},
        {"coding": [{"system": "urn:x", "code": "8867-4"}]},
        {"text": "Puls"},
    ):
        other = {"resourceType": "Observation", "status": "final", "code": code}
        assert wrong(other) == set()


def test_the_units_of_components_are_only_expected() -> None:
    flow = {
        "code": {"coding": [{"system": LOINC, "code": "3151-8"}]},
        "valueQuantity": PULSE["valueQuantity"] | {"value": 2, "unit": "L/min", "code": "L/min"},
    }
    assert ("warning", "Observation.component[0].value") in wrong(
        PULSE | {"component": [flow]}, "vitals"
    )
