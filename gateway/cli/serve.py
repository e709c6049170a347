"""`gateway serve` and `gateway work`: the processes that do the work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.output import MARKS, Config, fail, note

if TYPE_CHECKING:
    from gateway.settings import Settings

Processes = Annotated[
    int, typer.Option("--processes", min=1, help="Processes; more than one needs PostgreSQL.")
]


def serve(config: Config = None, processes: Processes = 1) -> None:
    """Serve HTTP and MLLP, process and deliver, until stopped (SIGTERM)."""
    _run(config, processes, listen=True)


def work(config: Config = None, processes: Processes = 1) -> None:
    """Process and deliver only: further machines on the same PostgreSQL."""
    _run(config, processes, listen=False)


def _run(config: Config, processes: int, *, listen: bool) -> None:
    from gateway.settings import load_settings

    settings = load_settings(config)
    sqlite = settings.store.url.startswith("sqlite")
    if sqlite and (processes > 1 or not listen):
        fail("SQLite has one process; --processes and work need PostgreSQL", code=2)
    _check(settings)
    if settings.security.authentication == "none":
        note('gateway: authentication = "none": everybody on this machine is let in')
    from gateway.bootstrap import run

    raise typer.Exit(run(settings, listen=listen, processes=processes))


def _check(settings: Settings) -> None:
    """Refuse to start with a registry or settings that break a rule, naming the missing line."""
    from gateway.configuration.rules import check
    from gateway.operations.local import reading, region_of

    with reading(settings) as store:
        region = region_of(store)
    if not region.revision:
        fail(f"nothing is registered yet; run `gateway apply {settings.folder}`", code=2)
    problems = check(settings, region)
    for issue in problems:
        note(f"{MARKS[issue.severity]} {issue.text}")
    if any(issue.severity == "error" for issue in problems):
        fail("not started; repair this and run `gateway apply` again", code=2)
