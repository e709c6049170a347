"""`gateway bench`: what this machine converts, takes in durably, and delivers."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gateway.cli.code_sources import PackageFiles
from gateway.cli.output import Json, show

Messages = Annotated[int, typer.Option("--messages", min=100, help="Messages of the durable run.")]
Connections = Annotated[int, typer.Option("--connections", min=1, help="MLLP connections.")]
Stored = Annotated[
    int, typer.Option("--stored", min=0, help="Messages stored before, without measuring.")
]
Url = Annotated[
    str,
    typer.Option(
        "--store",
        help="An empty store (PostgreSQL: PGPASSWORD); default: SQLite in a new folder.",
    ),
]
Only = Annotated[
    str,
    typer.Option("--only", help="One part: convert, xdt, validate, durable or idle; default: all."),
]


def bench(
    messages: Messages = 6_000,
    connections: Connections = 16,
    stored: Stored = 0,
    store: Url = "sqlite:///gateway.db",
    only: Only = "",
    package: PackageFiles = None,
    as_json: Json = False,
) -> None:
    """Measure conversion and validation on one core, durable intake and delivery on all."""
    parts = (only,) if only else ("convert", "xdt", "validate", "durable", "idle")
    found: dict[str, Any] = {}
    if "convert" in parts:
        from gateway.cli.bench.conversion import measure

        found["convert"] = measure()
    if "xdt" in parts:
        from gateway.cli.bench import practice

        found["xdt"] = practice.measure()
    if "validate" in parts:
        from gateway.cli.bench import validation

        found["validate"] = validation.measure(package or [])
    if {"durable", "idle"}.intersection(parts):
        from gateway.cli.bench.durable import Load, run

        found |= run(
            Load(
                messages=messages,
                connections=connections,
                stored=stored,
                store=store,
                durable="durable" in parts,
                idle="idle" in parts,
            )
        )
    show(found, as_json=as_json, human=lambda console: console.print_json(data=found))
