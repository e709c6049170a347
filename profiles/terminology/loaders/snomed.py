"""SNOMED CT, from the snapshot files of a release (RF2).

https://confluence.ihtsdotools.org/display/DOCRELFMT, https://hl7.org/fhir/R4/snomedct.html.
Concepts, descriptions, is-a relationships, members of simple reference sets; language reference
sets say which term is preferred. A national extension lies beside the international release, in the
same folder; what both have counts as the extension says it. Expressions are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from profiles.reading.limits import refused
from profiles.reading.table_stream import TSV, stream_records
from profiles.reading.where import Where
from profiles.terminology.concept import Header
from profiles.terminology.store.records import (
    Catalogue,
    ConceptRow,
    DesignationRow,
    MemberRow,
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
_DATE = re.compile(r"\d{8}")
#: Preferred descriptions of all language reference sets of a release.
_MOST_PREFERRED = 10_000_000


def snomed_ct(folder: Path, *, version: str = "", edition: str = INTERNATIONAL) -> Catalogue:
    """Describe a release unpacked in a folder; `version` is its date (`20250101`).

    Without a version it is the newest date in the names of the concept files. Raises NotConformant
    when the snapshot of the concepts, descriptions or relationships is not there.
    """
    concepts = _some(folder, "sct2_Concept_Snapshot")
    _some(folder, "sct2_Relationship_Snapshot")
    _some(folder, "sct2_Description_Snapshot")
    version = version or max((_date(one) for one in concepts), default="")
    if not _DATE.fullmatch(version) or not _SCTID.match(edition):
        raise refused("a version of SNOMED CT is an edition (SCTID) and a date (YYYYMMDD)")
    header = Header(
        url=SNOMED_CT,
        version=f"{SNOMED_CT}/{edition}/version/{version}",
        name="SNOMED CT",
        case_sensitive=True,
        hierarchy_meaning="is-a",
        language="en",
    )
    return Catalogue(header, partial(_records, folder))


def _records(folder: Path, where: Where) -> Iterator[Record]:
    seen: set[int] = set()
    for path in _some(folder, "sct2_Concept_Snapshot"):
        for row in _rows(path, where, "id", "active"):
            if int(_sctid(row["id"])) not in seen:
                seen.add(int(row["id"]))
                yield from _concept(row)
    preferred = _preferred(folder, where)
    for path in _some(folder, "sct2_Description_Snapshot"):
        yield from _descriptions(path, preferred, where)
    preferred.clear()
    for path in _some(folder, "sct2_Relationship_Snapshot"):
        for row in _rows(path, where, "sourceId", "destinationId"):
            if row.get("active") == "1" and row.get("typeId") == _IS_A:
                yield ParentRow(_sctid(row["sourceId"]), _sctid(row["destinationId"]))
    yield from _members(folder, seen, where)


def _concept(row: dict[str, str]) -> Iterator[Record]:
    yield ConceptRow(row["id"], inactive=row["active"] != "1")
    defined = "true" if row.get("definitionStatusId") == _DEFINED else "false"
    yield PropertyRow(row["id"], "sufficientlyDefined", defined)
    if module := row.get("moduleId", ""):
        yield PropertyRow(row["id"], "moduleId", module)


def _members(folder: Path, concepts: set[int], where: Where) -> Iterator[Record]:
    """Yield the concepts of simple reference sets; their other members are descriptions."""
    for path in _found(folder, "der2_Refset_*Snapshot"):
        for row in _rows(path, where, "refsetId", "referencedComponentId"):
            if row.get("active") == "1" and int(_sctid(row["referencedComponentId"])) in concepts:
                yield MemberRow(row["referencedComponentId"], _sctid(row["refsetId"]))


def _descriptions(path: Path, preferred: set[int], where: Where) -> Iterator[Record]:
    for row in _rows(path, where, "conceptId", "term", "typeId"):
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


def _preferred(folder: Path, where: Where) -> set[int]:
    """Return the descriptions that a language reference set prefers."""
    found: set[int] = set()
    for path in _found(folder, "der2_cRefset_*Snapshot"):
        if "Language" not in path.name:
            continue
        for row in _rows(path, where, "referencedComponentId", "acceptabilityId"):
            if row.get("active") == "1" and row["acceptabilityId"] == _PREFERRED:
                found.add(int(_sctid(row["referencedComponentId"])))
        if len(found) > _MOST_PREFERRED:
            raise refused("the release prefers too many descriptions", code="too-costly")
    return found


def _rows(path: Path, where: Where, *needed: str) -> Iterator[dict[str, str]]:
    for row in stream_records(path, TSV, where):
        if not all(one in row for one in needed):
            raise refused("this is not the RF2 file its name says")
        yield row


def _sctid(text: str) -> str:
    if not _SCTID.match(text):
        raise refused("the release has an identifier that is none of SNOMED CT")
    return text


def _some(folder: Path, start: str) -> list[Path]:
    found = _found(folder, start)
    if not found:
        raise refused(f"there is no {start} file in the release", code="required")
    return found


def _found(folder: Path, start: str) -> list[Path]:
    """Return the files of a kind, an extension's before the international ones."""
    found = folder.rglob(f"{start}*.txt")
    return sorted(found, key=lambda one: ("_INT_" in one.name, one.name))


def _date(path: Path) -> str:
    return path.stem.rpartition("_")[2]
