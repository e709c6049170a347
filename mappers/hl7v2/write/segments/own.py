"""The partner's own segments: the rows of its dialect, read backwards (HL7 v2.5 chapter 2.11)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mappers.dialect import Row
from mappers.hl7v2.datatypes.converters import extension_target
from mappers.hl7v2.write.er7 import Segment
from mappers.hl7v2.write.rows import converted, values_at
from mappers.hl7v2.write.writing import Writing


def own_segments(w: Writing) -> list[Segment]:
    """What the dialect's rows say of Z segments → one segment of each name, at the end.

    A row names the first resource of its type, as in reading.
    """
    made: dict[str, Segment] = {}
    for row in w.dialect.rows:
        name, _, place = row.source.partition("-")
        field, _, component = place.partition(".")
        if not name.startswith("Z") or not field.isdigit():
            continue
        segment = made.setdefault(name, w.segment(name))
        for value, implied in _values(w, row):
            repetition = converted(w, row.datatype, value)
            if repetition is not None and _put(segment, int(field), component, repetition):
                w.carried(implied)
    return [segment for segment in made.values() if segment.fields]


def _values(w: Writing, row: Row) -> Iterator[tuple[Any, list[Any]]]:
    for resource in w.source.of(row.resource)[:1]:
        if row.url:
            yield from values_at(resource, extension_target(row))
            continue
        found = resource.get(row.element, [])
        yield from ((value, []) for value in (found if isinstance(found, list) else [found]))


def _put(segment: Segment, field: int, component: str, repetition: Any) -> bool:
    """Add a repetition, or one leaf as a component of the first one."""
    if not component:
        return segment.put(field, *repetition)
    number = int(component.partition(".")[0])
    first = list(segment.fields.pop(field, [()])[0])
    first += [None] * (number - len(first))
    taken = first[number - 1] is not None
    if not taken:
        first[number - 1] = repetition[0]
    return segment.put(field, *first) and not taken
