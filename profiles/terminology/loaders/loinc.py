"""LOINC, from the files of its release.

https://loinc.org/kb/users-guide/loinc-database-structure/, https://hl7.org/fhir/R4/loinc.html.
Loinc.csv is the code table; linguistic variants, the hierarchy of parts and the answers are added
where their files are given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from profiles.reading.limits import refused
from profiles.reading.table_stream import CSV, stream_records
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

LOINC = "http://loinc.org"
#: Columns that become properties of the same name.
PROPERTIES = (
    "COMPONENT",
    "PROPERTY",
    "TIME_ASPCT",
    "SYSTEM",
    "SCALE_TYP",
    "METHOD_TYP",
    "CLASS",
    "CLASSTYPE",
    "STATUS",
    "ORDER_OBS",
)
_PARTS = ("COMPONENT", "PROPERTY", "TIME_ASPCT", "SYSTEM", "SCALE_TYP", "METHOD_TYP")
_NEEDED = frozenset({"LOINC_NUM", "LONG_COMMON_NAME", "STATUS", *_PARTS})
#: Codes of the table itself; parts (LP…), answers (LA…) and lists (LL…) are elsewhere.
_NUMBER = r"\d{1,7}-\d"


_VARIANT = re.compile(r"([a-z]{2})([A-Z]{2})\d+LinguisticVariant\.csv\Z")
#: Name in a release → field of `LoincFiles`.
_MEANT = {
    "Loinc.csv": "table",
    "ComponentHierarchyBySystem.csv": "hierarchy",
    "AnswerList.csv": "answers",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoincFiles:
    """The files of a release; only the table is needed."""

    #: LoincTable/Loinc.csv.
    table: Path
    #: Language → AccessoryFiles/LinguisticVariants/…LinguisticVariant.csv.
    variants: Mapping[str, Path] | None = None
    #: AccessoryFiles/ComponentHierarchyBySystem/ComponentHierarchyBySystem.csv.
    hierarchy: Path | None = None
    #: AccessoryFiles/AnswerFile/AnswerList.csv.
    answers: Path | None = None


def loinc_files(paths: Iterable[Path]) -> LoincFiles:
    """Tell the files of a release apart by the names they have in it.

    A variant's language is in its name (`deDE15LinguisticVariant.csv`). Raises NotConformant for a
    name that is not known, and without the table.
    """
    found: dict[str, Path] = {}
    variants: dict[str, Path] = {}
    for path in paths:
        if variant := _VARIANT.match(path.name):
            variants[f"{variant[1]}-{variant[2]}"] = path
        elif path.name in _MEANT:
            found[_MEANT[path.name]] = path
        else:
            raise refused(f"{path.name}: no file of this name is read of a LOINC release")
    if "table" not in found:
        raise refused("Loinc.csv is needed", code="required")
    return LoincFiles(**found, variants=variants)


def loinc(files: LoincFiles, *, version: str) -> Catalogue:
    """Describe a LOINC release (`version`: `2.78`).

    Without hierarchy and answers it is a fragment: parts and answers stay undecided.
    """
    whole = files.hierarchy is not None and files.answers is not None
    header = Header(
        url=LOINC,
        version=version,
        name="LOINC",
        content="complete" if whole else "fragment",
        case_sensitive=False,
        hierarchy_meaning="is-a" if files.hierarchy else "",
        value_set="http://loinc.org/vs",
        language="en",
        whole="" if whole else _NUMBER,
    )
    return Catalogue(header, partial(_records, files))


def _records(files: LoincFiles, where: Where) -> Iterator[Record]:
    for row in stream_records(files.table, CSV, where):
        if not row.keys() >= _NEEDED:
            raise refused("this is not LOINC's table")
        yield from _of_row(row)
    for language, path in (files.variants or {}).items():
        for row in stream_records(path, CSV, where):
            if text := _in_variant(row):
                yield DesignationRow(row["LOINC_NUM"], text, language)
    if files.hierarchy is not None:
        yield from _hierarchy(files.hierarchy, where)
    if files.answers is not None:
        yield from _answers(files.answers, where)


def _of_row(row: dict[str, str]) -> Iterator[Record]:
    code = row["LOINC_NUM"]
    display = row["LONG_COMMON_NAME"] or _parts(row)
    yield ConceptRow(code, display, inactive=row["STATUS"] == "DEPRECATED")
    yield from (PropertyRow(code, one, row[one]) for one in PROPERTIES if row.get(one))
    if short := row.get("SHORTNAME", ""):
        yield DesignationRow(code, short, "en", "SHORTNAME")


def _in_variant(row: dict[str, str]) -> str:
    """Return the translated name; where only parts are translated, the parts."""
    if "LOINC_NUM" not in row:
        raise refused("this is no linguistic variant of LOINC")
    names = ("LinguisticVariantDisplayName", "LONG_COMMON_NAME")
    return next((row[one] for one in names if row.get(one)), "") or _parts(row)


def _parts(row: dict[str, str]) -> str:
    return ":".join(row.get(one, "") for one in _PARTS).strip(":")


def _hierarchy(path: Path, where: Where) -> Iterator[Record]:
    for row in stream_records(path, CSV, where):
        code = row.get("CODE", "")
        if not code:
            raise refused("this is not LOINC's hierarchy")
        if code.startswith("LP"):
            yield ConceptRow(code, row.get("CODE_TEXT", ""), abstract=True)
        if parent := row.get("IMMEDIATE_PARENT", ""):
            yield ParentRow(code, parent)


def _answers(path: Path, where: Where) -> Iterator[Record]:
    for row in stream_records(path, CSV, where):
        group = row.get("AnswerListId", "")
        if not group:
            raise refused("this is not LOINC's answer list")
        yield ConceptRow(group, row.get("AnswerListName", ""), abstract=True)
        if code := row.get("AnswerStringId", ""):
            yield ConceptRow(code, row.get("DisplayText", ""))
            yield MemberRow(code, group)
