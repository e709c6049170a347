"""What `gateway bench` measures validation on."""

from __future__ import annotations

import pytest

from gateway.cli.bench.cold import cold_start
from gateway.cli.bench.conversion import Sender, laboratory, records
from gateway.cli.bench.patients import (
    FULL_PATIENT,
    ISIK_PATIENT,
    isik_profile,
    laboratory_bundle,
)
from gateway.cli.bench.practice_records import device_records, laboratory_files, practice_export
from gateway.cli.bench.stages import stages
from mappers.xdt.batch import pieces
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


def test_reports_of_any_length_are_translated_whole():
    sample = (records() / "02_laboratory_r01.hl7").read_bytes()
    sender = Sender()

    for report in laboratory(sample, 5, 3):
        mapped = sender.translated(report)
        kinds = [one.type for one in mapped.changes]
        assert (kinds.count("Observation"), kinds.count("DiagnosticReport")) == (5, 1)
        assert mapped.issues == ()


@pytest.mark.parametrize(
    ("file", "kind", "messages"),
    [
        (device_records(2)[1], "GDT 6310", 1),
        (laboratory_files(2)[1], "LDT 8205", 1),
        (practice_export(3), "BDT 6200", 3),
    ],
    ids=["device", "laboratory", "export"],
)
def test_files_of_practices_are_well_and_translated_whole(file, kind, messages):
    cut = list(pieces([file]))
    mapped = [Sender("xdt").translated(one.data) for one in cut]

    assert [one.message_type for one in mapped] == messages * [kind]
    assert [(one.refusal, one.issues, one.loss.unmapped) for one in mapped] == messages * [
        (None, (), ())
    ]
    patients = {one.id for found in mapped for one in found.changes if one.type == "Patient"}
    assert len(patients) == messages
    assert [one.issues for one in cut] == messages * [()]


def test_the_time_of_a_message_is_told_by_stage():
    sample = (records() / "02_laboratory_r01.hl7").read_bytes()

    found = stages(Sender().whole, laboratory(sample, 200, 1))

    assert list(found) == ["tokenise", "map", "serialise", "account", "validate", "rest"]
    assert found["map"] > 0
