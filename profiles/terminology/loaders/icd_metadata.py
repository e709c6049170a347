"""ICD-10-GM from the BfArM's metadata (TXT, semicolons): `icd10gm2025syst_kodes.txt`.

https://www.bfarm.de/DE/Kodiersysteme/Klassifikationen/ICD/ICD-10-GM/Systematik/_node.html, read-me
of the metadata. One row a code, all that modifiers make included. Chapters and blocks come from
`…_kapitel.txt` and `…_gruppen.txt`, where they lie beside it. Names of properties are those of the
ClaML edition; daggers are not in these files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from profiles.reading.limits import refused
from profiles.reading.table_stream import TableForm, stream_rows
from profiles.reading.where import Where
from profiles.terminology.concept import Header
from profiles.terminology.loaders.claml import ICD_10_GM
from profiles.terminology.store.records import (
    Catalogue,
    ConceptRow,
    ParentRow,
    PropertyRow,
    Record,
)

_CODE = re.compile(r"[A-Z]\d\d(\.\d{1,2})?")
#: Fields 13 and following of a row.
_PROPERTIES = (
    *("Para295", "Para301", "MortL1Code", "MortL2Code", "MortL3Code", "MortL4Code", "MortBCode"),
    *("SexCode", "SexReject", "AgeLow", "AgeHigh", "AgeReject"),
    *("RareDisease", "Content", "Infectious", "EBMLabor"),
)
_FIELDS = 12 + len(_PROPERTIES)
_MARKS = frozenset("*!")
_ROMAN = (("X", 10), ("IX", 9), ("V", 5), ("IV", 4), ("I", 1))
_YEAR = re.compile(r"icd10gm(\d{4})")


def icd_metadata(path: Path, *, version: str = "", encoding: str = "utf-8-sig") -> Catalogue:
    """Describe the file of the codes; the version is the year in its name unless given.

    Codes that are no end points are abstract. Raises NotConformant when no version is known.
    """
    named = _YEAR.match(path.name)
    version = version or (named[1] if named else "")
    if not version:
        raise refused(f"{path.name}: the name has no year; give the version", code="required")
    header = Header(
        url=ICD_10_GM,
        version=version,
        name="ICD-10-GM",
        case_sensitive=True,
        hierarchy_meaning="is-a",
        language="de",
    )
    form = TableForm(delimiter=";", encoding=encoding, quoted=False)
    return Catalogue(header, partial(_records, path, form))


def _records(path: Path, form: TableForm, where: Where) -> Iterator[Record]:
    blocks: dict[str, str] = {}
    yield from _chapters(path, form, where)
    for record in _blocks(path, form, where):
        if isinstance(record, ConceptRow):
            blocks[record.code.partition("-")[0]] = record.code
        yield record
    for row in stream_rows(path, form, where):
        yield from _of_code(row, blocks)


def _chapters(path: Path, form: TableForm, where: Where) -> Iterator[Record]:
    if (beside := _beside(path, "kapitel")) is not None:
        for number, title in _rows(beside, form, where, 2):
            yield ConceptRow(_roman(number), title, abstract=True)
            yield PropertyRow(_roman(number), "kind", "chapter")


def _blocks(path: Path, form: TableForm, where: Where) -> Iterator[Record]:
    """Yield groups: first and last three-character code, chapter, title."""
    if (beside := _beside(path, "gruppen")) is None:
        return
    for first, last, number, title in _rows(beside, form, where, 4):
        code = f"{first}-{last}"
        yield ConceptRow(code, title, abstract=True)
        yield PropertyRow(code, "kind", "block")
        yield ParentRow(code, _roman(number))


def _of_code(row: list[str], blocks: dict[str, str]) -> Iterator[Record]:
    if len(row) < _FIELDS or row[1] not in {"T", "N"} or not _CODE.fullmatch(row[6]):
        raise refused("this is no row of the codes of the ICD-10-GM's metadata")
    code, title = row[6], row[8]
    yield ConceptRow(code, title, abstract=row[1] == "N")
    yield PropertyRow(code, "kind", "category")
    above = _above(code) or blocks.get(row[4], "")
    if above:
        yield ParentRow(code, above)
    if row[5][-1:] in _MARKS:
        yield PropertyRow(code, "usage", row[5][-1])
    for name, value in zip(_PROPERTIES, row[12:], strict=False):
        if value:
            yield PropertyRow(code, name, value)


def _above(code: str) -> str:
    return code[:-1].rstrip(".") if "." in code else ""


def _rows(path: Path, form: TableForm, where: Where, fields: int) -> Iterator[list[str]]:
    for row in stream_rows(path, form, where):
        if len(row) < fields:
            raise refused("the row has too few fields")
        yield row[:fields]


def _beside(path: Path, name: str) -> Path | None:
    other = path.with_name(path.name.replace("kodes", name))
    return other if other != path and other.is_file() else None


def _roman(number: str) -> str:
    """Write a chapter's number as the classification does."""
    if not (number.isascii() and number.isdigit() and 0 < int(number) < 40):
        raise refused("a chapter has no number", code="value")
    left, written = int(number), ""
    for sign, value in _ROMAN:
        written += sign * (left // value)
        left %= value
    return written
