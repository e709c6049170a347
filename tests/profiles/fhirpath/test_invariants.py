"""The invariants of R4: all compile in strict mode, and hold on the published examples."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

import pytest
import suites

import profiles.fhirpath as engine
from profiles.fhirpath.expression import root
from profiles.fhirpath.model import type_at
from profiles.fhirpath.published import corrected
from profiles.reading import Limits, read_json

CORE = suites.SAMPLES.parent / "packages" / "r4-core"
EXAMPLES = suites.SAMPLES / "fhir-r4-official-examples"
LIMITS = Limits(size=100_000_000, containers=10_000_000, entries=100_000)
#: Best practice, no error: not every published example has a narrative.
RECOMMENDATIONS = {"dom-6"}


@cache
def constraints():
    """Element path → key → published expression."""
    if not CORE.is_dir():
        pytest.skip("the R4 core definitions are not beside GATEWAY_SAMPLES")
    found = {}
    for name in ("profiles-types", "profiles-resources"):
        packed = (CORE / f"{name}.json.gz").read_bytes()
        for entry in read_json(gzip.decompress(packed), limits=LIMITS)["entry"]:
            structure = entry["resource"]
            if structure.get("derivation") != "constraint" and "snapshot" in structure:
                for element in structure["snapshot"]["element"]:
                    keys = found.setdefault(element["path"].removesuffix("[x]"), {})
                    keys.update(_expressions(element))
    return found


def _expressions(element):
    for constraint in element.get("constraint", ()):
        expression = corrected(constraint["key"], constraint.get("expression", ""))
        if expression:
            yield constraint["key"], expression


@pytest.mark.samples
def test_every_published_invariant_compiles_in_strict_mode():
    rows = {
        (expression, path if type_at(path) else None)
        for path, keys in constraints().items()
        for expression in keys.values()
    }

    for expression, path in rows:
        engine.compile(expression, type=path, strict=True)
    assert len(rows) > 1000


@pytest.mark.samples
@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="GATEWAY_SAMPLES not found")
def test_every_invariant_holds_on_the_published_examples():
    checked = 0
    for path in sorted(EXAMPLES.rglob("*.json")):
        for node in _elements(root(read_json(path.read_bytes()))):
            for key, expression in _applying(node).items():
                checked += 1
                holds = engine.compile(expression).holds(node)
                assert holds or key in RECOMMENDATIONS, (path.name, node.path, key)
    assert checked > 10_000


def _elements(node):
    yield node
    for child in engine.compile("children()").nodes(node):
        yield from _elements(child)


def _applying(node):
    keys = dict(constraints().get(node.type.path, {}))
    if node.parent is not None:
        keys |= constraints().get(f"{node.parent.type.path}.{node.name}", {})
    return keys


def test_a_correction_applies_to_the_published_expression_only():
    assert corrected("que-7", "operator = 'exists' implies (answer is Boolean)") == (
        "operator = 'exists' implies (answer is boolean)"
    )
    assert corrected("que-7", "something else") == "something else"
    assert corrected("per-1", "start <= end") == "start <= end"
    assert Path(engine.__file__).with_name("published.csv").is_file()
