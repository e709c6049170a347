"""Code systems that come as plain tables: Alpha-ID, PZN lists, and whatever else is a CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from profiles.reading.limits import refused
from profiles.reading.table_stream import CSV, TableForm, stream_records, stream_rows
from profiles.reading.where import Where
from profiles.terminology.concept import Header
from profiles.terminology.store.records import (
    Catalogue,
    ConceptRow,
    DesignationRow,
    ParentRow,
    PropertyRow,
    Record,
)

ALPHA_ID = "http://fhir.de/CodeSystem/bfarm/alpha-id"
PZN = "http://fhir.de/CodeSystem/ifa/pzn"
#: Columns of the Alpha-ID after its number; Alpha-ID-SE has the Orpha code before the text.
_ALPHA = ("primaryCode1", "starCode", "additionalCode", "primaryCode2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What the columns of a table mean; each is named by the table's first row."""

    code: str
    display: str = ""
    definition: str = ""
    #: Code of the concept above.
    parent: str = ""
    #: Column that says a code is out of use, and the values that say so.
    inactive: str = ""
    inactive_values: frozenset[str] = frozenset({"1", "true", "ja", "x"})
    #: Language → column.
    designations: Mapping[str, str] = field(default_factory=dict)
    #: Property → column.
    properties: Mapping[str, str] = field(default_factory=dict)


#: Meanings of columns that are fields of `Columns`; others are designations and properties.
_FIELDS = frozenset({"code", "display", "definition", "parent", "inactive"})
_TEXT = "text."


def columns_of(meanings: Mapping[str, str]) -> Columns:
    """Return columns by meaning: a field of `Columns`, `text.LANGUAGE`, or a property's name."""
    own = {name: meanings.get(name, "") for name in _FIELDS}
    texts = {n.removeprefix(_TEXT): c for n, c in meanings.items() if n.startswith(_TEXT)}
    others = {
        name: column
        for name, column in meanings.items()
        if name not in _FIELDS and not name.startswith(_TEXT)
    }
    return Columns(
        code=own["code"] or "code",
        display=own["display"],
        definition=own["definition"],
        parent=own["parent"],
        inactive=own["inactive"],
        designations=texts,
        properties=others,
    )


def table(path: Path, header: Header, columns: Columns, form: TableForm = CSV) -> Catalogue:
    """Describe a code system in a table with a heading."""
    return Catalogue(header, partial(_records, path, columns, form))


def pzn_list(path: Path, columns: Columns, *, version: str, form: TableForm = CSV) -> Catalogue:
    """Describe a list of Pharmazentralnummern; shorter ones are filled with zeros to eight digits.

    A number with a wrong check digit refuses the list, naming the row.
    """
    header = Header(url=PZN, version=version, name="PZN", case_sensitive=True, language="de")
    return Catalogue(header, partial(_pzn_records, path, columns, form))


def alpha_id(path: Path, *, version: str, encoding: str = "utf-8-sig") -> Catalogue:
    """Describe the BfArM's Alpha-ID (EDV-Fassung), with or without Orpha codes.

    Rows: valid (0 or 1), Alpha-ID, four ICD-10-GM codes (primary, star, additional, second
    primary), in Alpha-ID-SE the Orpha code, and the text.
    """
    form = TableForm(delimiter="|", encoding=encoding, quoted=False)
    header = Header(
        url=ALPHA_ID, version=version, name="Alpha-ID", case_sensitive=True, language="de"
    )
    return Catalogue(header, partial(_alpha_records, path, form))


def _records(path: Path, columns: Columns, form: TableForm, where: Where) -> Iterator[Record]:
    for row in stream_records(path, form, where):
        _check(row, columns)
        if code := row[columns.code].strip():
            yield from _of_row(code, row, columns)


def _check(row: dict[str, str], columns: Columns) -> None:
    named = [columns.code, columns.display, columns.definition, columns.parent, columns.inactive]
    named += [*columns.designations.values(), *columns.properties.values()]
    if missing := [one for one in named if one and one not in row]:
        raise refused(f"the table has no column {', '.join(missing)}", code="required")


def _of_row(code: str, row: dict[str, str], columns: Columns) -> Iterator[Record]:
    said = row.get(columns.inactive, "").strip().casefold() if columns.inactive else ""
    yield ConceptRow(
        code,
        row.get(columns.display, "").strip(),
        row.get(columns.definition, "").strip(),
        inactive=said in columns.inactive_values,
    )
    if columns.parent and (parent := row[columns.parent].strip()):
        yield ParentRow(code, parent)
    for language, column in columns.designations.items():
        if text := row[column].strip():
            yield DesignationRow(code, text, language)
    for name, column in columns.properties.items():
        if text := row[column].strip():
            yield PropertyRow(code, name, text)


def _pzn_records(path: Path, columns: Columns, form: TableForm, where: Where) -> Iterator[Record]:
    for row in stream_records(path, form, where):
        _check(row, columns)
        code = row[columns.code].strip().removeprefix("PZN").strip(" -").zfill(8)
        if not is_pzn(code):
            raise refused("the row has no Pharmazentralnummer", code="value")
        yield from _of_row(code, row, columns)


def is_pzn(code: str) -> bool:
    """Say whether eight digits have the right check digit (weights 1 to 7, modulo 11)."""
    if len(code) != 8 or not (code.isascii() and code.isdigit()):
        return False
    total = sum(weight * int(digit) for weight, digit in enumerate(code[:7], start=1))
    return total % 11 == int(code[7])


def _alpha_records(path: Path, form: TableForm, where: Where) -> Iterator[Record]:
    for row in stream_rows(path, form, where):
        if len(row) not in {7, 8} or row[0] not in {"0", "1"}:
            raise refused("this is no row of the Alpha-ID (EDV-Fassung)")
        code = row[1].strip()
        yield ConceptRow(code, row[-1].strip(), inactive=row[0] == "0")
        names = (*_ALPHA, "orphaCode") if len(row) == 8 else _ALPHA
        for name, value in zip(names, row[2:-1], strict=True):
            if text := value.strip():
                yield PropertyRow(code, name, text)
