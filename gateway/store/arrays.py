"""Columns of values as PostgreSQL takes them fastest: arrays in its binary format.

https://www.postgresql.org/docs/15/arrays.html; the format is that of `array_send`: dimensions,
whether there are nulls, the elements' type, their number, the lower bound, then each element
behind its length, which is -1 for null.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import chain, repeat
from typing import Any, ClassVar

from psycopg import Connection
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

_HEAD = struct.Struct(">iiIii")
_LENGTH = struct.Struct(">i")
_INT = struct.Struct(">iq")
_NULL = _LENGTH.pack(-1)


class Array(list[Any]):
    """One column of values; only integers may be null."""

    #: How SQL names the elements' type.
    sql: ClassVar[str]
    #: Object ids of the elements' type and of the array's (PostgreSQL's pg_type.dat).
    element: ClassVar[int]
    oid: ClassVar[int]

    def content(self) -> bytes:
        """Return the elements, bytes as they are, each behind its length."""
        lengths = map(_LENGTH.pack, map(len, self))
        return b"".join(chain.from_iterable(zip(lengths, self, strict=True)))


class Blobs(Array):
    """bytea."""

    sql, element, oid = "bytea", 17, 1001


class Texts(Array):
    """text, in UTF-8 and without NUL, as PostgreSQL wants it."""

    sql, element, oid = "text", 25, 1009

    def content(self) -> bytes:
        """Return the elements, each behind its length."""
        return Blobs(map(str.encode, self)).content()


class Ints(Array):
    """int8."""

    sql, element, oid = "int8", 20, 1016

    def content(self) -> bytes:
        """Return the elements, each behind its length."""
        if None in self:
            return b"".join(_NULL if one is None else _INT.pack(8, one) for one in self)
        return struct.pack(">" + "iq" * len(self), *_lengthened(self))


class Floats(Array):
    """float8."""

    sql, element, oid = "float8", 701, 1022

    def content(self) -> bytes:
        """Return the elements, each behind its length."""
        return struct.pack(">" + "id" * len(self), *_lengthened(self))


#: By the type of the values.
_KINDS: dict[type, type[Array]] = {
    int: Ints,
    float: Floats,
    str: Texts,
    bytes: Blobs,
    bytearray: Blobs,
    # Instants are what may be missing.
    type(None): Ints,
}


def columns(rows: Sequence[Sequence[Any]]) -> list[Array]:
    """Turn rows, one at least, into one array a column by the types of the first row."""
    kinds = [_KINDS[type(value)] for value in rows[0]]
    turned = zip(*rows, strict=True)
    return [kind(column) for kind, column in zip(kinds, turned, strict=True)]


def register(connection: Connection[Any]) -> None:
    """Let the connection write arrays."""
    for kind in (Ints, Floats, Texts, Blobs):
        # psycopg finds the object id on the dumper's class.
        dumper = type(f"{kind.__name__}Dumper", (_Dumper,), {"oid": kind.oid})
        connection.adapters.register_dumper(kind, dumper)


class _Dumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Array) -> Buffer:
        """Return the array in PostgreSQL's binary format."""
        return _HEAD.pack(1, None in obj, obj.element, len(obj), 1) + obj.content()


def _lengthened(numbers: Array) -> chain[Any]:
    """Put the length of eight bytes before each number."""
    return chain.from_iterable(zip(repeat(8), numbers))
