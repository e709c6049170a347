"""`gateway identity …`: who is whom, where a person has to decide."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gateway.cli.output import Config, Json, age, show, table
from gateway.cli.session import looking, perform

Record = Annotated[str, typer.Argument(metavar="PATIENT", help="Id of a patient record.")]


def list_(
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 100,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """List pairs of patient records that wait for a person, oldest first; ids only."""
    from gateway.domain.time import fhir_instant, now
    from gateway.store import lookup
    from gateway.store import worklist as store_worklist

    with looking(config) as view:
        items = [
            one for one in store_worklist.items(view.db, limit=limit) if one.kind == "identity"
        ]
        numbers = sorted({number for one in items for number in one.patients})
        ids = {one.number: one.id for one in lookup.present(view.db, view.bodies, numbers)}
    rows: list[dict[str, Any]] = [
        {
            "case": one.number,
            "reason": one.reason,
            "since": fhir_instant(one.since),
            "patients": [ids.get(number, "") for number in one.patients],
        }
        for one in items
    ]
    present = now()
    shown = [
        (age(present - one.since), *row["patients"], one.reason)
        for one, row in zip(items, rows, strict=True)
    ]
    columns = ("age", "record", "record", "rule")
    show(rows, as_json=as_json, human=lambda out: out.print(table(columns, shown)))


def link(one: Record, other: Record, config: Config = None, as_json: Json = False) -> None:
    """Say that two patient records are one person; can be undone with separate."""
    _say(config, "identity.link", [one, other], "are one person", as_json=as_json)


def separate(one: Record, other: Record, config: Config = None, as_json: Json = False) -> None:
    """Say that two patient records are two persons; can be undone with link."""
    _say(config, "identity.separate", [one, other], "are two persons", as_json=as_json)


def _say(config: Any, operation: str, patients: list[str], words: str, *, as_json: bool) -> None:
    result = perform(config, operation, {"patients": patients})
    sentence = f"{patients[0]} and {patients[1]} {words}; {result['released']} deliveries released."
    show(result, as_json=as_json, human=lambda out: out.print(sentence))
