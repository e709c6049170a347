"""Where the rows of a mapping table put what they convert: target texts compiled to functions.

Targets: `birthDate` (first value), `name[]` (every value), `period.start` (nested),
`communication[].language`, `hospitalization.dietPreference[]`, `extension(URL).valueString`.
Longer paths are built of the same steps: `a[]` makes an item per value, `a[word]` one item that
the rows of a table with the same word share, `extension(URL)` is such an item.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

#: Puts a value into a resource; the items rows share stand in the third argument.
Place = Callable[[dict[str, Any], Any, dict[str, Any]], None]

_EXTENSION = re.compile(r"extension\(([^()]+)\)\.(\w+)(?:\(([^()]+)\))?")
_LIST = re.compile(r"(\w+)\[\](?:\.(\w+))?")
_CHILD_LIST = re.compile(r"(\w+)\.(\w+)\[\]")
_CHILD = re.compile(r"\w+\.\w+")
_STEP = re.compile(r"(\w+)(?:\[(\w*)\]|\(([^()]+)\))?(?:\.|$)")


def placing(target: str) -> tuple[Place, bool, str]:
    """Compile a target: what puts a value there, whether it takes every value, its element.

    Raises ValueError for a target that cannot be read.
    """
    extension = _EXTENSION.fullmatch(target)
    if extension is not None:
        return _into_extension(*extension.groups()), True, "extension"
    in_list = _LIST.fullmatch(target)
    if in_list is not None:
        return _into_list(in_list.group(1), in_list.group(2)), True, in_list.group(1)
    child_list = _CHILD_LIST.fullmatch(target)
    if child_list is not None:
        return _into_child_list(*child_list.groups()), True, child_list.group(1)
    if _CHILD.fullmatch(target) is not None:
        parent, _, child = target.partition(".")
        return _into_child(parent, child), False, parent
    if target.isalnum():
        return _into(target), False, target
    return _into_path(target)


class _Step(NamedTuple):
    """One step of a longer path."""

    name: str
    #: The path up to here, by which rows find the item they share.
    path: str
    url: str
    is_shared: bool
    is_list: bool

    def walk(self, node: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
        """Go down one step, making what is not there."""
        if not (self.is_shared or self.is_list):
            found: dict[str, Any] = node.setdefault(self.name, {})
            return found
        item: dict[str, Any] | None = shared.get(self.path) if self.is_shared else None
        if item is None:
            item = {"url": self.url} if self.url else {}
            node.setdefault(self.name, []).append(item)
            shared[self.path] = item
        return item


def _into_path(target: str) -> tuple[Place, bool, str]:
    """Compile a path of any length; raises ValueError for one that cannot be read."""
    steps = []
    path = ""
    for match in _STEP.finditer(target):
        name, word, url = match.groups()
        path += match.group()
        steps.append(_Step(name, path, url or "", bool(word or url), word == ""))
    if path != target:
        raise ValueError(f"not a target: {target}")

    def place(resource: dict[str, Any], value: Any, shared: dict[str, Any]) -> None:
        node = resource
        for step in steps[:-1]:
            node = step.walk(node, shared)
        if steps[-1].is_list:
            node.setdefault(steps[-1].name, []).append(value)
        else:
            node.setdefault(steps[-1].name, value)

    return place, "[]" in target, steps[0].name


def _into(element: str) -> Place:
    def place(resource: dict[str, Any], value: Any, _: dict[str, Any]) -> None:
        resource.setdefault(element, value)

    return place


def _into_child(parent: str, child: str) -> Place:
    def place(resource: dict[str, Any], value: Any, _: dict[str, Any]) -> None:
        resource.setdefault(parent, {}).setdefault(child, value)

    return place


def _into_child_list(parent: str, child: str) -> Place:
    def place(resource: dict[str, Any], value: Any, _: dict[str, Any]) -> None:
        resource.setdefault(parent, {}).setdefault(child, []).append(value)

    return place


def _into_list(element: str, child: str | None) -> Place:
    def place(resource: dict[str, Any], value: Any, _: dict[str, Any]) -> None:
        item = value if child is None else {child: value}
        present = resource.get(element)
        if present is None:
            resource[element] = [item]
        else:
            present.append(item)

    return place


def _into_extension(url: str, value_name: str, inner: str | None) -> Place:
    def place(resource: dict[str, Any], value: Any, _: dict[str, Any]) -> None:
        made: dict[str, Any] = {"url": url}
        if inner is not None:
            made["extension"] = [{"url": inner, value_name: value}]
        else:
            made[value_name] = value
        resource.setdefault("extension", []).append(made)

    return place
