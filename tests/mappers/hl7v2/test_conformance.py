"""Each row of HL7's own segment tables is implemented, or it is said where it stays."""

from __future__ import annotations

import pytest

from mappers.hl7v2.mapping_table import mapping_table
from tests.mappers.hl7v2 import conformance, official

AGAIN = "run: python -m tests.mappers.hl7v2.conformance"


def test_the_list_says_of_every_line_what_became_of_it() -> None:
    lines = conformance.written()
    assert len(lines) > 900
    assert {line.status for line in lines} == {"implemented", "other", "absent"}
    assert [line for line in lines if line.status != "implemented" and not line.reason] == []


def test_what_the_list_calls_implemented_is_in_the_mapping() -> None:
    known = conformance.ours()
    for line in conformance.written():
        kind, _, target = line.target.partition(".")
        row = official.Official(line.segment, int(line.field), kind, target, "", "")
        verdict = conformance.judge(row, known, {})
        if line.status == "implemented":
            assert verdict.status == "implemented", f"{line}: {AGAIN}"


@pytest.mark.skipif(not official.SEGMENTS.is_dir(), reason="the standards folder is not there")
def test_no_official_row_is_forgotten() -> None:
    listed = {line[:3] for line in conformance.written()}
    assert [v for v in conformance.verdicts() if v[:3] not in listed] == [], AGAIN


def test_the_mapping_names_fields_and_elements() -> None:
    rows = mapping_table()
    assert {"PID", "PV1", "OBX", "DG1"} <= {row.segment for row in rows}
    assert all("." in row.target or row.target.isalpha() for row in rows)
    assert all(row.field.replace(".", "").isdigit() or not row.field for row in rows)
