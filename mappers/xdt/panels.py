"""Tests that belong together: systolic and diastolic pressure of one moment are one panel."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from mappers.drafts import Draft
from mappers.xdt.group import Group
from mappers.xdt.results import LOINC, Result, observation
from mappers.xdt.session import Session

#: Systolic and diastolic pressure, each with the other.
_OTHER = {"8480-6": "8462-4", "8462-4": "8480-6"}
_PANEL = {
    "coding": [
        {
            "system": LOINC,
            "code": "85354-9",
            "display": "Blood pressure panel with all children optional",
        }
    ],
    "text": "Blutdruck",
}


def observations(
    session: Session, results: Iterable[Result], key: tuple[str, ...], default: str | None
) -> list[Draft]:
    """Tests → Observations; those without a time of their own have that of the report."""
    timed = [one if one.effective else one._replace(effective=default) for one in results]
    waiting: dict[tuple[str, str | None], deque[int]] = {}
    for place, result in enumerate(timed):
        if result.loinc in _OTHER:
            waiting.setdefault((result.loinc, result.effective), deque()).append(place)
    made: list[Draft] = []
    taken: set[int] = set()
    for place, result in enumerate(timed):
        if place in taken:
            continue
        other = _partner(waiting, place, result)
        if other < 0:
            made.append(observation(session, result, key))
            continue
        taken.add(other)
        session.echoes.append(timed[other].effective)
        pair = sorted((result, timed[other]), key=lambda one: one.loinc, reverse=True)
        panel = Result(Group("85354-9", 0), _PANEL, "85354-9", "vital-signs", result.effective, {})
        made.append(observation(session, panel, key, tuple(pair)))
    return made


def _partner(waiting: dict[tuple[str, str | None], deque[int]], place: int, result: Result) -> int:
    """The next pressure of the same moment that makes a panel with this one; -1: none."""
    others = waiting.get((_OTHER.get(result.loinc, ""), result.effective))
    while others and others[0] < place:
        others.popleft()
    return others.popleft() if others else -1
