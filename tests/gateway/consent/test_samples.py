"""Consents published elsewhere are interpreted, or refused for a reason that can be named."""

import json
import os
from pathlib import Path

import pytest

from gateway.consent import compile_consent

SAMPLES = Path(
    os.environ.get("GATEWAY_SAMPLES", Path(__file__).parents[3].parent / "shared" / "samples")
)


@pytest.mark.samples
def test_the_consents_of_ihe_pcf_are_interpreted_completely():
    files = sorted(SAMPLES.glob("consent-ihe-pcf/Consent-*.json"))
    if not files:
        pytest.skip("sample collection not found")
    for file in files:
        assert compile_consent(json.loads(file.read_text("utf-8"))).problem == "", file.name


@pytest.mark.samples
def test_the_contradicting_untyped_roots_of_the_r4_examples_are_refused():
    files = sorted(SAMPLES.glob("fhir-r4-official-examples/Consent/*.json"))
    if not files:
        pytest.skip("sample collection not found")
    refused = {
        file.stem for file in files if compile_consent(json.loads(file.read_text("utf-8"))).problem
    }

    assert {"consent-example", "consent-example-notThem"} <= refused
    assert "consent-example-notOrg" not in refused
