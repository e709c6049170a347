"""`gateway status` and `gateway worklist`: how things are, and what needs a person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.output import Config, Json, age, show, table
from gateway.cli.session import looking

if TYPE_CHECKING:
    from rich.console import Console

    from gateway.operations.folders import FolderState
    from gateway.settings import Settings
    from gateway.store.reader import View
    from gateway.store.views import Counts, WorkItem

#: Exit codes of `status`.
WELL, WARNING, UNAVAILABLE = 0, 1, 2


def status(config: Config = None, as_json: Json = False) -> None:
    """One screen. Exit code 0: all is well; 1: something needs attention; 2: no store."""
    from gateway.domain.time import now
    from gateway.operations.folders import wrong
    from gateway.settings import load_settings
    from gateway.store import worklist as store_worklist
    from profiles.issue import Unavailable

    settings = load_settings(config)
    try:
        with looking(config) as view:
            counts = store_worklist.counts(view.db)
            folders = _folders(view)
    except Unavailable as error:
        sentence = error.text
        result: dict[str, Any] = {"status": "unavailable", "warnings": [sentence]}
        show(result, as_json=as_json, human=lambda out: out.print(f"✗ {sentence}"))
        raise typer.Exit(UNAVAILABLE) from None
    warnings = [*warnings_of(counts, settings, now()), *map(_folder_warning, wrong(folders))]
    result = {
        **status_json(counts, settings, warnings),
        "folders": [one.as_json() for one in folders],
    }
    show(result, as_json=as_json, human=lambda out: _print(out, result))
    raise typer.Exit(WARNING if warnings else WELL)


def worklist(
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 100,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """What needs a person, oldest first. Exit code 1: there is something."""
    from gateway.domain.time import now
    from gateway.operations.folders import work_items
    from gateway.store import worklist as store_worklist

    with looking(config) as view:
        items = store_worklist.items(view.db, limit=limit)
        items += work_items(_folders(view), now())
        items = sorted(items, key=lambda one: one.since)[:limit]
    show(
        [item_json(one) for one in items],
        as_json=as_json,
        human=lambda out: _print_items(out, items),
    )
    if any(one.state != "waiting_for_consent" for one in items):
        raise typer.Exit(1)


def warnings_of(counts: Counts, settings: Settings, now: int) -> list[str]:
    """Name what has waited for longer than the configuration allows."""
    waited = (
        (counts.oldest_work, settings.alert.worklist_age, "work that needs a person is"),
        (counts.oldest_delivery, settings.alert.delivery_age, "an undelivered message is"),
        (counts.unnumbered_since, settings.alert.unnumbered_age, "an unnumbered audit event is"),
    )
    return [
        f"{what} {age(now - since)} old"
        for since, allowed, what in waited
        if since and now - since > allowed
    ]


def status_json(counts: Counts, settings: Settings, warnings: list[str]) -> dict[str, Any]:
    """Render counts."""
    return {
        "status": "warning" if warnings else "ok",
        "warnings": warnings,
        "gateway": settings.gateway.name,
        "serving": _serving(settings.folder),
        "messages": dict(counts.messages),
        "messages_ever": counts.messages_ever,
        "deliveries": dict(counts.deliveries),
        "endpoints": dict(counts.endpoints),
        "identity_cases": counts.identity,
        "audit_leaves": counts.leaves,
        "audit_unnumbered": counts.unnumbered,
        "unindexed": counts.unindexed,
    }


def item_json(item: WorkItem) -> dict[str, Any]:
    """Render one thing to do."""
    from gateway.domain.time import fhir_instant

    return {
        "kind": item.kind,
        "number": item.number,
        "state": item.state,
        "reason": item.reason,
        "since": fhir_instant(item.since),
        "endpoint": item.endpoint,
    }


def _folders(view: View) -> list[FolderState]:
    """Look at the exchange folders of the registry in force."""
    from gateway.domain.time import now
    from gateway.operations.folders import Lookout
    from gateway.store import registry

    return Lookout().states(registry.read(view.db), now())


def _folder_warning(one: FolderState) -> str:
    words = {
        "unreachable": f"cannot be used: {one.state.fault}",
        "not-collected": f"has had a file nobody collected for {_seconds(one)}",
        "not-taken": f"has had a record nobody took for {_seconds(one)}",
    }
    return f"the folder of {one.endpoint} {words[one.wrong]}"


def _seconds(one: FolderState) -> str:
    return age(int(one.state.oldest * 1_000_000))


def _serving(folder: Path) -> bool:
    """A process that serves listens for commands."""
    from gateway.operations.control import answers, socket_path

    return answers(socket_path(folder))


def _print(out: Console, result: dict[str, Any]) -> None:
    serving = "serving" if result["serving"] else "not serving"
    out.print(f"{'!' if result['warnings'] else '✓'} {result['gateway']}: {serving}")
    for warning in result["warnings"]:
        out.print(f"  ! {warning}")
    rows = [("messages ever", result["messages_ever"])]
    rows += [(f"messages {state}", count) for state, count in result["messages"].items()]
    rows += [(f"deliveries {state}", count) for state, count in result["deliveries"].items()]
    rows += [(f"  to {name}", count) for name, count in result["endpoints"].items()]
    rows += [(f"files at {one['endpoint']}", one["waiting"]) for one in result["folders"]]
    rows += [("identity cases", result["identity_cases"]), ("audit leaves", result["audit_leaves"])]
    out.print(table(("", ""), rows))


def _print_items(out: Console, items: list[WorkItem]) -> None:
    from gateway.domain.time import now

    if not items:
        out.print("Nothing needs a person.")
        return
    present = now()
    rows = [
        (age(present - one.since), one.kind, one.number, one.state, one.reason, one.endpoint)
        for one in items
    ]
    out.print(table(("age", "what", "number", "state", "reason", "endpoint"), rows))
