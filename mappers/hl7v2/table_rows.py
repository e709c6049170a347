"""Mapping rows: source field → target element, one CSV per segment and resource.

Columns: `field` ("3", or a part of it: "3.4", "3.4.1"), `target`, `datatype`, `argument` (code
table, default use or constant), `unless` (a field that, when valued, takes the row's place) and,
where a table has the column, `if` (see mappers.hl7v2.conditions).

Targets are those of `mappers.placing`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import compress
from operator import itemgetter
from typing import Any, NamedTuple

from mappers.codes import rows
from mappers.hl7v2.conditions import Condition, condition
from mappers.hl7v2.datatypes import converters
from mappers.hl7v2.session import PACKAGE, Draft, Session
from mappers.hl7v2.tokenizer import DELETE, Repetition, Segment, sub
from mappers.placing import Place, placing

Convert = Callable[[Session, Repetition], Any]


class Row(NamedTuple):
    """One compiled row."""

    field: int
    #: Parsed field → values to place: all of them, or the first that converts.
    values: Callable[[Session, Any], list[Any]]
    place: Place
    #: Top-level element, cleared by `""`.
    element: str
    #: Field that, when valued, takes this row's place; 0: none.
    unless: int
    #: What the segment must say for the row to hold; None: nothing.
    condition: Condition | None


class Rows:
    """The compiled rows of one table."""

    __slots__ = ("_padding", "_raw_of", "rows")

    def __init__(self, compiled: tuple[Row, ...]) -> None:
        """Keep rows in the order of the table."""
        self.rows = compiled
        fields = [row.field for row in compiled]
        #: The raw field of every row, of a segment that has them all.
        self._raw_of: Callable[[list[str]], tuple[str, ...]] = itemgetter(*fields, 0)
        self._padding = [""] * (max(fields, default=0) + 1)

    def values(self, session: Session, segment: Segment) -> list[tuple[Place, Any]]:
        """Convert the fields of a segment: where each value goes, and the value."""
        found: list[tuple[Place, Any]] = []
        raw = segment.raw
        padded = raw if len(raw) >= len(self._padding) else raw + self._padding
        # Most fields are empty: they are passed over in one go.
        for field, convert, place, _, unless, holds in compress(self.rows, self._raw_of(padded)):
            if raw[field] == DELETE or (unless and _says(segment, unless)):
                continue
            if holds is None or holds(segment):
                values = session.once(convert, segment.repetitions(field))
                found += [(place, value) for value in values]
        return found


@cache
def table(name: str) -> Rows:
    """Load and compile `rows/<name>.csv`."""
    return Rows(tuple(_compile(row) for row in rows(PACKAGE, "rows", name)))


def _compile(row: Any) -> Row:
    place, many, element = placing(row["target"])
    field, _, part = row["field"].partition(".")
    convert = converters.converter(row["datatype"], row["argument"], int(field))
    if part:
        convert = _part(convert, part)
    unless = int(row["unless"]) if row["unless"] else 0
    stated = condition(row.get("if") or "")
    return Row(int(field), _values(convert, many=many), place, element, unless, stated)


def _part(convert: Convert, part: str) -> Convert:
    """Convert one component (or subcomponent) as if it were the whole field."""
    number, _, position = part.partition(".")

    def converted(session: Session, repetition: Repetition) -> Any:
        if position:
            found: Any = [None, sub(repetition, int(number), int(position))]
        else:
            whole = repetition[int(number)] if int(number) < len(repetition) else None
            found = [None, *whole] if type(whole) is list else [None, whole]
        return convert(session, found) if any(found) else None

    return converted


def _values(convert: Convert, *, many: bool) -> Callable[[Session, Any], list[Any]]:
    def values(session: Session, repetitions: list[Repetition]) -> list[Any]:
        found = []
        for repetition in repetitions:
            value = convert(session, repetition)
            if value is not None:
                found.append(value)
                if not many:
                    break
        return found

    return values


def apply_rows(session: Session, segment: Segment, compiled: Rows, draft: Draft) -> None:
    """Carry the fields of a segment into a resource."""
    resource = draft.resource
    shared: dict[str, Any] = {}
    for place, value in session.once(compiled.values, segment, compiled):
        place(resource, value, shared)
    if DELETE in segment.raw:
        for row in compiled.rows:
            if segment.deletes(row.field) and not (row.unless and _says(segment, row.unless)):
                clear(session, segment, row.field, draft, row.element)


def _says(segment: Segment, field: int) -> bool:
    """Tell whether a field states something; what it deletes leaves the word to the other."""
    return segment.has(field) and not segment.deletes(field)


def clear(session: Session, segment: Segment, field: int, draft: Draft, element: str) -> None:
    """A field that says `""` deletes the element."""
    deleted = segment.first(field)
    if deleted is not None:
        session.deleted.append(deleted)
    draft.cleared.append(element)
