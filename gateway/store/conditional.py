"""Conditional interactions: what meets criteria, seen from inside the writer's transaction.

https://hl7.org/fhir/R4/http.html#ccreate. The search tables follow first, so that two callers who
ask at the same time cannot both find nothing.
"""

from __future__ import annotations

from itertools import islice

from gateway.pipeline.ports import Current
from gateway.store import search
from gateway.store.resources import current_by_number
from gateway.store.trail import catch_up
from gateway.store.unit import Unit
from profiles.reading import read_json
from profiles.search import Criteria

#: Candidates confirmed at a time.
_CONFIRM = 64


def matching(unit: Unit, criteria: Criteria, *, organization: str, limit: int) -> list[Current]:
    """Return at most `limit` present resources an organization keeps that meet the criteria."""
    catch_up(unit)
    found: list[Current] = []
    numbers = search.candidates(unit.db, unit.coder, criteria, after=0)
    while len(found) < limit and (batch := list(islice(numbers, _CONFIRM))):
        present = current_by_number(unit, batch, bodies=True)
        found += [
            one
            for number in batch
            if (one := present.get(number)) is not None
            and one.organization == organization
            and one.type == criteria.resource_type
            and not one.deleted
            and criteria.matches(read_json(one.body))
        ]
    return found[:limit]
