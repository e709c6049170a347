"""`gateway retention run`: delete what is past its time."""

from __future__ import annotations

from gateway.cli.output import Config, Json, show, table
from gateway.cli.session import perform


def run(config: Config = None, as_json: Json = False) -> None:
    """Delete messages, resources, keys and audit events past their time; open deliveries stay."""
    result = perform(config, "retention.run", {})
    show(result, as_json=as_json, human=lambda out: out.print(table(("", ""), result.items())))
