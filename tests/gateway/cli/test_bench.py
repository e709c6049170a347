"""What `gateway bench` measures validation on."""

from __future__ import annotations

from gateway.cli.bench.cold import cold_start
from gateway.cli.bench.patients import (
    FULL_PATIENT,
    ISIK_PATIENT,
    isik_profile,
    laboratory_bundle,
)
from profiles.packages import open_packages
from profiles.validate import validate


def test_the_measured_resources_are_well():
    measured = (FULL_PATIENT, ISIK_PATIENT, laboratory_bundle(3))

    faults = [
        issue for one in measured for issue in validate(one) if issue.severity in {"error", "fatal"}
    ]

    assert faults == []


def test_without_a_package_there_is_no_isik_profile():
    assert isik_profile(open_packages([])) == ""


def test_a_cold_start_tells_seconds_and_memory_of_a_process_of_its_own():
    found = cold_start([])

    assert set(found) == {
        "cold_start_seconds",
        "cold_start_cpu_seconds",
        "cold_start_peak_megabytes",
    }
    assert 10 < found["cold_start_peak_megabytes"] < 1000
