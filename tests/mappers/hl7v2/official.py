"""The segment tables of HL7's v2-to-FHIR guide, where the standards folder is at hand.

One row of theirs is one `Official`: the field, its place in FHIR and the condition in words.
"""

from __future__ import annotations

import csv
import os
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(os.environ.get("GATEWAY_STANDARDS", Path(__file__).parents[4] / "shared" / "standards"))
SEGMENTS = ROOT / "hl7-v2-to-fhir" / "mappings" / "segments"
_FILE = re.compile(r"HL7_Segment_-_FHIR_R4__(\w+?)_(.+?)_-_.*\.csv")
_PLACE = re.compile(r"([A-Z][A-Z0-9]{2})[-.](\d+)")


class Official(NamedTuple):
    """One official row that names a target."""

    segment: str
    #: Number of the field; 0 for what the whole segment says.
    field: int
    #: Resource type and its variant in the guide: "Basic-EncounterHistory".
    resource: str
    #: Target element as the guide writes it.
    target: str
    condition: str
    #: Constant the row assigns; empty: the field's value.
    assigned: str

    @property
    def kind(self) -> str:
        """The resource type alone."""
        return self.resource.partition("-")[0]


@cache
def rows() -> tuple[Official, ...]:
    """All rows that name a target; empty when the standards folder is absent."""
    found: list[Official] = []
    for path in sorted(SEGMENTS.glob("*.csv")) if SEGMENTS.is_dir() else ():
        match = _FILE.fullmatch(path.name)
        if match is not None:
            found += _of(path, *match.groups())
    return tuple(found)


def _of(path: Path, segment: str, resource: str) -> list[Official]:
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    start = next(n for n, line in enumerate(lines) if "FHIR Attribute" in line)
    head = lines[start]
    target = head.index("FHIR Attribute")
    assigned = head.index("Assignment") if "Assignment" in head else target
    found = []
    for line in lines[start + 1 :]:
        if len(line) <= assigned or not line[target].strip():
            continue
        constant = line[assigned].strip() if assigned > target else ""
        place = _PLACE.match(line[1].strip())
        field = int(place.group(2)) if place is not None and place.group(1) == segment else 0
        condition = " ".join((line[8] or line[6]).split())
        wanted = " ".join(line[target].split())
        found.append(Official(segment, field, resource, wanted, condition, constant))
    return found


@cache
def fields() -> frozenset[tuple[str, int]]:
    """(segment, field) of every field with an official target."""
    return frozenset((row.segment, row.field) for row in rows() if row.field)
