"""Where this validator and others disagree is known, and why."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import pytest

from tests.profiles.validate.oracles import ORACLES, PACKAGES, SAMPLES, Case

ROOT = Path(__file__).parents[3]


@cache
def cases(name: str) -> tuple[Case, ...]:
    if not (SAMPLES / name).is_dir() or not PACKAGES.is_dir():
        pytest.skip("GATEWAY_SAMPLES not found")
    return tuple(ORACLES[name]())


def documented() -> list[dict[str, str]]:
    text = (ROOT / "conformance" / "validator.tsv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.mark.samples
@pytest.mark.parametrize("name", list(ORACLES))
def test_exactly_the_documented_cases_disagree(name: str) -> None:
    found = {
        (one.name, "valid" if one.expected else "invalid") for one in cases(name) if not one.agrees
    }
    assert found == {(r["case"], r["expected"]) for r in documented() if r["suite"] == name}


@pytest.mark.samples
@pytest.mark.parametrize("name", list(ORACLES))
def test_no_text_repeats_what_a_resource_says(name: str) -> None:
    names = {"Ludger", "Königsstein", "Königsstein Ludger", "Chalmers", "Mustermann"}
    for one in cases(name):
        for issue in one.issues:
            assert not any(secret in issue.text for secret in names), (one.name, issue)


def test_every_disagreement_has_a_reason() -> None:
    assert all(row["reason"] and row["suite"] in ORACLES for row in documented())
