"""Pausing and resuming endpoints at run time; nothing is sent to a paused one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.operations.desk import Desk, endpoint_party
from gateway.pipeline.ports import Transaction
from gateway.store import registry
from gateway.store.unit import unit_of
from profiles.issue import NotConformant


def pause(desk: Desk, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Stop sending to an endpoint: {"endpoint": "praxis"}; deliveries wait in order."""
    return _set(desk, arguments, paused=True)


def resume(desk: Desk, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Send to an endpoint again: {"endpoint": "praxis"}."""
    return _set(desk, arguments, paused=False)


def _set(desk: Desk, arguments: Mapping[str, Any], *, paused: bool) -> dict[str, Any]:
    name = arguments.get("endpoint")
    endpoint = desk.site().region.endpoints.get(str(name))
    if endpoint is None:
        raise NotConformant("There is no endpoint of this name.")
    if endpoint.direction != "out":
        raise NotConformant("Only endpoints the gateway sends to can be paused.")

    def job(tx: Transaction) -> None:
        registry.set_paused(unit_of(tx), endpoint.id, paused=paused, by=desk.by)
        desk.record(tx, "pause" if paused else "resume", [endpoint_party(endpoint.id)])

    desk.write(job)
    return {"endpoint": endpoint.id, "paused": paused}
