"""What a dialect has left out before anything is read: `[ignore]`, the shipped one's below it.

A place with an empty reason is not left out: so a sender's dialect takes back what the shipped
one says. Nor is a field for which the dialect has a row of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

from mappers.base import Context
from mappers.dialect import Dialect
from mappers.hl7v2.session import Session
from mappers.shipped import understood


def ignored(context: Context) -> Mapping[str, str]:
    """Return the reasons by field ("PID-18") or segment ("ZXX")."""
    return _of(context)[0]


def leave_out(session: Session) -> None:
    """Empty what is left out, before the segments are read; its leaves stay accounted for."""
    _, fields = _of(session.context)
    segments = session.message.segments
    for position, segment in enumerate(segments) if fields else ():
        named = fields.get(segment.name)
        if named is None:
            continue
        carried = _carried(session.dialect, segment.name)
        numbers = [n for n in named or range(1, len(segment.raw)) if n not in carried]
        if position and any(segment.has(number) for number in numbers):
            segments[position] = segment.emptied(numbers)


def _carried(dialect: Dialect, name: str) -> set[int]:
    """Fields of a segment the dialect itself carries somewhere."""
    places = (row.source.partition(".")[0].partition("-") for row in dialect.rows)
    return {int(field) for segment, _, field in places if segment == name and field.isdecimal()}


def _of(context: Context) -> tuple[Mapping[str, str], Mapping[str, tuple[int, ...]]]:
    """The reasons, and segment → fields; no field: all of it."""
    dialect, kept = context.dialect, context.memory.kept
    known: tuple[Dialect, Mapping[str, str], Mapping[str, tuple[int, ...]]] | None
    known = kept.get((_of, id(dialect)))
    if known is None or known[0] is not dialect:
        stated = understood(dialect.base, "ignore", dialect.ignore)
        reasons = {place: reason for place, reason in stated.items() if reason}
        known = kept[_of, id(dialect)] = dialect, reasons, _fields(reasons)
    return known[1], known[2]


def _fields(reasons: Mapping[str, str]) -> Mapping[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    whole: set[str] = set()
    for place in reasons:
        name, _, number = place.partition("-")
        if number.isdecimal():
            found[name] = (*found.get(name, ()), int(number))
        elif not number:
            whole.add(name)
    return {**found, **dict.fromkeys(whole, ())}
