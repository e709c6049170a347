"""Traced values: leaves know where they stood in the source.

Loss is what is not found when the finished output is walked; the same walk gives lineage.
Marks on access would count "read" as "mapped", so nothing is marked before the walk.

A source is an int (one leaf, numbered by the format's tree) or a tuple of ints (a value made
of several leaves). Strings are `Text`, a str subclass; booleans, integers and decimals cannot
carry a source themselves and travel as `Value` until `finished` replaces both by plain values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from itertools import compress, repeat
from operator import attrgetter, not_
from typing import Any, NamedTuple

import orjson

from profiles.reading.decimals import literal_of

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


_TRACED = (Text, Value)


def text(value: str, source: Source) -> Text:
    """Make a string that came from `source`."""
    made = _new(Text, value)
    made.source = source
    return made


def derived(value: str, *parts: object) -> str:
    """Make a string from several leaves; parts without a source add none."""
    made = _new(Text, value)
    if len(parts) == 1 and type(parts[0]) is Text and type(parts[0].source) is int:
        made.source = (parts[0].source,)
    else:
        made.source = merged(*parts)
    return made


def merged(*parts: object) -> tuple[int, ...]:
    """All source leaves of several values."""
    found: list[int] = []
    for part in parts:
        if isinstance(part, _TRACED):
            source = part.source
            if isinstance(source, int):
                found.append(source)
            else:
                found.extend(source)
    return tuple(found)


class Finished(NamedTuple):
    """Finished output as compact JSON: plain values, nothing of their sources."""

    body: bytes
    has_decimals: bool = False


def finished(nodes: Sequence[dict[str, Any]], seen: set[int]) -> list[Finished]:
    """Write finished output, which shares nothing with remembered parts; collect its leaves."""
    collect(nodes, seen)
    decimals: list[Decimal] = []

    def plain(value: Any) -> Any:
        if type(value) is Value:
            value = value.value
        if isinstance(value, Decimal):
            decimals.append(value)
            return orjson.Fragment(literal_of(value))
        return value

    made = []
    before = 0
    for node in nodes:
        body = orjson.dumps(node, default=plain)
        made.append(Finished(body, len(decimals) > before))
        before = len(decimals)
    return made


def collect(values: Any, seen: set[int]) -> None:
    """Collect the leaves of finished output, or of values that equal something in it.

    Serialising walks the tree in C and hands over what is no plain value: the traced ones.
    """
    if type(values) is Text:
        source = values.source
        seen.update((source,) if isinstance(source, int) else source)
        return
    found: list[Any] = []
    orjson.dumps(values, default=found.append, option=orjson.OPT_PASSTHROUGH_SUBCLASS)
    try:
        sources: set[Any] = set(map(_source_of, found))
    except AttributeError:
        # Something else than a traced value: it has no source to be found.
        sources = {one.source for one in found if isinstance(one, _TRACED)}
    several = [*compress(sources, map(isinstance, sources, repeat(tuple)))]
    sources.difference_update(several)
    seen |= sources
    seen.update(*several)


_source_of = attrgetter("source")


def unseen(leaves: Sequence[Text], seen: AbstractSet[Source]) -> list[Text]:
    """Return the leaves that were not collected, in order."""
    return [*compress(leaves, map(not_, map(seen.__contains__, map(_source_of, leaves))))]


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
