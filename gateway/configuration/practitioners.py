"""The directory of practitioners as CSV: one row a practitioner and place of work.

Columns: organization (required), lanr, bsnr, name, assigner, value. Rows of one practitioner with
several local numbers repeat the other columns. Comma or semicolon, UTF-8 or Windows-1252 (what
spreadsheet programs write in Germany).
"""

from __future__ import annotations

import csv
import io

from gateway.domain.region import Identifier, Practitioner
from profiles.issue import Issue
from profiles.reading.record import Place, unknown_key

COLUMNS = ("organization", "lanr", "bsnr", "name", "assigner", "value")


def read_practitioners(data: bytes, file: str) -> tuple[list[Practitioner], list[Issue]]:
    """Read a CSV file; return the practitioners and what is wrong with the file."""
    text = _decode(data)
    first = text.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter, strict=True)
    columns = [name.strip() for name in rows.fieldnames or ()]
    problems = [
        unknown_key(name, list(COLUMNS), Place(file, "columns"))
        for name in columns
        if name not in COLUMNS
    ]
    if problems:
        return [], problems
    rows.fieldnames = columns
    found: dict[tuple[str, str, str, str], list[Identifier]] = {}
    try:
        for row in rows:
            _read_row(row, rows.line_num, file, found, problems)
    except csv.Error:
        problems.append(_fault(file, rows.line_num + 1, "the quoting is broken"))
    return [_practitioner(key, local) for key, local in found.items()], problems


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _read_row(
    row: dict[str, str | None],
    line: int,
    file: str,
    found: dict[tuple[str, str, str, str], list[Identifier]],
    problems: list[Issue],
) -> None:
    if None in row:
        problems.append(_fault(file, line, "more values than columns"))
        return
    values = {name: (row.get(name) or "").strip() for name in COLUMNS}
    if not any(values.values()):
        return
    if not values["organization"]:
        problems.append(_fault(file, line, "organization is missing"))
        return
    if bool(values["assigner"]) != bool(values["value"]):
        problems.append(_fault(file, line, "assigner and value belong together"))
        return
    key = (values["organization"], values["lanr"], values["bsnr"], values["name"])
    local = found.setdefault(key, [])
    if values["value"]:
        local.append(Identifier(values["assigner"], values["value"]))


def _practitioner(key: tuple[str, str, str, str], local: list[Identifier]) -> Practitioner:
    organization, lanr, bsnr, name = key
    return Practitioner(
        organization=organization, lanr=lanr, bsnr=bsnr, name=name, local=tuple(local)
    )


def _fault(file: str, line: int, text: str) -> Issue:
    return Issue("error", "value", f"{file} line {line}: {text}", file)
