"""The published suites: what fails is known and has a reason."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import pytest
import suites

ROOT = Path(__file__).parents[3]
#: Suite → least share of cases that have to pass.
LEAST = {"r4": 0.97, "js": 0.95}


@cache
def outcomes(kind):
    run, name = suites.RUNS[kind]
    folder = suites.SAMPLES / name
    if not folder.is_dir():
        pytest.skip("GATEWAY_SAMPLES not found")
    return tuple(run(folder))


def known_failures(name):
    text = (ROOT / "conformance" / "fhirpath.tsv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return {(row["group"], row["case"]): row["reason"] for row in rows if row["suite"] == name}


@pytest.mark.samples
@pytest.mark.parametrize("kind", list(suites.RUNS))
def test_nearly_all_cases_pass(kind):
    passed = [one for one in outcomes(kind) if not one.reason]

    assert len(passed) / len(outcomes(kind)) >= LEAST[kind]


@pytest.mark.samples
@pytest.mark.parametrize("kind", list(suites.RUNS))
def test_exactly_the_documented_cases_fail(kind):
    failed = {(one.group, one.name): one.reason for one in outcomes(kind) if one.reason}

    assert set(failed) == set(known_failures(suites.RUNS[kind][1])), failed


def test_every_documented_failure_has_a_reason():
    for _, name in suites.RUNS.values():
        assert all(known_failures(name).values())
