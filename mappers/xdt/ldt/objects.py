"""Objects of LDT 3 that others hold: which is which, time stamps (0054), texts (0068).

What an object is to the one around it is said by the Feldkennung of the line before it (8100 to
8299); its words differ from writer to writer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import cast

from mappers import times
from mappers.drafts import Draft
from mappers.trace import Text, derived, text
from mappers.xdt.group import Group
from mappers.xdt.session import Session

#: Feldkennung → objects it announces.
Parts = dict[str, list[Group]]
_STAMP = re.compile(r"(\d{8})\|(\d{6})\|UTC([+-])(\d{1,2})")
#: Characters of the longest time stamps that are remembered.
_REMEMBERED = 32
#: Feldkennungen of texts that say more about what they stand in.
NOTES = ("8167", "8236", "8238", "8241", "8246", "8247")


def parts(session: Session, group: Group) -> Parts:
    """Objects directly in a group, by the Feldkennung that announces them."""
    fks = session.message.fks
    found: Parts = {}
    for one in group.groups:
        found.setdefault(fks[one.line - 1], []).append(one)
    return found


def only(found: Parts, fk: str) -> Group | None:
    """The first object a Feldkennung announces."""
    held = found.get(fk)
    return held[0] if held else None


def sections(group: Group, leading: str) -> list[Group]:
    """Cut a group at every line of a field, its objects too; what stands before is left out."""
    starts = [cast("int", leaf.source) for fk, leaf in group.entries if fk == leading and leaf]
    made = []
    for number, start in enumerate(starts):
        end = starts[number + 1] if number + 1 < len(starts) else None
        one = Group(group.name, start)
        one.entries = [
            (fk, leaf)
            for fk, leaf in group.entries
            if cast("int", leaf.source) >= start and (end is None or cast("int", leaf.source) < end)
        ]
        one.groups = [g for g in group.groups if g.line > start and (end is None or g.line < end)]
        made.append(one)
    return made


def when(session: Session, stamp: Group | None) -> str | None:
    """A time stamp (0054: 7278 day, 7279 time, 7273 zone) → FHIR dateTime."""
    if stamp is None:
        return None
    day, clock, zone = stamp.first("7278"), stamp.first("7279"), stamp.first("7273")
    if day is not None and clock is not None and zone is not None:
        short = len(day) + len(clock) + len(zone) <= _REMEMBERED
        found = _moment(str(day), str(clock), str(zone)) if short else None
        if found is not None:
            return derived(found, day, clock, zone)
    return session.zoned(day, clock, zone)


@lru_cache(maxsize=4096)
def _moment(day: str, clock: str, zone: str) -> str | None:
    """What is well-formed in all its parts; None leaves it to whoever tells what is wrong."""
    match = _STAMP.fullmatch(f"{day}|{clock}|{zone}")
    if match is None:
        return None
    date, hour, sign, shift = match.groups()
    found = times.moment(f"{date}{hour}{sign}{int(shift):02d}00", "UTC")
    return found.fhir if found is not None else None


def utc(session: Session, stamp: Group | None) -> str:
    """A time stamp as an instant in UTC, comparable as text; empty where there is none."""
    told = len(session.issues)
    stated = when(session, stamp)
    del session.issues[told:]
    found = times.moment(times.to_hl7(stated), session.zone) if stated is not None else None
    return found.utc if found is not None else ""


def instant(session: Session, stamp: Group | None) -> str | None:
    """A time stamp → FHIR instant; parts left out are the earliest ones."""
    stated = when(session, stamp)
    found = times.moment(times.to_hl7(stated), session.zone) if stated is not None else None
    return text(found.instant, stated.source) if found and isinstance(stated, Text) else None


def words(session: Session, group: Group | None) -> str | None:
    """A text (0068: 3564 line by line)."""
    return session.lines(group, "3564") if group is not None else None


def texts(session: Session, groups: Iterable[Group]) -> list[str]:
    """Several texts (0068), those that say something."""
    return [said for one in groups if (said := words(session, one)) is not None]


def note(session: Session, draft: Draft, said: str | None) -> None:
    """Add a text to the notes of a resource, once."""
    if said is not None:
        session.append(draft, "note", {"text": said})


def notes(session: Session, draft: Draft, found: Parts) -> None:
    """8167, 8236, 8238, 8241, 8246, 8247 → notes."""
    for fk in NOTES:
        for said in texts(session, found.get(fk, ())):
            note(session, draft, said)
