"""Candidates of a search in the order of a date, without reading all of them.

The date table is clustered by segment, parameter and time, so each segment gives its part in order
and the parts are merged; resources without the date come last. `_lastUpdated` has its own index. A
row may be of a former version: who reads the resource compares its rank with the present one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge
from typing import Any

from gateway.store.database import Database
from gateway.store.index_key import IndexKey
from gateway.store.search import instants, plan
from gateway.store.trail import SEGMENT_BITS
from profiles.search import BEGINNING, END, Condition, Criteria, DateValue, SortKey

#: The parameter that is no date of the resource's content.
UPDATED = "_lastUpdated"

#: (rank, resource number).
Step = tuple[list[int] | None, int]
#: Rows read at first from each segment, and later.
_FIRST, _LATER = 64, 1_024


class Candidates:
    """What may meet the criteria, segment by segment, each looked up once."""

    def __init__(self, db: Database, key: IndexKey, criteria: tuple[Criteria, ...]) -> None:
        """Plan; nothing is read yet."""
        self.db = db
        self.key = key
        self.criteria = criteria
        self._plans = [plan(key, one) for one in criteria]
        #: Nothing but a type: what is walked through has it.
        self._all = not any(one.conditions for one in criteria)
        self._found: dict[int, set[int]] = {}

    def of(self, segment: int) -> set[int]:
        """Return the candidates of one segment."""
        known = self._found.get(segment)
        if known is None:
            known = set().union(*[narrow(self.db, segment) for narrow in self._plans])
            self._found[segment] = known
        return known

    def has(self, number: int) -> bool:
        """Say whether a resource of these types is a candidate."""
        return self._all or number in self.of(number >> SEGMENT_BITS)

    def count(self) -> int:
        """Return the number of segments there are."""
        last = self.db.query("SELECT max(segment) FROM term")[0][0]
        return 0 if last is None else int(last) + 1


def possible(criteria: Sequence[Criteria], order: Sequence[SortKey]) -> bool:
    """Say whether an order can be walked through."""
    if len(order) != 1 or order[0].kind != "date" or order[0].parameter is not None:
        return False
    return len(criteria) == 1 or order[0].name == UPDATED


def steps(candidates: Candidates, key: SortKey, after: tuple[Any, ...]) -> Iterator[Step]:
    """Yield candidates behind `after` in order; one with several dates comes several times."""
    if not after or after[0] is not None:
        yield from _dated(candidates, key, after)
    if key.name == UPDATED:
        return
    yield from _undated(candidates, key, after if after and after[0] is None else ())


def _dated(candidates: Candidates, key: SortKey, after: tuple[Any, ...]) -> Iterator[Step]:
    start = (*after[0], after[1]) if after else _limit(descending=key.descending)
    if key.name == UPDATED:
        streams = [_updated(candidates, key, one, start) for one in candidates.criteria]
    else:
        streams = [_rows(candidates, key, segment, start) for segment in range(candidates.count())]
    for low, high, number in merge(*streams, reverse=key.descending):
        if candidates.has(number):
            yield [low, high], number


def _limit(*, descending: bool) -> tuple[int, int, int]:
    edge = 2 * END if descending else 2 * BEGINNING
    bound = max(min(edge, 2**63 - 1), -(2**63))
    return bound, bound, bound


def _rows(
    candidates: Candidates, key: SortKey, segment: int, start: tuple[int, int, int]
) -> Iterator[tuple[int, int, int]]:
    """Yield one segment's rows of the date table behind `start`, in order."""
    param = candidates.key.search_term(candidates.criteria[0].resource_type, key.name, "\0")
    sign, way = ("<", "DESC") if key.descending else (">", "ASC")
    sql = (
        "SELECT low, high, resource FROM date_term WHERE segment = ? AND param = ?"  # noqa: S608 - constants
        f" AND (low, high, resource) {sign} (?, ?, ?)"
        f" ORDER BY low {way}, high {way}, resource {way} LIMIT ?"
    )
    size = _FIRST
    while True:
        rows = candidates.db.query(sql, (segment, param, *start, size))
        yield from rows
        if len(rows) < size:
            return
        start, size = rows[-1], _LATER


def _updated(
    candidates: Candidates, key: SortKey, criteria: Criteria, start: tuple[int, int, int]
) -> Iterator[tuple[int, int, int]]:
    """Yield resources of a type behind `start` by their time, as far as the criteria allow."""
    low, high = _bounds(criteria)
    at, _, number = start
    sign, way = ("<", "DESC") if key.descending else (">", "ASC")
    sql = (
        "SELECT updated_at, resource FROM resource WHERE type = ?"  # noqa: S608 - constants
        f" AND updated_at >= ? AND updated_at < ? AND (updated_at, resource) {sign} (?, ?)"
        f" ORDER BY updated_at {way}, resource {way} LIMIT ?"
    )
    size = _FIRST
    while True:
        rows = candidates.db.query(sql, (criteria.resource_type, low, high, at, number, size))
        yield from ((one, one + 1, resource) for one, resource in rows)
        if len(rows) < size:
            return
        (at, number), size = rows[-1], _LATER


def _bounds(criteria: Criteria) -> tuple[int, int]:
    """Return [from, to) where `_lastUpdated` has to lie."""
    low, high = 0, END
    for node in criteria.conditions:
        if isinstance(node, Condition) and node.name == UPDATED and len(node.values) == 1:
            (value,) = node.values
            if isinstance(value, DateValue):
                first, last = instants(value)
                low, high = max(low, first), min(high, last)
    return low, high


def _undated(candidates: Candidates, key: SortKey, after: tuple[Any, ...]) -> Iterator[Step]:
    """Yield what the date table does not know, and what may have lost its date since."""
    param = candidates.key.search_term(candidates.criteria[0].resource_type, key.name, "\0")
    many = range(candidates.count())
    for segment in reversed(many) if key.descending else many:
        dated = {
            row[0]
            for row in candidates.db.query(
                "SELECT resource FROM date_term WHERE segment = ? AND param = ?", (segment, param)
            )
        }
        found = candidates.of(segment)
        changed = candidates.db.query_in(
            "SELECT resource FROM resource WHERE version > 1 AND resource {ints}",
            sorted(found & dated),
        )
        for number in sorted((found - dated) | {row[0] for row in changed}, reverse=key.descending):
            if not after or (number < after[1] if key.descending else number > after[1]):
                yield None, number
