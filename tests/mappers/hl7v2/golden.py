"""Recall of other projects' expected bundles: `python -m tests.mappers.hl7v2.golden [SOURCE…]`.

A golden leaf is found when our bundle holds the same value at the same element of the same type
of resource; equal leaves of a bundle count once. What does not count: ids, references to ids,
narrative, private extensions and MessageHeader (the output is a transaction, not a FHIR message).

Two values are the same when they differ only in what no table decides:

- times without an offset in the message get the zone of the machine that translated: they are
  compared by their wall clock, those with an offset by their instant, fractions without zeros at
  their end;
- systems of a sender's own: each project has a namespace for them, or writes the bare name of the
  assigner or table: they are compared by that name;
- URIs of systems: `https` for `http`, a slash at the end, upper and lower case;
- object identifiers and UUIDs with and without `urn:oid:` and `urn:uuid:`.

`conformance/hl7v2-golden.tsv` lists where a golden bundle departs from the official tables: source,
path, value, how many leaves, and why. Recall is told with and without those.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import mappers
from profiles.reading import write_json
from tests.mappers.hl7v2.coverage import SAMPLES

SOURCES = ("hl7v2-cdc-mapping-inventory", "hl7v2-google-hdh", "hl7v2-ms-fhir-converter")
DEPARTURES = Path(__file__).parents[3] / "conformance" / "hl7v2-golden.tsv"
_STANDARD = ("http://hl7.org/", "http://terminology.hl7.org/", "http://fhir.de/")
_OUTSIDE = frozenset({"MessageHeader", "Bundle", "OperationOutcome"})
_SKIPPED = frozenset({"id", "reference", "fullUrl", "div", "lastUpdated", "resourceType"})
#: Namespaces in which projects put systems of a sender's own.
_OWN = ("http://example.com/v2-to-fhir-converter/", mappers.PUBLIC_NAMESPACE)
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?")
_URN = re.compile(r"urn:(?:oid|uuid):", re.IGNORECASE)

Leaf = tuple[str, str, str]


class Departure(NamedTuple):
    """Leaves in which a golden bundle departs from the official tables."""

    source: str
    #: Regular expressions for "Type.element.path" and for the value.
    path: str
    value: str
    leaves: str
    reason: str

    def covers(self, leaf: Leaf) -> bool:
        """Tell whether this is about a leaf."""
        kind, path, value = leaf
        named = re.fullmatch(self.path, f"{kind}.{path}") is not None
        return named and re.fullmatch(self.value, value, re.DOTALL) is not None


@cache
def departures(source: str) -> tuple[Departure, ...]:
    """The lines of the file about one source."""
    with DEPARTURES.open(encoding="utf-8", newline="") as file:
        lines = [Departure(**row) for row in csv.DictReader(file, delimiter="\t")]
    return tuple(line for line in lines if line.source == source)


def leaves(bundle: dict[str, Any]) -> Iterator[Leaf]:
    """(resource type, element path without indexes, value) of a bundle's resources."""
    for entry in bundle.get("entry", ()):
        resource = entry.get("resource", {})
        kind = resource.get("resourceType", "")
        if kind not in _OUTSIDE:
            body = {key: value for key, value in resource.items() if key != "text"}
            for path, value in _walk(body, ""):
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


def same(leaf: Leaf) -> tuple[Leaf, ...]:
    """What a leaf is compared by: it equals another that shares one of these."""
    kind, path, value = leaf
    match = _TIME.fullmatch(value)
    if match is not None:
        return tuple((kind, path, one) for one in _times(*match.groups()))
    if path.endswith(("system", "url")):
        value = _system(value)
    return ((kind, path, _URN.sub("", value)),)


def _times(clock: str, fraction: str | None, offset: str | None) -> list[str]:
    rest = (fraction or "").rstrip("0").rstrip(".")
    found = [clock + rest]
    if offset is not None:
        moment = datetime.fromisoformat(clock + offset.replace("Z", "+00:00"))
        found.append(f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}{rest}")
    return found


def _system(value: str) -> str:
    for namespace in _OWN:
        if value.startswith(namespace):
            return value.rsplit("/", 1)[-1].lower()
    return re.sub(r"^https://", "http://", value).rstrip("/").lower()


class Recall(NamedTuple):
    """Golden leaves of a source: all, found, departures from the tables among the rest."""

    wanted: int
    found: int
    departing: int
    cases: int


def compare(source: Path, missing: Counter[Leaf], seen: Counter[Departure]) -> Recall:
    """Compare a source; counts what is missing and which departures explain the others."""
    wanted = found = departing = cases = 0
    for expected in sorted(source.rglob("*.expected.json")):
        message = expected.with_name(expected.name.replace(".expected.json", ".hl7"))
        if not message.is_file():
            continue
        golden = set(leaves(json.loads(expected.read_bytes())))
        ours: set[Leaf] = set()
        for mapped in mappers.convert(message.read_bytes(), format="hl7v2"):
            for leaf in leaves(json.loads(write_json(mapped.bundle))):
                ours.update(same(leaf))
        lost = {leaf for leaf in golden if not ours.intersection(same(leaf))}
        wanted, found, cases = wanted + len(golden), found + len(golden) - len(lost), cases + 1
        for leaf in lost:
            known = next((d for d in departures(source.name) if d.covers(leaf)), None)
            if known is None:
                missing[leaf] += 1
            else:
                departing += 1
                seen[known] += 1
    return Recall(wanted, found, departing, cases)


def main(names: list[str]) -> None:
    """Print the recall of every source with golden bundles and what is missing most."""
    write = sys.stdout.write
    counts: Counter[Departure] = Counter()
    for name in names or SOURCES:
        missing: Counter[Leaf] = Counter()
        told = compare(SAMPLES / name, missing, counts)
        raw = 100 * told.found / (told.wanted or 1)
        fair = 100 * told.found / ((told.wanted - told.departing) or 1)
        write(
            f"{name:32} {told.cases:4} cases {told.found:6}/{told.wanted:6} {raw:5.1f}% "
            f"without {told.departing} departures {fair:5.1f}%\n"
        )
        _print_missing(missing)
    if not names and DEPARTURES.is_file():
        _write_counts(counts)


def _print_missing(missing: Counter[Leaf]) -> None:
    places: Counter[tuple[str, str]] = Counter()
    for (kind, path, _), count in missing.items():
        places[kind, path] += count
    for (kind, path), count in places.most_common(45):
        example = next(v for k, p, v in missing if (k, p) == (kind, path))
        sys.stdout.write(f"  {count:5} {kind}.{path} = {example[:60]}\n")


def _write_counts(counts: Counter[Departure]) -> None:
    """Write the file of departures anew with what each covers now; those that cover nothing go."""
    with DEPARTURES.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, delimiter="\t", lineterminator="\n")
        out.writerow(Departure._fields)
        for departure, count in sorted(counts.items()):
            out.writerow(departure._replace(leaves=str(count)))


if __name__ == "__main__":
    main(sys.argv[1:])
