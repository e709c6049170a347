"""`gateway db …`: the database's schema, backups, and whether they can be restored."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.output import Config, Json, fail, note, progress_wanted, show
from gateway.cli.session import perform

if TYPE_CHECKING:
    from rich.console import Console

    from gateway.settings import Settings


def upgrade(config: Config = None, as_json: Json = False) -> None:
    """Make the tables, or bring them to this version."""
    from gateway.settings import load_settings
    from gateway.store import schema

    url = load_settings(config).store_url
    before = schema.status(url).present
    schema.upgrade(url)
    result = {"before": before, "now": schema.status(url).present}
    words = "Nothing to do." if before == result["now"] else f"Schema {result['now']} is in place."
    show(result, as_json=as_json, human=lambda out: out.print(words))


def status(config: Config = None, as_json: Json = False) -> None:
    """Say whether the tables are those of this version. Exit code 1: they are not."""
    from gateway.settings import load_settings
    from gateway.store import schema

    found = schema.status(load_settings(config).store_url)
    result = {"present": found.present, "wanted": found.wanted, "current": found.current}
    words = f"Schema {found.present or 'none'}; this version wants {found.wanted}."
    show(result, as_json=as_json, human=lambda out: out.print(words))
    if not found.current:
        fail("run `gateway db upgrade`")


def reindex(
    begin: Annotated[
        int, typer.Option("--from", help="Segment to begin with, where a run was interrupted.")
    ] = 0,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Make the search tables anew; the gateway may run and be searched meanwhile.

    Wanted after an upgrade whose release notes say so. Goes segment by segment, each of 32,768
    resources; writing waits for each a moment.
    """
    segment, resources = begin, 0
    while True:
        done = perform(config, "search.renew", {"segment": segment})
        resources += done["resources"]
        if progress_wanted():
            note(f"segment {segment + 1} of {done['segments']}")
        segment = done["next"]
        if not segment:
            break
    result = {"segments": done["segments"], "resources": resources}
    words = f"{resources} resources can be found by what this version knows."
    show(result, as_json=as_json, human=lambda out: out.print(words))


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="New file to write.")],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Write a consistent copy; the gateway may run meanwhile. Key files are backed up apart."""
    from gateway.settings import load_settings
    from gateway.store.backup import backup as write_backup

    written = write_backup(load_settings(config).store_url, file)
    result = {"file": str(written), "bytes": written.stat().st_size}
    show(result, as_json=as_json, human=lambda out: out.print(f"Wrote {file}; keep keys/ apart."))


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file `db backup` wrote.")],
    verify: Annotated[
        bool, typer.Option("--verify", help="Only prove that it can be restored.")
    ] = False,
    into: Annotated[
        str, typer.Option("--into", help="Empty store to load it into; default the configured one.")
    ] = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Load a backup into an empty store and verify it: schema, audit log, and that keys open it.

    With --verify a SQLite backup is loaded into a temporary file; for PostgreSQL name an empty
    database with --into. Exit code 1: the copy is not sound.
    """
    from gateway.settings import load_settings

    settings = load_settings(config)
    if not file.is_file():
        fail(f"{file}: there is no such file", code=2)
    with TemporaryDirectory(prefix="gateway-restore-") as folder:
        url = into or settings.store_url
        if verify and not into:
            if not url.startswith("sqlite"):
                fail("--verify needs --into with an empty PostgreSQL database", code=2)
            url = f"sqlite:///{folder}/store.db"
        result = _restored(file, url, settings)
    show(result, as_json=as_json, human=lambda out: _print(out, result))
    if not result["sound"]:
        raise typer.Exit(1)


def _restored(file: Path, url: str, settings: Settings) -> dict[str, Any]:
    from gateway.store import backup as copies
    from gateway.store.keys import load

    copies.restore(file, url)
    found = copies.check(url, load(settings.path(settings.keys.folder)))
    return {
        "sound": found.sound,
        "schema": found.schema,
        "messages": found.messages,
        "opened": found.opened,
        "leaves": found.leaves,
        "findings": list(found.findings),
    }


def _print(out: Console, result: dict[str, Any]) -> None:
    for finding in result["findings"]:
        out.print(f"✗ {finding}")
    mark = "✓" if result["sound"] else "✗"
    out.print(
        f"{mark} schema {result['schema']}, {result['messages']} messages, "
        f"{result['opened']} of the newest opened, {result['leaves']} audit leaves"
    )
