"""Validation on one core: the first one, warm ones, a large Bundle, a FHIRPath expression."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

#: Calls before the clock starts, and the least time it runs in seconds; best of several runs.
WARM_UP, SECONDS, REPEATS = 20, 0.5, 3
_EXPRESSION = "Patient.name.where(use = 'official').given.first()"

_PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "aenne",
    "text": {
        "status": "generated",
        "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>Änne Töpfer-Weiß, geboren am '
        "14. März 1948, <b>Beispielhausen</b></p><table><tbody><tr><td>Telefon</td>"
        "<td>03643 000000</td></tr></tbody></table></div>",
    },
    "identifier": [
        {
            "use": "usual",
            "type": {
                "coding": [
                    {"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}
                ]
            },
            "system": "https://klinikum.example/sid/pid",
            "value": "0000471100",
            "period": {"start": "2001-05-06"},
            "assigner": {"display": "Klinikum Beispiel"},
        }
    ],
    "active": True,
    "name": [
        {"use": "official", "family": "Töpfer-Weiß", "given": ["Änne", "Luise"]},
        {"use": "maiden", "family": "Weiß", "period": {"end": "1972"}},
        {"use": "usual", "given": ["Änne"]},
    ],
    "telecom": [
        {"system": "phone", "value": "03643 000000", "use": "home", "rank": 1},
        {"system": "phone", "value": "0151 00000000", "use": "mobile", "rank": 2},
        {"use": "old", "system": "email", "value": "aenne@example.org"},
    ],
    "gender": "female",
    "birthDate": "1948-03-14",
    "deceasedBoolean": False,
    "address": [
        {
            "use": "home",
            "type": "both",
            "text": "Lindenweg 12a, 99999 Beispielhausen",
            "line": ["Lindenweg 12a"],
            "city": "Beispielhausen",
            "postalCode": "99999",
            "country": "DE",
            "period": {"start": "1974-12-25"},
        }
    ],
    "contact": [
        {
            "relationship": [
                {
                    "coding": [
                        {"system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "N"}
                    ]
                }
            ],
            "name": {"family": "Töpfer", "given": ["Karl"]},
            "telecom": [{"system": "phone", "value": "03643 000099"}],
            "gender": "male",
            "period": {"start": "2012"},
        }
    ],
    "managingOrganization": {"reference": "Organization/1"},
}


def measure() -> dict[str, Any]:
    """Return how often a second each is done."""
    from profiles.fhirpath import compile  # noqa: A004 - as in re.compile
    from profiles.packages import open_packages
    from profiles.validate.structure import structure
    from profiles.validate.validator import Validator

    began = time.perf_counter()
    validator = Validator(open_packages([]))
    faults = [i for i in validator.validate(_PATIENT) if i.severity in {"error", "fatal"}]
    cold = time.perf_counter() - began
    if faults:
        raise ValueError(faults[0].text)
    expression = compile(_EXPRESSION)
    bundle = _bundle(100)
    return {
        "first_validation_seconds": round(cold, 2),
        "patient_structure_per_second": _rate(lambda: structure(_PATIENT)),
        "patient_validated_per_second": _rate(lambda: validator.validate(_PATIENT)),
        "bundle_of_100_milliseconds": round(1000 / _rate(lambda: validator.validate(bundle)), 2),
        "fhirpath_evaluations_per_second": _rate(lambda: expression.evaluate(_PATIENT)),
    }


def _bundle(entries: int) -> dict[str, Any]:
    """Make a transaction of laboratory results."""
    made = []
    for number in range(entries):
        value = {
            "value": 7.5 + number / 100,
            "unit": "mmol/l",
            "system": "http://unitsofmeasure.org",
            "code": "mmol/L",
        }
        observation = {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
            "subject": {"reference": "Patient/aenne"},
            "effectiveDateTime": "2026-11-03T10:45:00+01:00",
            "valueQuantity": value,
        }
        made.append(
            {
                "fullUrl": f"urn:uuid:00000000-0000-4000-8000-{number:012d}",
                "resource": observation,
                "request": {"method": "POST", "url": "Observation"},
            }
        )
    return {"resourceType": "Bundle", "type": "transaction", "entry": made}


def _rate(work: Callable[[], object]) -> int:
    for _ in range(WARM_UP):
        work()
    best = 0.0
    for _ in range(REPEATS):
        count, began = 0, time.perf_counter()
        while (passed := time.perf_counter() - began) < SECONDS:
            work()
            count += 1
        best = max(best, count / passed)
    return round(best)
