"""Converted Bundles: whole in themselves, as the rules of Bundles ask."""

from pathlib import Path

import pytest

import mappers
from profiles.reading import read_json, write_json
from profiles.validate.rules import RULES

SAMPLES = Path(__file__).parents[1] / "samples"
MESSAGES = sorted(
    file for kind in ("*.hl7", "*.gdt", "*.ldt", "*.bdt", "*.xml") for file in SAMPLES.rglob(kind)
)


@pytest.mark.parametrize("file", MESSAGES, ids=lambda one: one.name)
def test_a_converted_bundle_breaks_no_rule_and_its_references_lead_to_entries(file):
    for mapped in mappers.convert(file.read_bytes()):
        if mapped.refusal is None:
            bundle = read_json(write_json(mapped.bundle))
            issues = [one for rule in RULES["Bundle"] for one in rule(bundle, "Bundle")]
            assert [(one.location, one.text) for one in issues] == []
