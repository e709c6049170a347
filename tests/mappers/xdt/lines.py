"""Builders of xDT messages: lines with the lengths they have."""

from __future__ import annotations

from collections.abc import Iterable

Field = tuple[str, str]


def line(fk: str, content: str, codec: str = "cp1252") -> bytes:
    """One line with its real length."""
    data = content.encode(codec)
    return f"{len(data) + 9:03d}{fk}".encode() + data + b"\r\n"


def lines(fields: Iterable[Field], codec: str = "cp1252") -> bytes:
    """Lines one after another."""
    return b"".join(line(fk, content, codec) for fk, content in fields)


def record(satzart: str, fields: Iterable[Field], codec: str = "cp1252", digits: int = 5) -> bytes:
    """A record with its length in FK 8100, as GDT, BDT and LDT 2 have it."""
    rest = lines(fields, codec)
    first = line("8000", satzart)
    size = len(first) + len(rest) + digits + 9
    return first + line("8100", f"{size:0{digits}d}") + rest


def nested(satzart: str, fields: Iterable[Field]) -> bytes:
    """A record as LDT 3 and GDT 3.5 have it, ended by FK 8001."""
    return line("8000", satzart) + lines(fields, "iso8859-15") + line("8001", satzart)
