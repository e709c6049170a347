"""Revoking clients of the FHIR interface, and letting them in again; it holds at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.evidence.parts import Party
from gateway.operations.desk import Desk
from gateway.pipeline.ports import Transaction
from gateway.store import clients
from gateway.store.unit import unit_of
from profiles.issue import NotConformant


def revoke(desk: Desk, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Refuse a client from now on, with every token it holds: {"client": "labor"}."""
    return _set(desk, arguments, revoked=True)


def restore(desk: Desk, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Let a revoked client in again: {"client": "labor"}."""
    return _set(desk, arguments, revoked=False)


def _set(desk: Desk, arguments: Mapping[str, Any], *, revoked: bool) -> dict[str, Any]:
    name = str(arguments.get("client"))
    if name not in desk.site().region.clients:
        raise NotConformant("There is no client of this name.")

    def job(tx: Transaction) -> None:
        clients.set_revoked(unit_of(tx), name, revoked=revoked, by=desk.by)
        desk.record(tx, "revoke" if revoked else "restore", [Party(value=f"client/{name}")])

    desk.write(job)
    return {"client": name, "revoked": revoked}
