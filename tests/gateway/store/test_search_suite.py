"""Search cases of another server's tests: each query finds exactly what the standard says.

The suite (GATEWAY_SAMPLES/rest-fhir-search-ms) has seeds and, per query, the seeds that must come
back; where its server departs from R4 it names what R4 says. `conformance/search.tsv` lists the
queries we answer otherwise, with the reason.
"""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from gateway.domain.time import DAY
from gateway.pipeline.ports import NewVersion
from gateway.store.hits import Query
from profiles.issue import GatewayError
from profiles.search import index_terms, parse_criteria

ROOT = Path(__file__).parents[3]
SAMPLES = Path(os.environ.get("GATEWAY_SAMPLES", ROOT.parent / "shared" / "samples"))
SUITE = SAMPLES / "rest-fhir-search-ms"
UNTIL = 30_000 * DAY

pytestmark = pytest.mark.skipif(not SUITE.is_dir(), reason="GATEWAY_SAMPLES not found")


def departures():
    text = (ROOT / "conformance" / "search.tsv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t")
    return {(row["file"], row["query"]): row["reason"] for row in rows}


def store_seeds(store, keys, name, seeds):
    def job(tx):
        (subject,) = tx.reserve("subject", 1)
        tx.add_subjects([subject], UNTIL)
        numbers = tx.reserve("resource", len(seeds))
        tx.add_versions(
            [
                NewVersion(
                    number,
                    seed["resourceType"],
                    f"{name}-{at}",
                    subject,
                    0,
                    "klinikum",
                    1,
                    json.dumps(seed | {"id": f"{name}-{at}"}).encode(),
                    "",
                    "KIS",
                    1,
                    terms=keys.coder.encode(seed["resourceType"], index_terms(seed)),
                    retain_until=UNTIL,
                )
                for at, (number, seed) in enumerate(zip(numbers, seeds, strict=True))
            ]
        )

    store.writer.submit(job).result(60)


def answer(store, suite, case):
    """Return the seeds a query finds, or its HTTP status when it is refused."""
    name, _, value = case["query"].partition("=")
    pairs = [(name, value or case.get("value", ""))]
    tag, _, code = suite["every_query_adds"].partition("=")
    try:
        criteria = parse_criteria(suite["resource_type"], parameters=[*pairs, (tag, code)])
    except GatewayError:
        return 400
    found = store.reader.hits(Query(criteria=(criteria,)), limit=1_000).found
    return sorted(int(hit.stored.id.rpartition("-")[2]) for hit in found)


def test_every_query_finds_what_the_standard_says(store, keys):
    known, wrong, right = departures(), set(), 0
    for path in sorted(SUITE.glob("*.json")):
        suite = json.loads(path.read_text(encoding="utf-8"))
        # Each file's seeds carry one tag; without the file before them they stay apart.
        tagged = f"{suite['every_query_adds']}-{path.stem}"
        code = tagged.partition("|")[2]
        seeds = json.loads(json.dumps(suite["seeds"]).replace('"search-cases"', f'"{code}"'))
        if seeds:
            store_seeds(store, keys, path.stem, seeds)
        suite["every_query_adds"] = tagged
        for case in suite["cases"]:
            expected = case.get("spec_expected", case.get("expected"))
            if expected is None:
                expected = case["expected_status"]
            if answer(store, suite, case) == expected:
                right += 1
            else:
                wrong.add((path.stem, case["query"]))
    assert wrong == set(known)
    assert right / (right + len(wrong)) >= 0.98
