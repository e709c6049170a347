"""`gateway check CONFIG_DIR`: what is wrong with a configuration, and what its samples would do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.output import MARKS, Json, issue_json, show

if TYPE_CHECKING:
    from rich.console import Console

    from gateway.configuration import Configuration


def check(
    folder: Annotated[Path, typer.Argument(metavar="CONFIG_DIR", help="Folder of gateway.toml.")],
    as_json: Json = False,
) -> None:
    """Validate a configuration and dry-run its sample messages. Exit code 1: errors were found."""
    from gateway.configuration import load

    configuration = load(folder)
    trials = [] if configuration.errors else _trials(configuration)
    failed = bool(configuration.errors) or any(trial["failed"] for trial in trials)
    result = {
        "problems": [issue_json(issue) for issue in configuration.problems],
        "samples": trials,
        "ok": not failed,
    }
    show(result, as_json=as_json, human=lambda out: _print(out, configuration, trials))
    if failed:
        raise typer.Exit(1)


def _trials(configuration: Configuration) -> list[dict[str, Any]]:
    if not (configuration.samples or configuration.consents):
        return []
    from gateway.configuration.dryrun import DryRun
    from gateway.domain.time import now
    from gateway.store.keys import load
    from profiles.issue import GatewayError

    settings = configuration.settings
    keys = load(settings.path(settings.keys.folder))
    dry_run = DryRun.of(settings, configuration.region, keys)
    trials = []
    for sample in (*configuration.samples, *configuration.consents):
        shown: dict[str, Any] = {"endpoint": sample.endpoint, "file": sample.file}
        try:
            trial = dry_run.attempt(sample.endpoint, sample.data, now()).as_json()
            trials.append({**shown, **trial, "failed": trial["outcome"] != "stored"})
        except GatewayError as error:
            trials.append({**shown, "reason": error.text, "failed": True})
    return trials


def _print(out: Console, configuration: Configuration, trials: list[dict[str, Any]]) -> None:
    for issue in configuration.problems:
        out.print(f"{MARKS[issue.severity]} {issue.text}")
    for trial in trials:
        _print_trial(out, trial)
    errors = len(configuration.errors)
    region = configuration.region
    if errors:
        out.print(f"{errors} to repair.")
        return
    out.print(
        f"✓ {len(region.organizations)} organizations, {len(region.endpoints)} endpoints, "
        f"{len(region.routes)} routes, {len(region.practitioners)} practitioners, "
        f"{len(region.dialects)} dialects"
    )


def _print_trial(out: Console, trial: dict[str, Any]) -> None:
    if trial["failed"]:
        out.print(f"✗ {trial['file']}: {trial.get('reason') or 'not translated'}")
        for issue in trial.get("issues", ()):
            out.print(f"    {issue['severity']} {issue['location']} {issue['text']}")
        return
    out.print(
        f"✓ {trial['file']}: {trial['message_type']}, {trial['fields']} fields, "
        f"{trial['mapped']} mapped, {trial['ignored']} ignored, {trial['unmapped']} unmapped"
    )
    for line in route_lines(trial["routes"]):
        out.print(f"    {line}")


def route_lines(routes: list[dict[str, Any]]) -> list[str]:
    """Say for each route where the message goes, or why it does not."""
    lines = []
    for one in routes:
        if not one["endpoint"]:
            lines.append(f"{one['route']}: {one['to'] or '–'} ✗ {one['reason']}")
            continue
        sentence = one.get("decision", {}).get("explanation", {}).get("de", "")
        lines.append(f"{one['route']}: {one['to']} → {one['endpoint']} {one['state']}")
        if sentence:
            lines.append(f"    {sentence}")
    return lines
