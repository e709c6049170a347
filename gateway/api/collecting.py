"""Hits a caller may see: pages of them, all of them, their number.

Every hit passes `access.visible` before it takes part in anything. What the caller sees a part of
is matched once more as it sees it, so that hidden parts find nothing either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.api.access import Seen, custodians, visible
from gateway.api.auth import Identity
from gateway.api.inclusion import Name, pointed_to
from gateway.api.ports import Gateway
from gateway.store.hits import Query
from profiles.issue import Issue, NotConformant
from profiles.search import Condition, Criteria, Parameter, ReferenceValue, SortKey

#: Hits read from the store at a time, and how often one request may read.
_BATCH = 1_000
_ROUNDS = 12
#: The same for those who want all there are.
_ALL_BATCH = 500
#: Hits whose pointing resources are searched at a time, and how many these may be.
_POINTED = 50
_MOST_POINTING = 5_000
_ALL_ROUNDS = 40


@dataclass(frozen=True, slots=True)
class Asker:
    """Who searches, and where."""

    gateway: Gateway
    identity: Identity

    def query(self, criteria: Sequence[Criteria], order: tuple[SortKey, ...] = ()) -> Query:
        """Return what the store is asked: what nobody lets this caller see is not even read."""
        return Query(
            criteria=tuple(criteria),
            order=order,
            organizations=custodians(self.gateway.region(), self.identity),
        )


@dataclass(frozen=True, slots=True)
class LateLink:
    """A chain that leads to too many resources to begin with: asked of each hit instead."""

    #: Each way on: a reference, and what its target has to meet (about itself alone).
    ways: tuple[tuple[Parameter, Criteria], ...]


@dataclass(frozen=True, slots=True)
class LateHas:
    """The same the other way round: what points to each hit."""

    parameter: Parameter
    source: Criteria


Late = tuple[LateLink | LateHas, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Hits in order."""

    seen: list[Seen]
    #: Where the next page starts; () when there is none.
    following: tuple[Any, ...]


async def page(
    asker: Asker, query: Query, *, after: tuple[Any, ...], count: int, late: Late = ()
) -> Page:
    """Fill one page with what the caller may see."""
    seen: list[Seen] = []
    places: dict[int, tuple[Any, ...]] = {}
    for turn in range(_ROUNDS):
        missing = count + 1 - len(seen)
        found, following = await asker.gateway.hits(
            query, after=after, limit=min(missing << turn, _BATCH)
        )
        places |= {one.stored.number: one.position for one in found}
        seen += await _shown(asker, query, [one.stored for one in found], late)
        if len(seen) > count:
            kept = seen[:count]
            return Page(kept, places[kept[-1].stored.number])
        if not following:
            return Page(seen, ())
        after = following
    return Page(seen, after)


async def everything(
    asker: Asker, query: Query, *, most: int, late: Late = ()
) -> list[Seen] | None:
    """Return all hits the caller may see; None when they are more than `most` or cost too much."""
    seen: list[Seen] = []
    after: tuple[Any, ...] = ()
    for _ in range(_ALL_ROUNDS):
        found, following = await asker.gateway.hits(query, after=after, limit=_ALL_BATCH)
        seen += await _shown(asker, query, [one.stored for one in found], late)
        if len(seen) > most:
            return None
        if not following:
            return seen
        after = following
    return None


async def number_of(asker: Asker, query: Query, *, late: Late = ()) -> int | None:
    """Count the hits the caller may see; None when that costs too much."""
    seen = 0
    after: tuple[Any, ...] = ()
    for _ in range(_ALL_ROUNDS):
        found, following = await asker.gateway.hits(query, after=after, limit=_ALL_BATCH)
        seen += len(await _shown(asker, query, [one.stored for one in found], late))
        if not following:
            return seen
        after = following
    return None


async def _shown(asker: Asker, query: Query, found: Sequence[Any], late: Late) -> list[Seen]:
    shown = await visible(asker.gateway, asker.identity, found, channel="search")
    own = asker.identity.organization
    kept = [
        one
        for one in shown
        if one.stored.organization == own
        or any(criteria.matches(one.resource) for criteria in query.criteria)
    ]
    for one in late:
        met = await (_linked if isinstance(one, LateLink) else _pointed)(asker, one, kept)
        kept = [seen for seen in kept if (seen.stored.type, seen.stored.id) in met]
    return kept


async def _linked(asker: Asker, late: Any, seen: Sequence[Seen]) -> set[Name]:
    """Return the hits that lead to a resource the caller may see and that meets the rest."""
    base = asker.gateway.options.base_url
    met: set[Name] = set()
    for parameter, target in late.ways:
        leads = {
            (one.stored.type, one.stored.id): [
                name
                for name in pointed_to(one.resource, parameter, base)
                if name[0] == target.resource_type
            ]
            for one in seen
        }
        wanted = list(dict.fromkeys(name for names in leads.values() for name in names))
        stored = [one for one in await asker.gateway.named(wanted) if not one.deleted]
        ends = {
            (one.stored.type, one.stored.id)
            for one in await visible(asker.gateway, asker.identity, stored, channel="search")
            if target.matches(one.resource)
        }
        met |= {name for name, names in leads.items() if not ends.isdisjoint(names)}
    return met


async def _pointed(asker: Asker, late: Any, seen: Sequence[Seen]) -> set[Name]:
    """Return the hits that something the caller may see, and that meets the rest, points to."""
    base = asker.gateway.options.base_url
    met: set[Name] = set()
    for start in range(0, len(seen), _POINTED):
        names = [f"{one.stored.type}/{one.stored.id}" for one in seen[start : start + _POINTED]]
        keys = ReferenceValue(frozenset([*names, *[f"{base}/{name}" for name in names]]))
        here = Condition(late.parameter.name, "reference", "", (keys,), late.parameter)
        source = Criteria(late.source.resource_type, (here, *late.source.conditions))
        found = await everything(asker, asker.query([source]), most=_MOST_POINTING)
        if found is None:
            raise too_costly("Too many resources point to what is searched; narrow the search.")
        for one in found:
            met.update(pointed_to(one.resource, late.parameter, base))
    return met


def too_costly(text: str) -> NotConformant:
    """Make the error of a search that would cost too much."""
    return NotConformant(text, issues=(Issue("error", "too-costly", text),))
