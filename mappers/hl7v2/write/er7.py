"""Segments being written, and their ER7 text (HL7 v2.5 chapter 2.5 to 2.7)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from mappers.hl7v2.escape import escape
from mappers.hl7v2.header import Delimiters
from mappers.trace import collect

#: One component: nothing, a leaf, or its subcomponents.
Component = str | Sequence[str | None] | None
#: The components of one repetition, the first one at index 0.
Repetition = Sequence[Component]

DELIMITERS = Delimiters()
_DELETE = '""'
#: Control characters no field may hold: they frame messages.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Segment:
    """One segment; fields are put in any order."""

    __slots__ = ("fields", "name")

    def __init__(self, name: str, *fields: str | None) -> None:
        """Begin a segment with its first plain fields."""
        self.name = name
        self.fields: dict[int, list[Repetition]] = {}
        for number, value in enumerate(fields, 1):
            self.put(number, value)

    def put(self, field: int, *components: Component) -> bool:
        """Add a repetition to a field; False when it would be empty."""
        if not any(_valued(component) for component in components):
            return False
        self.fields.setdefault(field, []).append(components)
        return True

    def add(self, field: int, repetition: Repetition | None) -> bool:
        """Add a repetition made elsewhere; False when there is none."""
        return repetition is not None and self.put(field, *repetition)

    def has(self, *fields: int) -> bool:
        """Tell whether one of these fields is valued."""
        return any(field in self.fields for field in fields)


def _valued(component: Component) -> bool:
    if component is None or isinstance(component, str):
        return bool(component) and _writable(component)
    return any(_valued(part) for part in component)


def _writable(leaf: str | None) -> bool:
    """Tell whether a leaf can be written: `""` would delete the receiver's value."""
    return (
        leaf is not None
        and leaf != _DELETE
        and not leaf.isspace()
        and _CONTROL.search(leaf) is None
    )


def render(segments: Iterable[Segment], seen: set[int]) -> str:
    """Write segments as ER7 text and collect the leaves they carry."""
    return "".join(_segment(segment, seen) + "\r" for segment in segments)


def _segment(segment: Segment, seen: set[int]) -> str:
    fields = [segment.name]
    for number in range(1, max(segment.fields, default=0) + 1):
        repetitions = segment.fields.get(number, ())
        written = [_repetition(repetition, seen) for repetition in repetitions]
        fields.append(DELIMITERS.repetition.join(written))
    return DELIMITERS.field.join(fields)


def _repetition(repetition: Repetition, seen: set[int]) -> str:
    components = [_component(component, seen) for component in repetition]
    return DELIMITERS.component.join(components).rstrip(DELIMITERS.component)


def _component(component: Component, seen: set[int]) -> str:
    if component is None or isinstance(component, str):
        return _leaf(component, seen)
    parts = [_leaf(part, seen) for part in component]
    return DELIMITERS.subcomponent.join(parts).rstrip(DELIMITERS.subcomponent)


def _leaf(leaf: str | None, seen: set[int]) -> str:
    if not leaf or not _writable(leaf):
        return ""
    collect(leaf, seen)
    return escape(leaf, DELIMITERS)
