"""`gateway convert`: lines in input order, reports, exit codes."""

from __future__ import annotations

import json
import sys

import pytest


def _reports(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_message_becomes_one_transaction_bundle(gateway, admission):
    done = gateway("convert", admission())

    (bundle,) = done.lines
    assert done.code == 0
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "transaction")
    types = {entry["resource"]["resourceType"] for entry in bundle["entry"]}
    assert {"Patient", "Encounter", "Provenance"} <= types


def test_a_file_with_several_messages_gives_several_lines_in_order(gateway, admission, tmp_path):
    report = tmp_path / "r.ndjson"

    done = gateway("convert", admission("1", "2", "3"), "--report", report)

    assert len(done.lines) == 3
    assert [one["message"] for one in _reports(report)] == [1, 2, 3]


def test_what_cannot_be_translated_leaves_an_operation_outcome_in_its_place(
    gateway, admission, tmp_path
):
    broken = tmp_path / "broken.hl7"
    broken.write_bytes(b"this is no message")
    empty = tmp_path / "empty.hl7"
    empty.write_bytes(b"")

    done = gateway("convert", broken, admission(), empty)

    kinds = [line["resourceType"] for line in done.lines]
    assert kinds == ["OperationOutcome", "Bundle", "OperationOutcome"]
    assert done.code == 1


def test_the_report_accounts_for_every_field(gateway, admission, tmp_path):
    report = tmp_path / "r.ndjson"

    gateway("convert", admission(), "--report", report)

    (one,) = _reports(report)
    assert set(one) == {
        "source",
        "format",
        "message_type",
        "fields",
        "mapped",
        "ignored",
        "unmapped",
        "issues",
    }
    assert (one["source"], one["format"]) == (str(admission()), "hl7v2")
    assert one["message_type"] == "ADT^A01"
    assert one["fields"] == one["mapped"] + one["ignored"] + len(one["unmapped"])


def test_lineage_names_the_field_each_element_comes_from(gateway, admission, tmp_path):
    report = tmp_path / "r.ndjson"

    gateway("convert", admission(), "--report", report, "--lineage")

    lineage = _reports(report)[0]["lineage"]
    families = [paths for element, paths in lineage.items() if element.endswith("name[0].family")]
    assert families == [["PID-5.1"]]


def test_lineage_without_a_report_is_a_usage_error(gateway, admission):
    assert gateway("convert", admission(), "--lineage").code == 2


def test_several_processes_give_the_same_bytes_in_the_same_order(gateway, admission, tmp_path):
    many = admission(*[str(number) for number in range(100)])
    one, two = tmp_path / "one.ndjson", tmp_path / "two.ndjson"

    assert gateway("convert", many, "--output", one).code == 0
    assert gateway("convert", many, "--output", two, "--jobs", "2").code == 0

    assert one.read_bytes() == two.read_bytes()
    assert one.read_bytes().count(b"\n") == 100


def test_the_same_input_gives_the_same_bytes_again(gateway, admission):
    assert gateway("convert", admission()).out == gateway("convert", admission()).out


def test_standard_input_is_read_with_a_dash(gateway, admission, monkeypatch):
    with admission().open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        done = gateway("convert", "-")

    assert done.lines[0]["resourceType"] == "Bundle"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--format", "edifact"], "known are auto, hl7v2, xdt, fhir"),
        (["--to", "edifact"], "cannot be written"),
        (["--dialect", "nowhere"], "there is no such file"),
    ],
)
def test_unknown_words_are_usage_errors_that_name_the_known_ones(
    gateway, admission, arguments, expected
):
    done = gateway("convert", admission(), *arguments)

    assert done.code == 2
    assert expected in done.err


def test_a_missing_file_is_said_before_anything_is_written(gateway, admission, tmp_path):
    done = gateway("convert", admission(), tmp_path / "missing.hl7")

    assert (done.code, done.out) == (2, "")
    assert "missing.hl7: there is no such file" in done.err


def test_a_dialect_is_a_file_or_a_name_beside_the_configuration(
    gateway, admission, tmp_path, monkeypatch
):
    folder = tmp_path / "region" / "dialects"
    folder.mkdir(parents=True)
    dialect = folder / "kis.toml"
    dialect.write_text('[systems]\nKIS = "https://kis.example/sid/patient"\n', encoding="utf-8")
    monkeypatch.setenv("GATEWAY_CONFIG", str(tmp_path / "region"))

    for name in (dialect, "kis"):
        done = gateway("convert", admission(), "--dialect", name)
        assert "https://kis.example/sid/patient" in done.out


def test_a_wrong_dialect_names_the_nearest_key(gateway, admission, tmp_path):
    dialect = tmp_path / "kis.toml"
    dialect.write_text('charsett = "8859/1"\n', encoding="utf-8")

    done = gateway("convert", admission(), "--dialect", dialect)

    assert done.code == 2
    assert "charset" in done.err


def test_umlauts_leave_as_utf8_whatever_the_locale_says(admission):
    import os
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "gateway", "convert", str(admission())],
        capture_output=True,
        env={**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
        check=True,
    )

    assert "Müller".encode() in done.stdout


def test_a_bundle_is_read_as_a_source_too(gateway, admission, tmp_path):
    bundle = tmp_path / "bundle.json"
    patient = {"resourceType": "Patient", "identifier": [{"system": "urn:oid:1.2", "value": "7"}]}
    entry = {"resource": patient, "request": {"method": "POST", "url": "Patient"}}
    content = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    bundle.write_text(json.dumps(content), encoding="utf-8")
    report = tmp_path / "r.ndjson"

    done = gateway("convert", bundle, "--report", report)

    assert done.code == 0
    assert _reports(report)[0]["format"] == "fhir"


def test_a_batch_that_is_cut_off_says_so_after_its_messages(gateway, admission, tmp_path):
    whole = admission("1", "2").read_bytes()
    second = whole.index(b"MSH", 3)
    cut = tmp_path / "day.hl7"
    cut.write_bytes(b"BHS|^~\\&|KIS\r" + whole[:second] + b"# Nachtrag\r\n" + whole[second:])
    report = tmp_path / "r.ndjson"

    done = gateway("convert", cut, "--report", report)

    kinds = [line["resourceType"] for line in done.lines]
    assert (done.code, kinds) == (1, ["Bundle", "Bundle", "OperationOutcome"])
    first, following, envelope = _reports(report)
    data = cut.read_bytes()
    assert [one["message"] for one in (first, following)] == [1, 2]
    assert {data[one["offset"] :][:3] for one in (first, following)} == {b"MSH"}
    assert "message" not in envelope
    assert [issue["location"] for issue in envelope["issues"]] == ["BHS"]


def test_several_processes_read_a_batch_alike(gateway, admission, tmp_path):
    batch = tmp_path / "day.hl7"
    messages = admission(*map(str, range(70))).read_bytes()
    batch.write_bytes(b"FHS|^~\\&\nBHS|^~\\&\n" + messages + b"BTS|70\nFTS|1\n")

    one, several = (gateway("convert", batch, "--jobs", n) for n in (1, 2))

    assert (one.code, len(one.lines)) == (0, 70)
    assert one.out == several.out
