"""What of a Bundle came back after it was written and read, leaf by leaf."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from mappers.base import Mapped
from mappers.hl7v2.write import Encoded

_INDEX = re.compile(r"\[\d+\]")
#: Elements that name resources, which get ids of their own on the other side.
_NAMES = frozenset({"id", "resourceType", "reference", "meta"})


#: Contents become resources of their own on the way.
_CONTENT = {"Binary": "DocumentReference.content.attachment"}


def leaves(node: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield (path, value) of every leaf that is no name; times as instants."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key not in _NAMES:
                yield from leaves(value, f"{path}.{key.lstrip('_')}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from leaves(value, f"{path}[{number}]")
    elif node is not None:
        yield path, _instant(str(node))


def _instant(value: str) -> str:
    try:
        moment = datetime.fromisoformat(value) if "T" in value else None
    except ValueError:
        return value
    if moment is None or moment.tzinfo is None:
        return value
    return moment.astimezone(UTC).isoformat()


def lost_silently(content: dict[str, Any], written: Encoded, read: Mapped) -> list[tuple[str, str]]:
    """Leaves that neither came back nor are named as left out."""
    there = {
        (_INDEX.sub("", path), value)
        for change in read.changes
        for path, value in leaves(change.resource, _CONTENT.get(change.type, change.type))
    }
    found = []
    for entry in content["entry"]:
        resource = entry["resource"]
        kind, own = resource["resourceType"], f"{resource['resourceType']}/{resource['id']}"
        named = [p for p in written.left_out if p == own or p.startswith((f"{own}.", f"{own}["))]
        for path, value in leaves(resource, own):
            told = any(path == n or path.startswith((f"{n}.", f"{n}[")) for n in named)
            place = _INDEX.sub("", kind + path.removeprefix(own))
            if not told and (place, value) not in there:
                found.append((place, value))
    return found
