"""Recall of other projects' expected bundles: `python -m tests.mappers.hl7v2.golden [SOURCE…]`.

A golden leaf is found when our bundle holds the same value at the same element of the same type
of resource; equal leaves of a bundle count once. Ids, references to ids, narrative, private
extensions and MessageHeader (the output is a transaction, not a FHIR message) do not count.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mappers
from profiles.reading import write_json
from tests.mappers.hl7v2.coverage import SAMPLES

SOURCES = ("hl7v2-cdc-mapping-inventory", "hl7v2-google-hdh", "hl7v2-ms-fhir-converter")
_STANDARD = ("http://hl7.org/", "http://terminology.hl7.org/", "http://fhir.de/")
_OUTSIDE = frozenset({"MessageHeader", "Bundle", "OperationOutcome"})
_SKIPPED = frozenset({"id", "reference", "fullUrl", "div", "lastUpdated", "resourceType"})

Leaf = tuple[str, str, str]


def leaves(bundle: dict[str, Any]) -> Iterator[Leaf]:
    """(resource type, element path without indexes, value) of a bundle's resources."""
    for entry in bundle.get("entry", ()):
        resource = entry.get("resource", {})
        kind = resource.get("resourceType", "")
        if kind not in _OUTSIDE:
            for path, value in _walk(resource, ""):
                yield kind, path, value


def _walk(node: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        url = str(node.get("url", ""))
        if "xtension" in path and url and not url.startswith(_STANDARD) and ":" in url:
            return
        for key, value in node.items():
            if key not in _SKIPPED:
                yield from _walk(value, f"{path}.{key}" if path else key)
    elif isinstance(node, list):
        for item in node:
            yield from _walk(item, path)
    else:
        yield path, _plain(node)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(str(value).split())


def compare(source: Path, missing: Counter[Leaf]) -> tuple[int, int, int]:
    """Golden leaves, those found, and the number of cases of a source."""
    wanted = found = cases = 0
    for expected in sorted(source.rglob("*.expected.json")):
        message = expected.with_name(expected.name.replace(".expected.json", ".hl7"))
        if not message.is_file():
            continue
        golden = set(leaves(json.loads(expected.read_bytes())))
        ours: set[Leaf] = set()
        for mapped in mappers.convert(message.read_bytes(), format="hl7v2"):
            ours.update(leaves(json.loads(write_json(mapped.bundle))))
        wanted, found, cases = wanted + len(golden), found + len(golden & ours), cases + 1
        missing.update(golden - ours)
    return wanted, found, cases


def main(names: list[str]) -> None:
    """Print the recall of every source with golden bundles and what is missing most."""
    write = sys.stdout.write
    for name in names or SOURCES:
        missing: Counter[Leaf] = Counter()
        wanted, found, cases = compare(SAMPLES / name, missing)
        share = 100 * found / (wanted or 1)
        write(f"{name:32} {cases:4} cases {found:6}/{wanted:6} {share:5.1f}%\n")
        places: Counter[tuple[str, str]] = Counter()
        for (kind, path, _), count in missing.items():
            places[kind, path] += count
        for (kind, path), count in places.most_common(45):
            example = next(v for k, p, v in missing if (k, p) == (kind, path))
            write(f"  {count:5} {kind}.{path} = {example[:60]}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
