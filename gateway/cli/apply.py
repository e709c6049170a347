"""`gateway apply CONFIG_DIR`: register what a folder says; the difference is shown first."""

from __future__ import annotations

import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.output import MARKS, Json, fail, note, show

if TYPE_CHECKING:
    from gateway.configuration import Configuration, Sample
    from gateway.domain.region import Region
    from gateway.operations.registry import Difference

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def apply(
    folder: Annotated[Path, typer.Argument(metavar="CONFIG_DIR", help="Folder of gateway.toml.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Register organizations, endpoints, routes, practitioners, dialects, policy and consents.

    Exit code 1: nothing was registered, or a consent was not taken.
    """
    from gateway.configuration import load

    configuration = load(folder)
    for issue in configuration.problems:
        note(f"{MARKS[issue.severity]} {issue.text}")
    if configuration.errors:
        fail(f"{len(configuration.errors)} to repair; nothing was registered")
    changes = _difference(configuration)
    if changes and not as_json:
        _print(changes)
    if changes and not yes and not _confirmed():
        fail("nothing was registered; --yes does it without asking")
    revision = _register(configuration, changes) if changes else None
    consents = [_enter(configuration, one) for one in configuration.consents]
    result = {
        "changes": [one.as_json() for one in changes],
        "revision": revision,
        "consents": consents,
    }
    show(result, as_json=as_json, human=lambda out: out.print("\n".join(_words(result))))
    if any(one["outcome"] != "stored" for one in consents):
        raise typer.Exit(1)


def _words(result: dict[str, Any]) -> Iterator[str]:
    revision = result["revision"]
    yield f"Registered as revision {revision}." if revision else "Nothing changed."
    for one in result["consents"]:
        if one["outcome"] != "stored":
            yield f"✗ {one['file']}: {one['reason'] or one['outcome']}"
        elif not one["known"]:
            yield f"+ {one['file']}"


def _enter(configuration: Configuration, consent: Sample) -> dict[str, Any]:
    """Hand a consent in at its endpoint; what is known already changes nothing."""
    from gateway.operations.local import perform
    from profiles.issue import GatewayError

    data = b64encode(consent.data).decode("ascii")
    arguments = {"endpoint": consent.endpoint, "data": data}
    try:
        entered = perform(configuration.settings, "message.enter", arguments)
    except GatewayError as error:
        entered = {"outcome": "rejected", "reason": error.text, "known": False}
    return {"file": consent.file, **entered}


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
