"""`gateway validate`: one OperationOutcome a resource, exit codes, packages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.profiles.validate.regional import CANONICAL, LANGUAGES, PATIENT, REMARK

GOOD = {
    "resourceType": "Organization",
    "name": "Klinikum Harz",
    "text": {
        "status": "generated",
        "div": '<div xmlns="http://www.w3.org/1999/xhtml">Klinikum Harz</div>',
    },
}


def run(*arguments: str, stdin: bytes = b"") -> tuple[int, list[Any], str]:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "validate", *arguments],
        input=stdin,
        capture_output=True,
        check=False,
    )
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, outcomes, done.stderr.decode()


def errors(outcome: Any) -> list[str]:
    return [
        one.get("expression", [""])[0]
        for one in outcome["issue"]
        if one["severity"] in {"error", "fatal"}
    ]


def test_what_is_right_gets_an_outcome_without_errors(tmp_path: Path) -> None:
    file = tmp_path / "klinikum.json"
    file.write_text(json.dumps(GOOD))
    code, outcomes, _ = run(str(file))
    assert (code, errors(outcomes[0])) == (0, [])
    assert outcomes[0]["resourceType"] == "OperationOutcome"
    assert outcomes[0]["issue"]


def test_every_line_of_ndjson_has_its_outcome(tmp_path: Path) -> None:
    file = tmp_path / "export.ndjson"
    bad = GOOD | {"active": "ja"}
    file.write_text("\n".join([json.dumps(GOOD), json.dumps(bad), "{", ""]))
    code, outcomes, stderr = run(str(file))
    assert code == 1
    assert [errors(one) for one in outcomes] == [[], ["Organization.active"], [""]]
    assert "Traceback" not in stderr


def test_xml_from_standard_input() -> None:
    patient = b'<Patient xmlns="http://hl7.org/fhir"><gender value="weiblich"/></Patient>'
    code, outcomes, _ = run("-", stdin=patient)
    assert code == 1
    assert errors(outcomes[0]) == ["Patient.gender"]


def test_profiles_come_from_packages(tmp_path: Path) -> None:
    for one in (PATIENT, REMARK, LANGUAGES):
        (tmp_path / f"{one['id']}.json").write_text(json.dumps(one))
    packages = [
        part
        for name in ("Versicherte", "Pflegehinweis", "Sprachen")
        for part in ("--package", str(tmp_path / f"{name}.json"))
    ]
    file = tmp_path / "person.json"
    file.write_text('{"resourceType": "Patient", "name": [{"family": "Weiß"}]}')
    profile = ("--profile", f"{CANONICAL}Versicherte")
    code, outcomes, _ = run(str(file), *profile, *packages)
    assert code == 1
    assert set(errors(outcomes[0])) == {"Patient.birthDate", "Patient.identifier"}
    code, outcomes, _ = run(str(file), *profile)
    # Whoever names a profile is not told that all is well when nothing was looked at.
    assert (code, errors(outcomes[0])) == (1, ["Patient"])
    assert "is not at hand" in json.dumps(outcomes[0])


def test_a_file_that_is_not_there_is_a_matter_of_usage(tmp_path: Path) -> None:
    code, outcomes, stderr = run(str(tmp_path / "fehlt.json"))
    assert (code, outcomes) == (2, [])
    assert stderr.strip().endswith("there is no such file")


def test_a_corrupt_package_is_one_sentence(tmp_path: Path) -> None:
    package = tmp_path / "kaputt.tgz"
    package.write_bytes(b"\x1f\x8bkein Archiv")
    file = tmp_path / "klinikum.json"
    file.write_text(json.dumps(GOOD))
    code, outcomes, stderr = run(str(file), "--package", str(package))
    assert code != 0
    assert outcomes == []
    assert len(stderr.strip().splitlines()) == 1


def places(outcome: Any) -> list[tuple[str, ...]]:
    """Return (expression, line, column) of errors."""
    return [
        (one.get("expression", [""])[0], *(str(it["valueInteger"]) for it in one["extension"]))
        for one in outcome["issue"]
        if one["severity"] in {"error", "fatal"}
    ]


def test_issues_tell_line_and_column_of_the_file(tmp_path: Path) -> None:
    pretty, xml, lines = tmp_path / "a.json", tmp_path / "b.xml", tmp_path / "c.ndjson"
    pretty.write_text(json.dumps(GOOD | {"active": "ja"}, indent=2))
    xml.write_text(
        '<?xml version="1.0"?>\n<Patient xmlns="http://hl7.org/fhir">\n'
        '  <birthDate value="1948-02-30"/>\n  <active value="true"/>\n</Patient>'
    )
    lines.write_bytes(
        b"\xef\xbb\xbf" + json.dumps(GOOD).encode() + b"\r\n\r\n"
        b'{"resourceType":"Patient", "gender":"w"}\r\n{"resourceType":"Patient",,}'
    )
    code, outcomes, stderr = run(str(pretty), str(xml), str(lines))
    assert code == 1
    assert [places(one) for one in outcomes] == [
        [("Organization.active", "8", "3")],
        [("Patient.active", "4", "3"), ("Patient.birthDate", "3", "3")],
        [],
        [("Patient.gender", "3", "28")],
        [("", "4", "27")],
    ]
    assert stderr.splitlines() == ["5 resources in 3 files, 4 with errors: 5 errors, 0 warnings"]


def test_plain_lines_are_what_editors_follow(tmp_path: Path) -> None:
    file = tmp_path / "klinikum.json"
    file.write_text(json.dumps(GOOD | {"active": "ja"}, indent=2))
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "validate", "--plain", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    text = "must be true or false"
    assert done.stdout == f"{file}:8:3: error: Organization.active: {text}\n"


def test_a_line_beyond_the_limit_does_not_stop_the_others(tmp_path: Path) -> None:
    file = tmp_path / "export.ndjson"
    with file.open("wb") as export:
        export.write(b'{"resourceType":"Patient","id":"')
        export.seek(60_000_000)  # zeros that cost the disk nothing
        export.write(b'"}\n' + json.dumps(GOOD | {"active": 5}).encode())
    code, outcomes, _ = run(str(file))
    assert code == 1
    assert [one["issue"][0]["code"] for one in outcomes] == ["too-costly", "structure"]
    assert places(outcomes[1])[0][1] == "2"


def test_a_caller_may_be_stricter_than_the_specification(tmp_path: Path) -> None:
    file = tmp_path / "klinikum.json"
    unknown = {"url": "https://harz.example/neu", "valueCode": "x"}
    claimed = {"profile": [f"{CANONICAL}Nirgends"]}
    file.write_text(json.dumps(GOOD | {"extension": [unknown], "meta": claimed}))
    assert run(str(file))[0] == 0
    code, (outcome,), _ = run(str(file), "--strict", "extension", "--strict", "claim")
    assert (code, errors(outcome)) == (1, ["Organization.extension[0]", "Organization.meta"])
    code, _, stderr = run(str(file), "--strict", "everything")
    assert code == 2
    assert "claim, display, extension, profile, vitals are expected" in stderr
