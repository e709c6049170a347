"""Mapping rows: source field → target element, one CSV per segment and resource.

Columns: `field`, `target`, `datatype`, `argument` (code table or default use) and `unless`
(a field that, when valued, takes the row's place). Targets: `birthDate` (first repetition),
`name[]` (every repetition), `period.start` (nested), `communication[].language`,
`extension(URL).valueString`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from mappers.codes import rows
from mappers.dialect import Row as DialectRow
from mappers.hl7v2.datatypes import converters
from mappers.hl7v2.session import PACKAGE, Draft, Session
from mappers.hl7v2.tokenizer import DELETE, Repetition, Segment, leaf, sub

Convert = Callable[[Session, Repetition], Any]
Place = Callable[[dict[str, Any], Any], None]

_EXTENSION = re.compile(r"extension\((.+)\)\.(\w+)(?:\((.+)\))?")
_LIST = re.compile(r"(\w+)\[\](?:\.(\w+))?")
_CHILD_LIST = re.compile(r"(\w+)\.(\w+)\[\]")


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


class Rows:
    """The compiled rows of one table."""

    __slots__ = ("rows",)

    def __init__(self, compiled: tuple[Row, ...]) -> None:
        """Keep rows in the order of the table."""
        self.rows = compiled

    def values(self, session: Session, segment: Segment) -> list[tuple[Place, Any]]:
        """Convert the fields of a segment: where each value goes, and the value."""
        raw = segment.raw
        size = len(raw)
        found: list[tuple[Place, Any]] = []
        for row in self.rows:
            field = row.field
            if field >= size or not raw[field] or raw[field] == DELETE:
                continue
            if row.unless and segment.has(row.unless):
                continue
            place = row.place
            values = session.once(row.values, segment.repetitions(field))
            found += [(place, value) for value in values]
        return found


@cache
def table(name: str) -> Rows:
    """Load and compile `rows/<name>.csv`."""
    return Rows(tuple(_compile(row) for row in rows(PACKAGE, "rows", name)))


def _compile(row: Any) -> Row:
    place, many, element = _target(row["target"])
    convert = converters.converter(row["datatype"], row["argument"], int(row["field"]))
    unless = int(row["unless"]) if row["unless"] else 0
    return Row(int(row["field"]), _values(convert, many=many), place, element, unless)


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


def _target(target: str) -> tuple[Place, bool, str]:
    extension = _EXTENSION.fullmatch(target)
    if extension is not None:
        return _into_extension(*extension.groups()), True, "extension"
    in_list = _LIST.fullmatch(target)
    if in_list is not None:
        return _into_list(in_list.group(1), in_list.group(2)), True, in_list.group(1)
    child_list = _CHILD_LIST.fullmatch(target)
    if child_list is not None:
        return _into_child_list(*child_list.groups()), True, child_list.group(1)
    parent, dot, child = target.partition(".")
    if dot:
        return _into_child(parent, child), False, parent
    return _into(target), False, target


def _into(element: str) -> Place:
    def place(resource: dict[str, Any], value: Any) -> None:
        resource.setdefault(element, value)

    return place


def _into_child(parent: str, child: str) -> Place:
    def place(resource: dict[str, Any], value: Any) -> None:
        resource.setdefault(parent, {}).setdefault(child, value)

    return place


def _into_child_list(parent: str, child: str) -> Place:
    def place(resource: dict[str, Any], value: Any) -> None:
        resource.setdefault(parent, {}).setdefault(child, []).append(value)

    return place


def _into_list(element: str, child: str | None) -> Place:
    def place(resource: dict[str, Any], value: Any) -> None:
        item = value if child is None else {child: value}
        present = resource.get(element)
        if present is None:
            resource[element] = [item]
        else:
            present.append(item)

    return place


def _into_extension(url: str, value_name: str, inner: str | None) -> Place:
    def place(resource: dict[str, Any], value: Any) -> None:
        made: dict[str, Any] = {"url": url}
        if inner is not None:
            made["extension"] = [{"url": inner, value_name: value}]
        else:
            made[value_name] = value
        resource.setdefault("extension", []).append(made)

    return place


def apply_rows(session: Session, segment: Segment, compiled: Rows, draft: Draft) -> None:
    """Carry the fields of a segment into a resource."""
    resource = draft.resource
    for place, value in session.once(compiled.values, segment, compiled):
        place(resource, value)
    if DELETE in segment.raw:
        for row in compiled.rows:
            if segment.deletes(row.field) and not (row.unless and segment.has(row.unless)):
                clear(session, segment, row.field, draft, row.element)


def clear(session: Session, segment: Segment, field: int, draft: Draft, element: str) -> None:
    """A field that says `""` deletes the element."""
    deleted = segment.first(field)
    if deleted is not None:
        session.deleted.append(deleted)
    draft.cleared.append(element)


def apply_dialect_rows(session: Session, wanted: Sequence[DialectRow]) -> None:
    """Carry the fields a dialect names, mostly of Z-segments, into this message's resources."""
    for row in wanted:
        name, _, place = row.source.partition("-")
        field, _, component = place.partition(".")
        drafts = [d for d in session.drafts.values() if d.resource["resourceType"] == row.resource]
        if not drafts or not field.isdigit():
            continue
        convert = converters.converter(row.datatype, "", int(field))
        target = converters.extension_target(row) if row.url else f"{row.element}[]"
        put, _, _ = _target(target if row.url or row.element in _LISTS else row.element)
        for segment in session.message.all(name):
            for repetition in segment.repetitions(int(field)):
                chosen = _chosen(repetition, component)
                value = convert(session, chosen) if chosen is not None else None
                if value is not None:
                    put(drafts[0].resource, value)


_LISTS = frozenset({"identifier", "telecom", "address", "note", "category", "extension"})


def _chosen(repetition: Repetition, component: str) -> Repetition | None:
    if not component:
        return repetition
    first, _, second = component.partition(".")
    found = sub(repetition, int(first), int(second)) if second else leaf(repetition, int(first))
    return [None, found] if found is not None else None
