"""What each version of HL7 v2 knows: messages, fields and the parts of datatypes.

Three tables: `versions/messages.csv` (structure and segments of a message from a version on),
`fields.csv` (datatype of a field in each version, `*` where it repeats, empty where there is
none) and `datatypes.csv` (the components of a datatype in each version: how many subcomponents
each may have, `D` for a date, `0` where it is withdrawn). Chapter 2.A and 2.C of the versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from mappers.codes import rows
from mappers.hl7v2.session import PACKAGE

VERSIONS = ("2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.8")
#: Codes: a text without code has no place in them.
CODES = frozenset({"ID", "IS"})


#: Datatype → components (from 0) that took each other's place over the versions.
_MOVED = {"XTN": ((0, 11),), "XON": ((9, 2),), "CE": ((8, 1),)}


class Shape(NamedTuple):
    """What one field may hold."""

    #: Datatype as that version names it; TS also stands for DTM.
    datatype: str
    repeats: bool
    #: Most subcomponents by component, 0 for none; empty for a datatype without components.
    parts: tuple[int, ...]
    #: Components (from 0) that hold a date without time; of a plain date: 0.
    dates: frozenset[int]
    #: Components of other versions and where their value goes in this one.
    moves: tuple[tuple[int, int], ...] = ()


class Structure(NamedTuple):
    """The structure of a message in one version."""

    #: MSH-9.3.
    name: str
    #: Segments it has a place for, in order.
    segments: tuple[str, ...]


def later(one: str, other: str) -> bool:
    """Tell whether version `one` is `other` or a later one."""
    return VERSIONS.index(one) >= VERSIONS.index(other)


@cache
def structure(message: str, version: str) -> Structure | None:
    """Return the structure of a message such as "ADT^A01"; None where the version has none."""
    found: Structure | None = None
    for row in rows(PACKAGE, "versions", "messages"):
        if row["message"] == message and later(version, row["since"]):
            segments = tuple(row["segments"].split())
            found = Structure(row["structure"], segments) if segments else None
    return found


@cache
def fields(version: str) -> Mapping[str, Mapping[int, Shape]]:
    """Segment → field → its shape in this version."""
    found: dict[str, dict[int, Shape]] = {}
    for row in rows(PACKAGE, "versions", "fields"):
        stated = row[version]
        if stated:
            known = shape(version, stated.rstrip("*"), repeats=stated.endswith("*"))
            found.setdefault(row["segment"], {})[int(row["field"])] = known
    return found


@cache
def shape(version: str, datatype: str, *, repeats: bool = False) -> Shape:
    """Return the shape of a datatype in a version."""
    parts = _parts(version).get(datatype, ())
    dates = frozenset(n for n, part in enumerate(parts) if part == "D")
    if datatype == "DT":
        dates = frozenset({0})
    sizes = tuple(1 if part == "D" else int(part) for part in parts)
    moves = tuple(
        (place, other)
        for place, other in _MOVED.get(datatype, ())
        if not any(sizes[place : place + 1]) and any(sizes[other : other + 1])
    )
    return Shape(datatype, repeats, sizes, dates, moves)


@cache
def _parts(version: str) -> Mapping[str, tuple[str, ...]]:
    return {
        row["datatype"]: tuple(row[version].split())
        for row in rows(PACKAGE, "versions", "datatypes")
    }
