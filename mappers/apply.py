"""A change made to a resource: `apply(current, change)` is the new version."""

from __future__ import annotations

from mappers.base import Action, Change, Resource


def apply(current: Resource | None, change: Change) -> Resource | None:
    """Return the resource after the change, None when nothing is left of it."""
    if change.action is Action.DELETE:
        return None
    if current is None or change.action is Action.REPLACE:
        return None if current is None and change.partial else change.resource
    merged = {**current, **change.resource}
    for element in change.cleared:
        merged.pop(element, None)
    return merged
