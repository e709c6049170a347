"""Mapping rows: Feldkennung → target element, one CSV per member of the family.

Columns of `rows/<member>.csv`: `block` (what the fields stand in: a record, an object or a
section; names are the member's own), `resource` (the type filled, or an element of it that is
filled by itself: "Patient.contact"), `fk`, `target` (see mappers.placing), `datatype` (see
mappers.xdt.datatypes) and `argument` (code table, unit, system, companion field).
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from mappers.codes import rows
from mappers.placing import Place, placing
from mappers.xdt.charset import PACKAGE
from mappers.xdt.datatypes import Convert, converter
from mappers.xdt.group import Group
from mappers.xdt.session import Session


class Row(NamedTuple):
    """One compiled row."""

    fk: str
    convert: Convert
    place: Place
    #: Every value is placed, else the first.
    many: bool


@cache
def table(member: str, block: str, resource: str) -> tuple[Row, ...]:
    """Compile the rows of a block and resource; raises KeyError when there are none."""
    found = tuple(
        _compile(row)
        for row in rows(PACKAGE, "rows", member)
        if row["block"] == block and row["resource"] == resource
    )
    if not found:
        raise KeyError(f"{member} {block} {resource}")
    return found


def _compile(row: Any) -> Row:
    place, many, _ = placing(row["target"])
    return Row(row["fk"], converter(row["datatype"], row["argument"]), place, many)


def apply_rows(
    session: Session, group: Group, compiled: tuple[Row, ...], resource: dict[str, Any]
) -> None:
    """Carry the fields of a group into a resource (or a part of one)."""
    shared: dict[str, Any] = {}
    stated = group.fields
    for fk, convert, place, many in compiled:
        if fk in stated:
            values = convert(session, group, stated[fk])
            for value in values if many else values[:1]:
                place(resource, value, shared)
