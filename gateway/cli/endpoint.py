"""`gateway endpoint …`: the wires, whether they work, and a sheet that describes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.output import Config, Json, fail, show, table
from gateway.cli.session import looking, perform, settings_and_region

if TYPE_CHECKING:
    from gateway.domain.region import Endpoint

Name = Annotated[str, typer.Argument(metavar="ENDPOINT", help="Id of the endpoint.")]


def list_(config: Config = None, as_json: Json = False) -> None:
    """List the registered endpoints."""
    from gateway.store import registry

    with looking(config) as view:
        region = registry.read(view.db)
        paused = registry.paused(view.db)
    rows = [_json(one, paused) for one in region.endpoints.values()]
    columns = (
        "endpoint",
        "organization",
        "direction",
        "connection_type",
        "address",
        "mode",
        "paused",
    )
    shown = [
        [("yes" if row[c] else "") if c == "paused" else row[c] for c in columns] for row in rows
    ]
    show(rows, as_json=as_json, human=lambda out: out.print(table(columns, shown)))


def reach(name: Name, config: Config = None, as_json: Json = False) -> None:
    """Connect to a partner and say whether it answers; no patient data is sent.

    Exit code 1: it does not.
    """
    from gateway.operations.probe import probe

    result = probe(_endpoint(config, name))
    words = "answers" if result["reached"] else f"does not answer: {result['reason']}"
    show(
        result,
        as_json=as_json,
        human=lambda out: out.print(f"{name} {words} ({result['milliseconds']} ms)"),
    )
    if not result["reached"]:
        raise typer.Exit(1)


def pause(name: Name, config: Config = None, as_json: Json = False) -> None:
    """Send nothing to an endpoint for now; deliveries wait in order."""
    result = perform(config, "endpoint.pause", {"endpoint": name})
    show(result, as_json=as_json, human=lambda out: out.print(f"{name} is paused."))


def resume(name: Name, config: Config = None, as_json: Json = False) -> None:
    """Send to an endpoint again."""
    result = perform(config, "endpoint.resume", {"endpoint": name})
    show(result, as_json=as_json, human=lambda out: out.print(f"{name} is sent to again."))


def describe(name: Name, config: Config = None, as_json: Json = False) -> None:
    """Write the interface sheet of an endpoint, in German, as Markdown."""
    from gateway.cli.interface_sheet import sheet

    settings, region = settings_and_region(config)
    if name not in region.endpoints:
        fail(f"there is no endpoint {name}")
    text = sheet(settings, region, region.endpoints[name])
    show({"endpoint": name, "sheet": text}, as_json=as_json, human=lambda out: out.print(text))


def _endpoint(config: Any, name: str) -> Endpoint:
    _, region = settings_and_region(config)
    if name not in region.endpoints:
        fail(f"there is no endpoint {name}")
    return region.endpoints[name]


def _path(endpoint: Endpoint) -> str:
    return endpoint.folder.path if endpoint.folder is not None else ""


def _json(endpoint: Endpoint, paused: frozenset[str]) -> dict[str, Any]:
    return {
        "endpoint": endpoint.id,
        "organization": endpoint.organization,
        "direction": endpoint.direction,
        "connection_type": endpoint.connection_type,
        "address": endpoint.address or endpoint.listen or _path(endpoint),
        "mode": endpoint.mode,
        "paused": endpoint.id in paused,
    }
