"""`gateway erase`: everything about a patient goes, and a protocol says so."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from gateway.cli.output import Config, Json, fail, show, table
from gateway.cli.session import perform


def erase(
    patient: Annotated[str, typer.Argument(metavar="PATIENT", help="Id of a patient record.")],
    *,
    legal_basis: Annotated[str, typer.Option(help="E.g. Art. 17 (1) a DSGVO.")],
    ordered_by: Annotated[str, typer.Option(help="Who ordered it, for the protocol.")],
    alone: Annotated[
        bool, typer.Option("--alone", help="This record only, not those linked with it.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Erase all records of a person for good; prints the protocol. Nothing brings them back."""
    if not yes and not (sys.stdin.isatty() and typer.confirm(f"Erase {patient} for good?")):
        fail("nothing was erased; --yes does not ask", code=2)
    arguments = {
        "patient": patient,
        "legal_basis": legal_basis,
        "ordered_by": ordered_by,
        "alone": alone,
    }
    protocol = perform(config, "erase.patient", arguments)
    rows = [
        (name.replace("_", " "), ", ".join(value) if isinstance(value, list) else value)
        for name, value in protocol.items()
    ]
    show(protocol, as_json=as_json, human=lambda out: out.print(table(("", ""), rows)))
