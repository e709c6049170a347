"""What FHIR does not allow is left out of a resource; everything else a message said stays.

A sender may write anything into a field, and one value that fits no FHIR type must not cost the
message. What is left out counts as unmapped and is told in an issue.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mappers.base import Action, Mapped
from profiles.issue import Issue
from profiles.validate import structure

_STEP = re.compile(r"([A-Za-z]+)(?:\[(\d+)\])?")
#: Name of an element and, in a list, its index.
Step = tuple[str, int]
_NO_INDEX = -1
#: Stands in a list for an item that was taken away.
_GONE = object()
_BROKEN = frozenset({"error", "fatal"})


def broken(mapped: Mapped) -> dict[str, tuple[Issue, ...]]:
    """Return what FHIR does not allow, by resource ("Patient/<id>")."""
    found = {}
    for change in mapped.changes:
        if change.action is Action.DELETE:
            continue
        issues = [issue for issue in structure(change.resource) if issue.severity in _BROKEN]
        if issues:
            found[f"{change.type}/{change.id}"] = tuple(issues)
    return found


def left_out(found: Mapping[str, Sequence[Issue]]) -> tuple[Issue, ...]:
    """Say what was left out, and why."""
    return tuple(
        Issue("warning", "value", f"{_words(one)}; it was left out", one.location, "102")
        for issues in found.values()
        for one in dict.fromkeys(issues)
    )


def _words(issue: Issue) -> str:
    return f"the element {issue.text}"


def without(resource: dict[str, Any], locations: Sequence[str]) -> dict[str, Any]:
    """Return a resource without the elements at these places ("Patient.name[0].family").

    What is then empty goes too, and what lacks a required element goes with it. Nothing of
    `resource` is changed: parts of it may be shared.
    """
    for steps in sorted({_steps(location) for location in locations}, reverse=True):
        resource = _without(resource, steps) or resource
    compacted: dict[str, Any] = _compact(resource)
    return compacted


def _steps(location: str) -> tuple[Step, ...]:
    names = location.split(".")[1:]
    matches = [_STEP.fullmatch(name) for name in names]
    return tuple((m[1], int(m[2]) if m[2] else _NO_INDEX) for m in matches if m is not None)


def _without(node: dict[str, Any], steps: tuple[Step, ...]) -> dict[str, Any] | None:
    """Return a copy without an element; None when nothing is left or the element is missing."""
    if not steps:
        return None
    (name, index), *rest = steps
    keys = _keys(node, name)
    if not keys:
        return None
    made = dict(node)
    if not rest and len(keys) > 1:
        for key in keys[1:]:
            _drop(made, key, _NO_INDEX)
        return made
    key = keys[0]
    holder = f"_{key}" if rest and not isinstance(_at(node.get(key), index), dict) else key
    child = _at(node.get(holder), index)
    kept = _without(child, tuple(rest)) if rest and isinstance(child, dict) else None
    if kept is None:
        _drop(made, key, index)
    elif index == _NO_INDEX:
        made[holder] = kept
    else:
        made[holder] = [*made[holder][:index], kept, *made[holder][index + 1 :]]
    return made if made.keys() - {"resourceType"} else None


def _keys(node: dict[str, Any], name: str) -> list[str]:
    """Keys of an element: its name, or one for each type of a choice."""
    if name in node or f"_{name}" in node:
        return [name]
    size = len(name)
    names = dict.fromkeys(key.removeprefix("_") for key in node)
    return [key for key in names if key.startswith(name) and key[size : size + 1].isupper()]


def _at(value: Any, index: int) -> Any:
    if index == _NO_INDEX:
        return value
    return value[index] if isinstance(value, list) and index < len(value) else None


def _drop(node: dict[str, Any], key: str, index: int) -> None:
    """Take an item away, or the element with its extensions; items keep their numbers for now."""
    for name in (key, f"_{key}"):
        value = node.get(name)
        if index == _NO_INDEX:
            node.pop(name, None)
        elif isinstance(value, list) and index < len(value):
            node[name] = [*value[:index], _GONE, *value[index + 1 :]]


def _compact(node: Any) -> Any:
    """Close the gaps."""
    if isinstance(node, dict):
        kept = {key: _compact(value) for key, value in node.items()}
        return {key: value for key, value in kept.items() if value not in ({}, [])}
    if isinstance(node, list):
        return [_compact(value) for value in node if value is not _GONE]
    return node
