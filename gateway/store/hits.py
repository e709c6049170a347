"""Confirmed hits of a search, in the order asked for, from where the last page ended.

Without an order hits come as they were first stored, and a page that is full looks no further. With
one, few candidates are read and sorted; many are walked through in the order of the date table or
of the resources' times, where the order is one of these; else the search costs too much.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from gateway.domain.time import fhir_instant
from gateway.pipeline.documents import load
from gateway.store import lookup, walk
from gateway.store.bodies import Bodies
from gateway.store.database import Database
from gateway.store.index_key import IndexKey
from gateway.store.search import segments
from gateway.store.views import StoredResource
from profiles.issue import Issue, NotConformant
from profiles.search import Criteria, Rank, SortKey, place, ranks

#: Where a hit stands: its sort keys and its store number, JSON values; () is the beginning.
Position = tuple[Any, ...]

#: Candidates confirmed at a time, at most.
CONFIRM = 64
#: Candidates one call looks at before it says where to go on.
LOOKED_AT = 2_000
#: Candidates that are sorted in memory where there is another way, and where there is none.
FEW = 500
MOST = 20_000


@dataclass(frozen=True, slots=True)
class Hit:
    """A resource that meets the criteria."""

    stored: StoredResource
    #: As it leaves: with meta.versionId and meta.lastUpdated.
    resource: dict[str, Any]
    position: Position


@dataclass(frozen=True, slots=True)
class Hits:
    """Some hits in order."""

    found: list[Hit]
    #: Where to go on; () when there is nothing more.
    following: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is searched for."""

    #: At least one; a resource has to meet any.
    criteria: tuple[Criteria, ...]
    order: tuple[SortKey, ...] = ()
    #: Custodians whose resources take part; None: all.
    organizations: frozenset[str] | None = None


def hits(
    db: Database, bodies: Bodies, key: IndexKey, query: Query, *, after: Position, limit: int
) -> Hits:
    """Return at most `limit` hits behind `after`. Raises NotConformant for too costly orders."""
    looked = _Looked(db, bodies, key, query)
    if not query.order:
        return _in_order_of_storing(looked, after, limit)
    walked = walk.possible(query.criteria, query.order)
    few = looked.gathered(FEW) if walked else looked.kept(MOST)
    if few is not None:
        return _sorted(looked, few, after, limit)
    if not walked:
        text = "Too many resources to sort by this parameter; narrow the search."
        raise NotConformant(text, issues=(Issue("error", "too-costly", text),))
    return _walked(looked, after, limit)


@dataclass(frozen=True, slots=True)
class _Looked:
    """One search in one snapshot."""

    db: Database
    bodies: Bodies
    key: IndexKey
    query: Query

    def confirmed(self, numbers: Sequence[int]) -> dict[int, Hit]:
        """Read candidates and return those that are hits."""
        found = {}
        organizations = self.query.organizations
        for one in lookup.present(self.db, self.bodies, numbers, organizations):
            resource = None if one.deleted else with_meta(one)
            if resource is not None and any(c.matches(resource) for c in self.query.criteria):
                order = self.query.order
                at = (*ranks(resource, order), one.number) if order else (one.number,)
                found[one.number] = Hit(one, resource, at)
        return found

    def gathered(self, most: int) -> list[int] | None:
        """Return all candidates; None when they are more."""
        numbers: list[int] = []
        for found in segments(self.db, self.key, self.query.criteria):
            numbers += sorted(found)
            if len(numbers) > most:
                return None
        return numbers

    def kept(self, most: int) -> list[int] | None:
        """Return all candidates that the custodians keep; None when they are more."""
        numbers: list[int] = []
        for found in segments(self.db, self.key, self.query.criteria):
            numbers += self.of_custodians(sorted(found))
            if len(numbers) > most:
                return None
        return numbers

    def of_custodians(self, numbers: Sequence[int]) -> Sequence[int]:
        organizations = self.query.organizations
        if organizations is None:
            return numbers
        rows = self.db.query_in(
            "SELECT resource, organization FROM resource WHERE resource {ints}", numbers
        )
        return sorted(number for number, custodian in rows if custodian in organizations)


def with_meta(stored: StoredResource) -> dict[str, Any]:
    """Read a stored body and add what the store knows: version and time."""
    resource = load(stored.body)
    resource["meta"] = {
        **resource.get("meta", {}),
        "versionId": str(stored.version),
        "lastUpdated": fhir_instant(stored.updated_at),
    }
    return resource


def _in_order_of_storing(looked: _Looked, after: Position, limit: int) -> Hits:
    start = after[-1] if after else 0
    numbers = (
        number
        for found in segments(looked.db, looked.key, looked.query.criteria, after=start)
        for number in sorted(found)
    )
    found: list[Hit] = []
    seen, last = 0, start
    while batch := list(islice(numbers, _batch(limit - len(found)))):
        confirmed = looked.confirmed(batch)
        found += [confirmed[number] for number in batch if number in confirmed]
        seen, last = seen + len(batch), batch[-1]
        if len(found) >= limit:
            return Hits(found[:limit], found[limit - 1].position)
        if seen >= LOOKED_AT:
            return Hits(found, (last,))
    return Hits(found, ())


def _batch(missing: int) -> int:
    """How many to confirm at a time: most candidates are hits."""
    return max(4, min(missing, CONFIRM))


def _sorted(looked: _Looked, numbers: Sequence[int], after: Position, limit: int) -> Hits:
    order = looked.query.order
    found: dict[int, Hit] = {}
    places = []
    for batch in _pieces(numbers):
        for number, hit in looked.confirmed(batch).items():
            places.append((_place(hit.position, order), number))
            if len(numbers) <= FEW:
                found[number] = hit
    places.sort()
    start = _place(after, order) if after else None
    behind = [number for at, number in places if start is None or at > start]
    chosen = behind[:limit]
    missing = [number for number in chosen if number not in found]
    for batch in _pieces(missing):
        found |= looked.confirmed(batch)
    page = [found[number] for number in chosen if number in found]
    return Hits(page, page[-1].position if page and len(behind) > limit else ())


def _walked(looked: _Looked, after: Position, limit: int) -> Hits:
    (key,) = looked.query.order
    candidates = walk.Candidates(looked.db, looked.key, looked.query.criteria)
    steps = walk.steps(candidates, key, after)
    found: list[Hit] = []
    seen = 0
    while batch := list(islice(steps, CONFIRM)):
        confirmed = looked.confirmed([number for _, number in batch])
        found += [
            confirmed[number]
            for rank, number in batch
            if number in confirmed and confirmed[number].position[0] == rank
        ]
        seen += len(batch)
        if len(found) >= limit:
            return Hits(found[:limit], found[limit - 1].position)
        if seen >= LOOKED_AT:
            return Hits(found, batch[-1])
    return Hits(found, ())


def _place(position: Position, order: tuple[SortKey, ...]) -> tuple[Any, ...]:
    *found, number = position
    sort_keys: tuple[Rank, ...] = tuple(found)
    return place(sort_keys, number, order)


def _pieces(numbers: Iterable[int]) -> Iterator[list[int]]:
    iterator = iter(numbers)
    while piece := list(islice(iterator, CONFIRM)):
        yield piece
