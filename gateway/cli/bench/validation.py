"""Validation on one core: Patients, a large Bundle, a FHIRPath expression, a cold start."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.cli.bench.cold import cold_start
from gateway.cli.bench.patients import (
    FULL_PATIENT,
    ISIK_PATIENT,
    isik_profile,
    laboratory_bundle,
)

if TYPE_CHECKING:
    from profiles.issue import Issue
    from profiles.validate.validator import Validator

#: Calls before the clock starts, and the least time it runs in seconds; best of several runs.
WARM_UP, SECONDS, REPEATS = 20, 0.5, 3
_EXPRESSION = "Patient.name.where(use = 'official').given.first()"


def measure(packages: Iterable[Path] = ()) -> dict[str, Any]:
    """Return how often a second each is done; ISiK where one of the packages has its profile."""
    from profiles.fhirpath import compile  # noqa: A004 - as in re.compile
    from profiles.packages import open_packages
    from profiles.validate.structure import structure
    from profiles.validate.validator import Validator

    files = list(packages)
    opened = open_packages(files, tolerate_missing=True)
    began = time.perf_counter()
    validator = Validator(opened)
    _well(validator.validate(FULL_PATIENT))
    first = time.perf_counter() - began
    expression, bundle = compile(_EXPRESSION), laboratory_bundle(100)
    return {
        "first_validation_seconds": round(first, 2),
        "patient_structure_per_second": _rate(lambda: structure(FULL_PATIENT)),
        "patient_validated_per_second": _rate(lambda: validator.validate(FULL_PATIENT)),
        **_isik(validator, isik_profile(opened)),
        **_yardstick(),
        "bundle_of_100_milliseconds": round(1000 / _rate(lambda: validator.validate(bundle)), 2),
        "fhirpath_evaluations_per_second": _rate(lambda: expression.evaluate(FULL_PATIENT)),
        **cold_start(files),
    }


def _isik(validator: Validator, profile: str) -> dict[str, int]:
    if not profile:
        return {}
    _well(validator.validate(ISIK_PATIENT, [profile]))
    rate = _rate(lambda: validator.validate(ISIK_PATIENT, [profile]))
    return {"isik_patient_validated_per_second": rate}


def _yardstick() -> dict[str, int]:
    """What the models of fhir.resources parse of the same resources, where they are installed."""
    try:
        model = import_module("fhir.resources.R4B.patient").Patient
    except ImportError:
        return {}
    return {
        "patient_parsed_by_fhir_resources_per_second": _rate(lambda: model(**FULL_PATIENT)),
        "isik_patient_parsed_by_fhir_resources_per_second": _rate(lambda: model(**ISIK_PATIENT)),
    }


def _well(issues: Iterable[Issue]) -> None:
    """Refuse to measure how fast something is that does not work."""
    faults = [one for one in issues if one.severity in {"error", "fatal"}]
    if faults:
        raise ValueError(faults[0].text)


def _rate(work: Callable[[], object]) -> int:
    """Count calls by processor time: others may be at work on the machine."""
    for _ in range(WARM_UP):
        work()
    best = 0.0
    for _ in range(REPEATS):
        count, began = 0, time.process_time()
        while (passed := time.process_time() - began) < SECONDS:
            work()
            count += 1
        best = max(best, count / passed)
    return round(best)
