"""The mapping is printed from what the translator does."""

import json

import pytest

from gateway.cli.app import run


def test_the_table_names_what_becomes_of_each_field(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["mapping", "table", "hl7v2", "--segment", "PID"]) == 0
    printed = capsys.readouterr().out
    assert "| PID-7 | Patient.birthDate |" in printed
    assert "| PV1-" not in printed


def test_the_table_is_there_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["mapping", "table", "hl7v2", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    found = [row for row in rows if row["target"] == "Encounter.class"]
    assert [(row["segment"], row["field"]) for row in found] == [("PV1", "2")]


def test_the_fields_of_gdt_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["mapping", "table", "xdt", "--segment", "GDT"]) == 0
    printed = capsys.readouterr().out
    assert "| GDT 3103 Geburtsdatum | Patient.birthDate |" in printed
    assert "| LDT " not in printed


def test_a_format_without_a_table_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["mapping", "table", "fax"]) == 1
    assert "hl7v2" in capsys.readouterr().err
