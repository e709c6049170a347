"""How configuration files write the nouns of the region: keys, durations, choices."""

from __future__ import annotations

from typing import Any

from gateway.domain.client import ROLES, Client
from gateway.domain.folder import Folder
from gateway.domain.region import Endpoint, Identifier, Organization, Practitioner, Route
from gateway.domain.retry import Retry
from gateway.settings import size, span
from profiles.reading.record import Spelling, one_of, some_of

#: Kinds of institutions.
KINDS = (
    "hospital",
    "practice",
    "social-agency",
    "health-office",
    "payer",
    "laboratory",
    "care-service",
    "other",
)


def max_bytes(value: Any) -> int:
    """Read a size in bytes: a number, or `"50MB"`."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return size(value)


def local_numbers(value: Any) -> tuple[Identifier, ...]:
    """Read `local = [{ assigner = "klinikum", value = "100001" }]`."""
    expected = ValueError('a list such as [{ assigner = "klinikum", value = "100001" }]')
    if not isinstance(value, list):
        raise expected
    for item in value:
        if not isinstance(item, dict) or set(item) != {"assigner", "value"}:
            raise expected
    return tuple(Identifier(str(item["assigner"]), str(item["value"])) for item in value)


SPELLING = Spelling(
    keys={(Route, "sources"): "from"},
    reads={
        (Organization, "kind"): one_of(*KINDS),
        (Organization, "storage"): one_of("transit", "shared"),
        (Organization, "retain"): span,
        (Endpoint, "direction"): one_of("in", "out"),
        (Endpoint, "acknowledge"): one_of("on_processing", "on_receipt"),
        (Endpoint, "mode"): one_of("live", "test", "shadow"),
        (Endpoint, "form"): one_of("original", "translated"),
        (Endpoint, "validation"): one_of("none", "warn", "quarantine", "reject"),
        (Endpoint, "strict"): some_of("claim", "display", "extension", "profile", "vitals"),
        (Endpoint, "write"): one_of("conditional", "put"),
        (Endpoint, "timeout"): span,
        (Endpoint, "max_bytes"): max_bytes,
        (Route, "wait"): span,
        (Practitioner, "local"): local_numbers,
        (Client, "role"): one_of(*ROLES),
        (Retry, "first"): span,
        (Retry, "most"): span,
        (Folder, "answer"): one_of("none", "errors", "all"),
        (Folder, "poll"): span,
        (Folder, "stable"): span,
        (Folder, "patience"): span,
        (Folder, "lease"): span,
        (Folder, "overdue"): span,
    },
)
