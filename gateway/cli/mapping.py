"""`gateway mapping table`: what becomes of which field, generated from the mapping itself."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.output import Json, fail, show


def table(
    format_: Annotated[str, typer.Argument(metavar="FORMAT", help="hl7v2")],
    segment: Annotated[str, typer.Option(help="Only this segment, e.g. PV1.")] = "",
    as_json: Json = False,
) -> None:
    """Print the mapping of a format as a Markdown table: field, FHIR element, datatype map."""
    from mappers.hl7v2.mapping_table import mapping_table

    if format_ != "hl7v2":
        fail(f"there is no mapping table of {format_!r}; there is one of hl7v2")
    found = [row for row in mapping_table() if segment in ("", row.segment)]
    lines = ["| field | FHIR | datatype | holds |", "|---|---|---|---|"]
    for row in found:
        place = f"{row.segment}-{row.field}" if row.field else row.segment
        lines.append(f"| {place} | {row.target} | {row.datatype} | {row.condition} |")
    rows = [row._asdict() for row in found]
    show(rows, as_json=as_json, human=lambda out: out.out("\n".join(lines), highlight=False))
