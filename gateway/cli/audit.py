"""`gateway audit verify`: whether the audit log tells one story."""

from __future__ import annotations

import typer

from gateway.cli.output import Config, Json, show
from gateway.cli.session import looking


def verify(config: Config = None, as_json: Json = False) -> None:
    """Recompute the audit log and open every event. Exit code 1: something does not agree."""
    from gateway.domain.time import now
    from gateway.evidence.verify import verify as verify_log
    from gateway.settings import load_settings
    from gateway.store.evidence_log import EvidenceLog

    patience = load_settings(config).alert.unnumbered_age
    with looking(config) as view:
        report = verify_log(EvidenceLog(view.db, view.bodies), now=now(), patience=patience)
    lines = [f"✗ leaf {one.index}–{one.last} {one.rule}: {one.text}" for one in report.findings]
    mark = "✓" if report.ok else "✗"
    lines.append(
        f"{mark} {report.size} leaves, root {report.root.hex()[:16]}…, "
        f"{report.opened} events opened, {report.erased} erased"
    )
    lines.append(f"  {report.scope}")
    show(report.as_json(), as_json=as_json, human=lambda out: out.print("\n".join(lines)))
    if not report.ok:
        raise typer.Exit(1)
