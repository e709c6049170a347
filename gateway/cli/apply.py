"""`gateway apply CONFIG_DIR`: register what a folder says; the difference is shown first."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.output import MARKS, Json, fail, note, show

if TYPE_CHECKING:
    from gateway.configuration import Configuration
    from gateway.domain.region import Region
    from gateway.operations.registry import Difference

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def apply(
    folder: Annotated[Path, typer.Argument(metavar="CONFIG_DIR", help="Folder of gateway.toml.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Register organizations, endpoints, routes, practitioners, dialects and the consent policy."""
    from gateway.configuration import load

    configuration = load(folder)
    for issue in configuration.problems:
        note(f"{MARKS[issue.severity]} {issue.text}")
    if configuration.errors:
        fail(f"{len(configuration.errors)} to repair; nothing was registered")
    changes = _difference(configuration)
    if not changes:
        show(
            {"changes": [], "revision": None},
            as_json=as_json,
            human=lambda out: out.print("Nothing changed."),
        )
        return
    if not as_json:
        _print(changes)
    if not yes and not _confirmed():
        fail("nothing was registered; --yes does it without asking")
    revision = _register(configuration, changes)
    result = {"changes": [one.as_json() for one in changes], "revision": revision}
    _show(result, f"Registered as revision {revision}.", as_json=as_json)


def _show(result: dict[str, Any], words: str, *, as_json: bool) -> None:
    show(result, as_json=as_json, human=lambda out: out.print(words))


def _difference(configuration: Configuration) -> list[Difference]:
    from gateway.operations.registry import difference

    return difference(_present(configuration), configuration.region)


def _present(configuration: Configuration) -> Region:
    """The registry in force; a database that is still empty gets its tables first."""
    from gateway.operations.local import reading, region_of
    from gateway.store import schema

    settings = configuration.settings
    if not schema.status(settings.store_url).present:
        schema.upgrade(settings.store_url)
    with reading(settings) as store:
        return region_of(store)


def _confirmed() -> bool:
    return sys.stdin.isatty() and typer.confirm("Register this?")


def _register(configuration: Configuration, changes: list[Difference]) -> int:
    from gateway.domain.region_json import documents
    from gateway.operations.local import perform

    arguments: dict[str, Any] = {
        "documents": [list(one) for one in documents(configuration.region)],
        "summary": ", ".join(f"{_SIGNS[one.change]}{one.kind} {one.id}" for one in changes)[:2_000],
    }
    return int(perform(configuration.settings, "registry.apply", arguments)["revision"])


def _print(changes: list[Difference]) -> None:
    for one in changes:
        keys = f": {', '.join(one.keys)}" if one.keys else ""
        typer.echo(f"{_SIGNS[one.change]} {one.kind} {one.id}{keys}")
