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
from gateway.api.ports import Gateway
from gateway.store.hits import Query
from profiles.issue import Issue, NotConformant
from profiles.search import Criteria, SortKey

#: Hits read from the store at a time, and how often one request may read.
_BATCH = 1_000
_ROUNDS = 12
#: The same for those who want all there are.
_ALL_BATCH = 500
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
class Page:
    """Hits in order."""

    seen: list[Seen]
    #: Where the next page starts; () when there is none.
    following: tuple[Any, ...]


async def page(asker: Asker, query: Query, *, after: tuple[Any, ...], count: int) -> Page:
    """Fill one page with what the caller may see."""
    seen: list[Seen] = []
    places: dict[int, tuple[Any, ...]] = {}
    for turn in range(_ROUNDS):
        missing = count + 1 - len(seen)
        found, following = await asker.gateway.hits(
            query, after=after, limit=min(missing << turn, _BATCH)
        )
        places |= {one.stored.number: one.position for one in found}
        seen += await _shown(asker, query, [one.stored for one in found])
        if len(seen) > count:
            kept = seen[:count]
            return Page(kept, places[kept[-1].stored.number])
        if not following:
            return Page(seen, ())
        after = following
    return Page(seen, after)


async def everything(asker: Asker, query: Query, *, most: int) -> list[Seen] | None:
    """Return all hits the caller may see; None when they are more than `most` or cost too much."""
    seen: list[Seen] = []
    after: tuple[Any, ...] = ()
    for _ in range(_ALL_ROUNDS):
        found, following = await asker.gateway.hits(query, after=after, limit=_ALL_BATCH)
        seen += await _shown(asker, query, [one.stored for one in found])
        if len(seen) > most:
            return None
        if not following:
            return seen
        after = following
    return None


async def number_of(asker: Asker, query: Query) -> int | None:
    """Count the hits the caller may see; None when that costs too much."""
    seen = 0
    after: tuple[Any, ...] = ()
    for _ in range(_ALL_ROUNDS):
        found, following = await asker.gateway.hits(query, after=after, limit=_ALL_BATCH)
        seen += len(await _shown(asker, query, [one.stored for one in found]))
        if not following:
            return seen
        after = following
    return None


async def _shown(asker: Asker, query: Query, found: Sequence[Any]) -> list[Seen]:
    shown = await visible(asker.gateway, asker.identity, found, channel="search")
    own = asker.identity.organization
    return [
        one
        for one in shown
        if one.stored.organization == own
        or any(criteria.matches(one.resource) for criteria in query.criteria)
    ]


def too_costly(text: str) -> NotConformant:
    """Make the error of a search that would cost too much."""
    return NotConformant(text, issues=(Issue("error", "too-costly", text),))
