"""Patch: apply what a caller sent to the present content of a resource."""

from __future__ import annotations

from typing import Any

from gateway.pipeline.rest.asked import Check
from profiles.issue import NotSupported


def patched(asked: Check) -> dict[str, Any]:
    """Return the content after the patch."""
    raise NotSupported(f"A {asked.kind.value} is not taken here.")
