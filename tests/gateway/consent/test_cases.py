"""The published decision cases: every one decided as expected, nothing disclosed too much."""

import json
from pathlib import Path

import pytest

from gateway.consent import decide, filter_resources

CASES = json.loads(
    Path(__file__).parents[2].joinpath("samples/consent-cases.json").read_text("utf-8")
)
ALL = [*CASES["cases"], *CASES["supplement"]]


def _decide(case):
    return decide(
        {
            "consents": case["consents"],
            "request": case["request"],
            "policy": {**CASES["defaultPolicy"], **case.get("policy", {})},
        }
    )


@pytest.mark.parametrize("case", ALL, ids=[case["id"] for case in ALL])
def test_a_case_is_decided_as_expected(case):
    decision = _decide(case)

    assert decision.outcome == case["expected"], (case["why"], decision.as_json())
    if "expectedVisible" in case:
        assert list(decision.visible) == case["expectedVisible"]
    if "expectedRemoved" in case:
        assert list(decision.removed) == case["expectedRemoved"]
    assert set(case.get("obligations", ())) <= set(decision.obligations)


@pytest.mark.parametrize("case", ALL, ids=[case["id"] for case in ALL])
def test_what_a_case_removes_is_not_in_what_goes_out(case):
    decision = _decide(case)
    left = json.dumps(filter_resources([case["request"]["resource"]], decision))

    for name in decision.removed:
        assert f'"{name}"' not in left
        assert f'"id": "{name.rpartition("/")[2].rpartition("#")[2]}"' not in left
    assert (left == "[]") == (decision.outcome == "deny")
