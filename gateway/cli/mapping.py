"""`gateway mapping table`: what becomes of which field, generated from the mapping itself."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

import typer

from gateway.cli.output import Json, fail, show

#: Format → module with `mapping_table()`: rows with place, target, datatype and condition.
_TABLES = {"hl7v2": "mappers.hl7v2.mapping_table", "xdt": "mappers.xdt.mapping_table"}


def table(
    format_: Annotated[str, typer.Argument(metavar="FORMAT", help="hl7v2 or xdt")],
    segment: Annotated[
        str, typer.Option(help="Only this segment (PV1), or member of xDT (GDT).")
    ] = "",
    as_json: Json = False,
) -> None:
    """Print the mapping of a format as a Markdown table: field, FHIR element, datatype map."""
    if format_ not in _TABLES:
        fail(f"there is no mapping table of {format_!r}; there is one of {', '.join(_TABLES)}")
    every = import_module(_TABLES[format_]).mapping_table()
    found = [row for row in every if segment in ("", row[0])]
    lines = ["| field | FHIR | datatype | holds |", "|---|---|---|---|"]
    lines += [f"| {r.place} | {r.target} | {r.datatype} | {r.condition} |" for r in found]
    rows = [row._asdict() for row in found]
    show(rows, as_json=as_json, human=lambda out: out.out("\n".join(lines), highlight=False))
