"""SNOMED CT, from the snapshot files of a release (RF2).

https://confluence.ihtsdotools.org/display/DOCRELFMT, https://hl7.org/fhir/R4/snomedct.html.
Concepts, descriptions, is-a relationships; language reference sets say which term is preferred.
Reference sets and expressions are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from profiles.reading.limits import refused
from profiles.reading.table_stream import TSV, stream_records
from profiles.terminology.concept import Header
from profiles.terminology.store.records import (
    Catalogue,
    ConceptRow,
    DesignationRow,
    ParentRow,
    PropertyRow,
    Record,
)

SNOMED_CT = "http://snomed.info/sct"
INTERNATIONAL = "900000000000207008"
_FULLY_SPECIFIED = "900000000000003001"
_PREFERRED = "900000000000548007"
_DEFINED = "900000000000073002"
_IS_A = "116680003"
_SCTID = re.compile(r"\d{6,18}\Z")
#: Preferred descriptions of all language reference sets of a release.
_MOST_PREFERRED = 10_000_000


def snomed_ct(folder: Path, *, version: str, edition: str = INTERNATIONAL) -> Catalogue:
    """Describe a release unpacked in a folder; `version` is its date (`20250101`).

    Raises NotConformant when the snapshot of the concepts, descriptions or relationships is not
    there, or more than once.
    """
    _one(folder, "sct2_Concept_Snapshot")
    _one(folder, "sct2_Relationship_Snapshot")
    _some(folder, "sct2_Description_Snapshot")
    header = Header(
        url=SNOMED_CT,
        version=f"{SNOMED_CT}/{edition}/version/{version}",
        name="SNOMED CT",
        case_sensitive=True,
        hierarchy_meaning="is-a",
        language="en",
    )
    return Catalogue(header, partial(_records, folder))


def _records(folder: Path) -> Iterator[Record]:
    for row in _rows(_one(folder, "sct2_Concept_Snapshot"), "id", "active"):
        yield ConceptRow(_sctid(row["id"]), inactive=row["active"] != "1")
        defined = "true" if row.get("definitionStatusId") == _DEFINED else "false"
        yield PropertyRow(row["id"], "sufficientlyDefined", defined)
        if module := row.get("moduleId", ""):
            yield PropertyRow(row["id"], "moduleId", module)
    preferred = _preferred(folder)
    for path in _some(folder, "sct2_Description_Snapshot"):
        yield from _descriptions(path, preferred)
    for row in _rows(_one(folder, "sct2_Relationship_Snapshot"), "sourceId", "destinationId"):
        if row.get("active") == "1" and row.get("typeId") == _IS_A:
            yield ParentRow(_sctid(row["sourceId"]), _sctid(row["destinationId"]))


def _descriptions(path: Path, preferred: set[int]) -> Iterator[Record]:
    for row in _rows(path, "conceptId", "term", "typeId"):
        if row.get("active") != "1":
            continue
        use = "synonym"
        if row["typeId"] == _FULLY_SPECIFIED:
            use = "fsn"
        elif int(_sctid(row.get("id", ""))) in preferred:
            use = "preferred"
        yield DesignationRow(
            _sctid(row["conceptId"]), row["term"], row.get("languageCode", ""), use
        )


def _preferred(folder: Path) -> set[int]:
    """Return the descriptions that a language reference set prefers."""
    found: set[int] = set()
    for path in sorted(folder.rglob("der2_cRefset_*Snapshot*.txt")):
        if "Language" not in path.name:
            continue
        for row in _rows(path, "referencedComponentId", "acceptabilityId"):
            if row.get("active") == "1" and row["acceptabilityId"] == _PREFERRED:
                found.add(int(_sctid(row["referencedComponentId"])))
        if len(found) > _MOST_PREFERRED:
            raise refused("the release prefers too many descriptions", code="too-costly")
    return found


def _rows(path: Path, *needed: str) -> Iterator[dict[str, str]]:
    for row in stream_records(path, TSV):
        if not all(one in row for one in needed):
            raise refused(f"{path.name}: this is not the RF2 file its name says")
        yield row


def _sctid(text: str) -> str:
    if not _SCTID.match(text):
        raise refused("the release has an identifier that is none of SNOMED CT")
    return text


def _some(folder: Path, start: str) -> list[Path]:
    found = sorted(folder.rglob(f"{start}*.txt"))
    if not found:
        raise refused(f"there is no {start} file in the release", code="required")
    return found


def _one(folder: Path, start: str) -> Path:
    found = _some(folder, start)
    if len(found) > 1:
        raise refused(f"there is more than one {start} file in the release")
    return found[0]
