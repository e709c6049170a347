"""Exchange folders as operators see them: checked, listed, tried, described, watched."""

from __future__ import annotations

import os
import time

import pytest

_ENDPOINTS = """
[[organization]]
id = "praxis-gdt"
name = "Praxis ohne FHIR"
kind = "practice"

[[endpoint]]
id = "praxis-ein"
organization = "praxis-weber"
connection_type = "folder"
direction = "in"
format = "hl7v2"
folder = {{ path = "{ein}", pattern = ["KIS*.HL7"], archive = "archiv" }}

[[endpoint]]
id = "praxis-aus"
organization = "praxis-gdt"
connection_type = "folder"
direction = "out"
format = "fhir_r4"
idempotent = true
[endpoint.folder]
path = "{aus}"
name = "EDV1GTWY.###"
overdue = "1h"
"""


@pytest.fixture
def exchange(gateway, folder, tmp_path):
    """A region with an incoming and an outgoing exchange folder; return their parent."""
    places = {"ein": tmp_path / "ein", "aus": tmp_path / "aus"}
    for place in places.values():
        place.mkdir()
    (folder / "endpoints").mkdir(exist_ok=True)
    (folder / "endpoints" / "folders.toml").write_text(_ENDPOINTS.format(**places))
    assert gateway("apply", folder, "--yes").code == 0
    return tmp_path


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        ('format = "fhir_r4"', "", 'say what is spoken; add format = "xdt"'),
        ('format = "fhir_r4"', 'format = "edifact"', "there is no format named 'edifact'"),
        ("EDV1GTWY.###", "PRAXIS/###", "a plain file name that Windows has, too"),
        ("EDV1GTWY.###", "NUL", "a plain file name that Windows has, too"),
        ('overdue = "1h"', 'lease = "2s"', "three times folder.poll"),
        ('overdue = "1h"', 'overdu = "1h"', "did you mean 'overdue'?"),
        ("[endpoint.folder]", "[endpoint.tls]", "add folder = {"),
        ('pattern = ["KIS*.HL7"]', "pattern = []", "names no files"),
        ('connection_type = "folder"\ndirection = "in"',
         'connection_type = "http-inbound"\ndirection = "in"',
         'folder is for connection_type = "folder"'),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_folder_is_said_with_the_line_to_write(
    gateway, folder, exchange, written, instead, said
):
    file = folder / "endpoints" / "folders.toml"
    text = file.read_text()
    assert written in text
    file.write_text(text.replace(written, instead))
    checked = gateway("check", folder)

    assert checked.code == 1
    assert said in checked.out


@pytest.mark.parametrize(
    ("pattern", "shared", "loops"),
    [
        ("EDV*", "aus", True),
        ("*.pdf", "aus/", True),
        ("KIS*.HL7", "aus", False),
        ("*", "ein", False),
    ],
)
def test_a_gateway_that_would_take_its_own_files_is_told(
    gateway, folder, exchange, pattern, shared, loops
):
    file = folder / "endpoints" / "folders.toml"
    text = file.read_text().replace(f'{exchange}/ein"', f'{exchange}/{shared}"')
    file.write_text(text.replace("KIS*.HL7", pattern))
    checked = gateway("check", folder)

    assert checked.code == loops
    assert ("the gateway would take its own files" in checked.out) is loops


def test_folders_are_listed_tried_and_described(gateway, exchange):
    listed = {one["endpoint"]: one for one in gateway("endpoint", "list", "--json").json}
    assert listed["praxis-aus"]["address"] == str(exchange / "aus")
    tried = gateway("endpoint", "test", "praxis-aus", "--json").json
    assert tried["reached"]
    assert tried["writable"]
    assert [one for one in (exchange / "aus").iterdir() if one.is_file()] == []

    sheet = gateway("endpoint", "describe", "praxis-aus", "--json").json["sheet"]
    assert "| Dateiname | `EDV1GTWY.###` |" in sheet
    assert "MSH" not in sheet
    sheet = gateway("endpoint", "describe", "praxis-ein", "--json").json["sheet"]
    assert "| Dateinamen | `KIS*.HL7` |" in sheet
    assert "verschoben nach fehler" in sheet


def test_what_nobody_collects_or_takes_shows_in_status_and_work_list(gateway, exchange):
    assert gateway("worklist", "--json").json == []
    for name in ("aus/EDV1GTWY.001", "ein/KIS1.HL7"):
        (exchange / name).write_bytes(b"x")
        os.utime(exchange / name, (time.time() - 5 * 3_600,) * 2)

    status = gateway("status", "--json")
    assert status.code == 1
    warnings = " ".join(status.json["warnings"])
    assert "the folder of praxis-aus has had a file nobody collected for 5" in warnings
    assert "the folder of praxis-ein has had a record nobody took for 5" in warnings
    items = {one["endpoint"]: one for one in gateway("worklist", "--json").json}
    assert items["praxis-aus"]["state"] == "not-collected"
    assert items["praxis-ein"]["state"] == "not-taken"
    assert "KIS1" not in str(status.json)


def test_a_folder_that_is_away_is_told(gateway, exchange):
    (exchange / "aus").rmdir()

    status = gateway("status", "--json")
    assert status.json["warnings"] == ["the folder of praxis-aus cannot be used: missing"]
    tried = gateway("endpoint", "test", "praxis-aus", "--json")
    assert tried.code == 1
    assert tried.json["reason"] == "The folder cannot be written: missing."


def test_the_example_in_a_new_configuration_holds_when_its_comments_are_taken_away(gateway, folder):
    text = (folder / "gateway.toml").read_text()
    start = text.index('# [[endpoint]]\n# id = "praxis-weber-gdt-ein"')
    end = text.index("# ----", start)
    example = "\n".join(line.removeprefix("#").strip() for line in text[start:end].splitlines())
    (folder / "gateway.toml").write_text(text[:start] + example + text[end:])
    checked = gateway("check", folder, "--json")

    assert checked.code == 0
    assert {one["severity"] for one in checked.json["problems"]} <= {"warning"}
