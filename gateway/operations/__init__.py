"""What operators do to a gateway, by name; run by the process that owns the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.operations.desk import Desk

#: Operation → `module:function`; the function takes a desk and arguments and returns JSON.
OPERATIONS: dict[str, str] = {
    "client.revoke": "gateway.operations.clients:revoke",
    "client.restore": "gateway.operations.clients:restore",
    "delivery.retry": "gateway.operations.deliveries:retry",
    "delivery.cancel": "gateway.operations.deliveries:cancel",
    "delivery.resolve": "gateway.operations.deliveries:resolve",
    "endpoint.pause": "gateway.operations.endpoints:pause",
    "endpoint.resume": "gateway.operations.endpoints:resume",
    "retention.run": "gateway.operations.retention:run",
    "route.explain": "gateway.operations.explain:explain",
    "erase.patient": "gateway.operations.erase:patient",
    "identity.link": "gateway.operations.identity:link",
    "identity.separate": "gateway.operations.identity:separate",
    "message.diff": "gateway.operations.messages:diff",
    "message.enter": "gateway.operations.messages:enter",
    "message.open": "gateway.operations.messages:open_",
    "message.replay": "gateway.operations.messages:replay",
    "search.renew": "gateway.operations.search_tables:renew",
    "registry.apply": "gateway.operations.registry:apply",
}


def operation(name: str) -> Callable[[Desk, Mapping[str, Any]], dict[str, Any]]:
    """Load one operation by its name. Raises KeyError."""
    module, _, attribute = OPERATIONS[name].partition(":")
    found: Callable[[Desk, Mapping[str, Any]], dict[str, Any]] = getattr(
        import_module(module), attribute
    )
    return found
