"""The mapping is printed from what the translator does."""

import json

import pytest

from gateway.cli.app import main


def test_the_table_names_what_becomes_of_each_field(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mapping", "table", "hl7v2", "--segment", "PID"]) == 0
    printed = capsys.readouterr().out
    assert "| PID-7 | Patient.birthDate |" in printed
    assert "| PV1-" not in printed


def test_the_table_is_there_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mapping", "table", "hl7v2", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"segment": "PV1", "field": "2", "target": "Encounter.class"}.items() <= max(
        rows, key=lambda row: row["target"] == "Encounter.class"
    ).items()


def test_a_format_without_a_table_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mapping", "table", "fax"]) == 1
    assert "hl7v2" in capsys.readouterr().err
