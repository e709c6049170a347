"""Take foreign JSON for what it should be; what has another shape counts as absent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def text(value: Any) -> str:
    """Give a text, or "" for anything else."""
    return value if isinstance(value, str) else ""


def items(value: Any) -> list[Any]:
    """Give a list, or an empty one for anything else."""
    return value if isinstance(value, list) else []


def fields(value: Any) -> Mapping[str, Any]:
    """Give an object, or an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def objects(value: Any) -> list[Mapping[str, Any]]:
    """Give the objects in a list."""
    return [item for item in items(value) if isinstance(item, Mapping)]
