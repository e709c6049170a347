"""Mapping rows: source field → target element, one CSV per segment and resource.

Columns: `field` ("3", or a part of it: "3.4", "3.4.1"), `target`, `datatype`, `argument` (code
table, default use or constant), `unless` (a field that, when valued, takes the row's place) and,
where a table has the column, `if` (see mappers.hl7v2.conditions).

Targets: `birthDate` (first repetition), `name[]` (every repetition), `period.start` (nested),
`communication[].language`, `hospitalization.dietPreference[]`, `extension(URL).valueString`.
Longer paths are built of the same steps: `a[]` makes an item per value, `a[word]` one item that
the rows of a segment with the same word share, `extension(URL)` is such an item.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from mappers.codes import rows
from mappers.dialect import Row as DialectRow
from mappers.hl7v2.conditions import Condition, condition
from mappers.hl7v2.datatypes import converters
from mappers.hl7v2.session import PACKAGE, Draft, Session
from mappers.hl7v2.tokenizer import DELETE, Repetition, Segment, leaf, sub

Convert = Callable[[Session, Repetition], Any]
#: Puts a value into a resource; the items rows share stand in the third argument.
Place = Callable[[dict[str, Any], Any, dict[str, Any]], None]

_EXTENSION = re.compile(r"extension\(([^()]+)\)\.(\w+)(?:\(([^()]+)\))?")
_LIST = re.compile(r"(\w+)\[\](?:\.(\w+))?")
_CHILD_LIST = re.compile(r"(\w+)\.(\w+)\[\]")
_CHILD = re.compile(r"\w+\.\w+")
_STEP = re.compile(r"(\w+)(?:\[(\w*)\]|\(([^()]+)\))?(?:\.|$)")


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
            if row.condition is not None and not row.condition(segment):
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


def apply_rows(session: Session, segment: Segment, compiled: Rows, draft: Draft) -> None:
    """Carry the fields of a segment into a resource."""
    resource = draft.resource
    shared: dict[str, Any] = {}
    for place, value in session.once(compiled.values, segment, compiled):
        place(resource, value, shared)
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
                    put(drafts[0].resource, value, {})


_LISTS = frozenset({"identifier", "telecom", "address", "note", "category", "extension"})


def _chosen(repetition: Repetition, component: str) -> Repetition | None:
    if not component:
        return repetition
    first, _, second = component.partition(".")
    found = sub(repetition, int(first), int(second)) if second else leaf(repetition, int(first))
    return [None, found] if found is not None else None
