"""Traced values: leaves know where they stood in the source.

Loss is what is not found when the finished output is walked; the same walk gives lineage.
Marks on access would count "read" as "mapped", so nothing is marked before the walk.

A source is an int (one leaf, numbered by the format's tree) or a tuple of ints (a value made
of several leaves). Strings are `Text`, a str subclass; booleans, integers and decimals cannot
carry a source themselves and travel as `Value` until `finished` replaces both by plain values.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson

Source = int | tuple[int, ...]

_new = str.__new__


class Text(str):
    """A string that knows its source leaves."""

    __slots__ = ("source",)

    source: Source


class Value:
    """A boolean, integer or decimal that knows its source leaves."""

    __slots__ = ("source", "value")

    def __init__(self, value: Any, source: Source) -> None:
        """Wrap `value`, made from the leaves in `source`."""
        self.value = value
        self.source = source

    def __eq__(self, other: object) -> bool:
        """Equal when the plain values are."""
        return isinstance(other, Value) and bool(self.value == other.value)

    def __hash__(self) -> int:
        """Hash as the plain value."""
        return hash(self.value)


def text(value: str, source: Source) -> Text:
    """Make a string that came from `source`."""
    made = _new(Text, value)
    made.source = source
    return made


def derived(value: str, *parts: object) -> str:
    """Make a string from several leaves; parts without a source add none."""
    made = _new(Text, value)
    made.source = merged(*parts)
    return made


def merged(*parts: object) -> tuple[int, ...]:
    """All source leaves of several values."""
    found: list[int] = []
    for part in parts:
        if isinstance(part, Text | Value):
            source = part.source
            if isinstance(source, int):
                found.append(source)
            else:
                found.extend(source)
    return tuple(found)


def finished(nodes: list[Any], seen: set[int]) -> list[Any]:
    """Return finished output as plain copies of its own; collect the leaves found in it.

    Serialising walks the tree in C and stops at traced values only; reading it back gives plain
    values that share nothing with remembered parts. Decimals would lose their literal that way
    and are copied by hand.
    """
    decimals = 0
    add, update = seen.add, seen.update

    def plain(value: Any) -> Any:
        nonlocal decimals
        source = value.source
        if type(source) is int:
            add(source)
        else:
            update(source)
        if type(value) is Text:
            return str(value)
        if isinstance(value.value, Decimal):
            decimals += 1
            return 0
        return value.value

    copies = []
    by_hand: set[str] = set()
    for node in nodes:
        kind = node.get("resourceType", "") if type(node) is dict else ""
        if kind in by_hand:
            copies.append(_settled(node, add, update))
            continue
        before = decimals
        body = orjson.dumps(node, default=plain, option=orjson.OPT_PASSTHROUGH_SUBCLASS)
        if decimals == before:
            copies.append(orjson.loads(body))
        else:
            # Where one result has a decimal the next has as well: it is not serialised in vain.
            by_hand.add(kind)
            copies.append(_settled(node, add, update))
    return copies


def _settled(
    node: dict[str, Any], add: Callable[[int], None], update: Callable[[tuple[int, ...]], None]
) -> dict[str, Any]:
    """Copy an object by hand, its decimals as they are, and tell the leaves found in it.

    The commonest kinds come first: this runs for every element of every result.
    """
    copied: dict[str, Any] = {}
    for key, value in node.items():
        kind = type(value)
        if kind is str:
            copied[key] = value
        elif kind is Text:
            source = value.source
            add(source) if type(source) is int else update(source)
            copied[key] = str(value)
        elif kind is dict:
            copied[key] = _settled(value, add, update)
        elif kind is list:
            copied[key] = [
                _settled(item, add, update) if type(item) is dict else _leaf(item, add, update)
                for item in value
            ]
        else:
            copied[key] = _leaf(value, add, update)
    return copied


def _leaf(value: Any, add: Callable[[int], None], update: Callable[[tuple[int, ...]], None]) -> Any:
    """The plain value of a leaf; lists in lists there are none in FHIR."""
    kind = type(value)
    if kind is not Text and kind is not Value:
        return value
    source = value.source
    if type(source) is int:
        add(source)
    else:
        update(source)
    return str(value) if kind is Text else value.value


def collect(node: Any, seen: set[int]) -> None:
    """Collect the leaves of a value that equals something already in the output."""
    if type(node) is dict:
        for value in node.values():
            collect(value, seen)
    elif type(node) is list or type(node) is tuple:
        for value in node:
            collect(value, seen)
    elif isinstance(node, Text | Value):
        source = node.source
        if isinstance(source, int):
            seen.add(source)
        else:
            seen.update(source)


def lineage(node: Any, path: str, render: Callable[[int], str]) -> dict[str, tuple[str, ...]]:
    """FHIR element → source paths, for unsettled output; `render` names a leaf."""
    found: dict[str, tuple[str, ...]] = {}
    if type(node) is dict:
        for key, value in node.items():
            found.update(lineage(value, f"{path}.{key}", render))
    elif type(node) is list:
        for index, value in enumerate(node):
            found.update(lineage(value, f"{path}[{index}]", render))
    else:
        leaves = merged(node)
        if leaves:
            found[path] = tuple(render(leaf) for leaf in leaves)
    return found
