"""Loss accounting: every non-empty content is mapped, ignored for a stated reason, or unmapped.

What frames the content is no leaf: length and Feldkennung of a line, the lines that open and
close objects and records, the length of a record. They are checked while reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from mappers.base import Loss
from mappers.codes import rows
from mappers.trace import Text, collect
from mappers.xdt.charset import PACKAGE
from mappers.xdt.message import Message
from mappers.xdt.session import Session


@cache
def _ignored(member: str) -> Mapping[str, str]:
    """Feldkennung → reason; what is said of one member ("LDT 9202") comes first."""
    stated = {row["fk"]: row["reason"] for row in rows(PACKAGE, "codes", "ignored")}
    own = {fk.removeprefix(f"{member} "): why for fk, why in stated.items() if " " in fk}
    return {**stated, **{fk: why for fk, why in own.items() if " " not in fk}}


def account(session: Session, message: Message, seen: set[int]) -> Loss:
    """Balance the leaves found in the output against the source."""
    _collect_echoes(session.echoes, seen)
    leaves = message.stated
    lost = [number for number in leaves if number not in seen]
    if not lost:
        return Loss(len(leaves), len(leaves))
    reasons: dict[int, str] = {}
    for value, reason in session.ignored:
        found: set[int] = set()
        collect(value, found)
        reasons.update(dict.fromkeys(found, reason))
    ignored: list[tuple[str, str]] = []
    unmapped: list[tuple[str, str]] = []
    for number in lost:
        path = message.path(number)
        why = reasons.get(number) or _reason(session, message.fks[number])
        if why is not None:
            ignored.append((path, why))
        else:
            unmapped.append((path, message.lines[number][7:]))
    mapped = len(leaves) - len(lost)
    return Loss(len(leaves), mapped, len(ignored), tuple(unmapped), tuple(ignored))


def _collect_echoes(echoes: list[Any], seen: set[int]) -> None:
    """Most echoes are plain leaves."""
    others = []
    for one in echoes:
        if type(one) is not Text:
            others.append(one)
        elif isinstance(one.source, int):
            seen.add(one.source)
        else:
            seen.update(one.source)
    if others:
        collect(others, seen)


def _reason(session: Session, fk: str) -> str | None:
    member = session.member.name
    own = session.dialect.ignore
    found = (own.get(f"{member} {fk}") or own.get(fk)) if own else None
    return found or _ignored(member).get(fk)
