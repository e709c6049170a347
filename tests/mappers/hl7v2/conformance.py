"""What became of every row of HL7's segment tables: `python -m tests.mappers.hl7v2.conformance`.

Writes conformance/hl7v2.tsv anew from the printed mapping; reasons written by hand stay.
`implemented`: the element is filled from the field. `other`: the field goes elsewhere, the
reason says where. `absent`: the field is not carried, the reason says why.
"""

from __future__ import annotations

import csv
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from mappers.codes import rows as code_rows
from mappers.hl7v2.mapping_table import mapping_table
from tests.mappers.hl7v2 import official
from tests.mappers.hl7v2.official import Official

FILE = Path(__file__).parents[3] / "conformance" / "hl7v2.tsv"
COLUMNS = ("segment", "field", "target", "status", "reason")
_ELEMENT = re.compile(r"[A-Za-z]+")
_NOT_READ = "the segment is not read: told in the loss report"
_LOST = "told in the loss report"


class Verdict(NamedTuple):
    """One line of the file."""

    segment: str
    field: str
    target: str
    status: str
    reason: str


def ours() -> dict[tuple[str, int], set[str]]:
    """(segment, field) → elements, e.g. "Patient.birthDate"; field 0: the segment."""
    found: dict[tuple[str, int], set[str]] = defaultdict(set)
    for row in mapping_table():
        found[row.segment, int(row.field.partition(".")[0] or 0)].add(row.target)
    return found


def element(kind: str, target: str) -> str:
    """First element of a target: "subject(Patient)" → "subject"; choices lose their type."""
    match = _ELEMENT.match(target.removeprefix(f"{kind}."))
    return match.group() if match is not None else target


def is_filled(row: Official, elements: Iterable[str]) -> bool:
    """Tell whether one of our elements is what the official row fills."""
    wanted = element(row.kind, row.target)
    for one in elements:
        kind, _, path = one.partition(".")
        name = _ELEMENT.match(path)
        said = name.group() if name is not None else ""
        if kind == row.kind and said and (said.startswith(wanted) or wanted.startswith(said)):
            return True
    return False


def judge(
    row: Official, known: dict[tuple[str, int], set[str]], reasons: dict[str, str]
) -> Verdict:
    """Say what became of an official row."""
    place = f"{row.segment}-{row.field}"
    target = f"{row.resource}.{row.target}"
    elements = known.get((row.segment, row.field), set())
    if is_filled(row, elements | known.get((row.segment, 0), set())):
        return Verdict(row.segment, str(row.field), target, "implemented", "")
    if elements and row.field:
        kept = "kept in " + ", ".join(sorted(elements))
        return Verdict(row.segment, str(row.field), target, "other", kept)
    if not any(segment == row.segment for segment, _ in known):
        return Verdict(row.segment, str(row.field), target, "absent", _NOT_READ)
    reason = reasons.get(place, reasons.get(row.segment, ""))
    return Verdict(row.segment, str(row.field), target, "absent", reason)


def verdicts() -> list[Verdict]:
    """Every official row that names a target, once."""
    known = ours()
    reasons = {row["path"]: row["reason"] for row in code_rows("mappers.hl7v2", "codes", "ignored")}
    found = {judge(row, known, reasons): None for row in official.rows()}
    return sorted(found, key=lambda v: (v.segment, int(v.field), v.target))


def written() -> list[Verdict]:
    """The lines of the file."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return [Verdict(**row) for row in csv.DictReader(file, delimiter="\t")]


def main() -> None:
    """Write the file anew."""
    lines = written() if FILE.is_file() else []
    by_hand = {v[:3]: v.reason for v in lines if v.status == "absent" and v.reason != _NOT_READ}
    with FILE.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, delimiter="\t", lineterminator="\n")
        out.writerow(COLUMNS)
        for verdict in verdicts():
            reason = verdict.reason or by_hand.get(verdict[:3], "") or _LOST
            out.writerow(verdict._replace(reason=reason if verdict.status != "implemented" else ""))
    counts = Counter(verdict.status for verdict in written())
    sys.stdout.write(f"{dict(counts)}\n")


if __name__ == "__main__":
    main()
