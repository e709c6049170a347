"""Large foreign tables (CSV and its kin), row by row.

RFC 4180. The table is never in memory as a whole; a row has to fit one.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

from profiles.reading.limits import open_foreign, refused
from profiles.reading.where import Where

#: Characters of one line.
_LONGEST_LINE = 1_000_000
_MOST_ROWS = 50_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TableForm:
    """How a table is written."""

    delimiter: str = ","
    #: Python codec; a byte order mark of UTF-8 is passed over.
    encoding: str = "utf-8-sig"
    #: Whether `"` quotes; SNOMED CT and Alpha-ID do not quote.
    quoted: bool = True


CSV = TableForm()
TSV = TableForm(delimiter="\t", quoted=False)


def stream_rows(
    path: Path, form: TableForm = CSV, where: Where | None = None
) -> Iterator[list[str]]:
    """Yield the rows that are not empty; `where` follows. Raises NotConformant."""
    where = where or Where()
    where.at(path.name, 0)
    with TextIOWrapper(open_foreign(path), encoding=form.encoding, newline="") as file:
        rows = csv.reader(
            _lines(file),
            delimiter=form.delimiter,
            quoting=csv.QUOTE_MINIMAL if form.quoted else csv.QUOTE_NONE,
            strict=form.quoted,
        )
        try:
            for at, row in enumerate(rows):
                if at >= _MOST_ROWS:
                    raise refused("the table has too many rows", code="too-costly")
                if row:
                    where.at(path.name, rows.line_num)
                    yield row
        except csv.Error:
            raise refused(f"{path.name}, line {rows.line_num}: the row cannot be read") from None
        except UnicodeDecodeError:
            raise refused(
                f"{path.name}, after line {rows.line_num}: the table is not in the character set "
                "it should be in"
            ) from None


def stream_records(
    path: Path, form: TableForm = CSV, where: Where | None = None
) -> Iterator[dict[str, str]]:
    """Yield rows by the names in the first one. Raises NotConformant as `stream_rows`."""
    rows = stream_rows(path, form, where)
    header = [one.strip() for one in next(rows, [])]
    if len(set(header)) != len(header) or not any(header):
        raise refused("the table's first row does not name its columns")
    for row in rows:
        yield dict(zip(header, (*row, *[""] * (len(header) - len(row))), strict=False))


def _lines(file: TextIOWrapper) -> Iterator[str]:
    while line := file.readline(_LONGEST_LINE + 1):
        if len(line) > _LONGEST_LINE:
            raise refused("the table has a line that is too long", code="too-costly")
        yield line
