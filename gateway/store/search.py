"""Search: candidates from the search tables, segment by segment, confirmed on the resource.

The tables hold keyed hashes and may name resources that changed since; they only narrow. What a
condition cannot narrow (:not, :missing, :contains, a system alone) is left to the confirmation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from gateway.store.database import Database
from gateway.store.index_key import IndexKey
from gateway.store.index_terms import PREFIX
from gateway.store.trail import SEGMENT_BITS, resources_in
from profiles.search import (
    CompositeValue,
    Condition,
    Criteria,
    DateValue,
    NearValue,
    QuantityValue,
    ReferenceValue,
    StringValue,
    TokenValue,
    UriValue,
)

#: Finds the resources of one segment that one value may mean; None: all of them.
Narrow = Callable[[Database, int], set[int]]

_TERM = "SELECT resources FROM term WHERE segment = ? AND term = ?"
#: Date comparison → what a range must meet at least, with the value's (low, high).
_DATES: dict[str, tuple[str, tuple[str, ...]]] = {
    "eq": ("low >= ? AND low < ?", ("low", "high")),
    "gt": ("high > ?", ("low",)),
    "ge": ("high > ?", ("low",)),
    "sa": ("low >= ?", ("low",)),
    "lt": ("low < ?", ("high",)),
    "le": ("low < ?", ("high",)),
    "eb": ("low < ?", ("high",)),
}
_NUMBERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "eq": ("value >= ? AND value <= ?", ("low", "high")),
    "gt": ("value >= ?", ("low",)),
    "ge": ("value >= ?", ("low",)),
    "sa": ("value >= ?", ("low",)),
    "lt": ("value <= ?", ("high",)),
    "le": ("value <= ?", ("high",)),
    "eb": ("value <= ?", ("high",)),
}


def candidates(db: Database, key: IndexKey, criteria: Criteria, *, after: int) -> Iterator[int]:
    """Return resource numbers above `after` that may meet the criteria, ascending."""
    plans = [plan for one in criteria.conditions if (plan := _plan(key, criteria, one)) is not None]
    if not plans:
        plans = [[_by_term(key.search_term(criteria.resource_type, "", ""))]]
    last = db.query("SELECT max(segment) FROM term")[0][0]
    if last is None:
        return
    for segment in range(max(after, 0) >> SEGMENT_BITS, last + 1):
        found: set[int] | None = None
        for plan in plans:
            meant = {number for narrow in plan for number in narrow(db, segment)}
            found = meant if found is None else found & meant
            if not found:
                break
        yield from sorted(number for number in found or () if number > after)


def _plan(key: IndexKey, criteria: Criteria, condition: Condition) -> list[Narrow] | None:
    """Return what finds each value's candidates; None when the condition narrows nothing."""
    if condition.modifier in {"missing", "not", "contains"}:
        return None
    plan: list[Narrow] = []
    for value in condition.values:
        narrow = _PLANNERS[type(value)](key, criteria.resource_type, condition.name, value)
        if narrow is None:
            return None
        plan += narrow
    return plan


def _token(key: IndexKey, kind: str, name: str, value: Any) -> list[Narrow] | None:
    if value.code is None:
        return None
    text = value.code if value.system is None else f"{value.system}|{value.code}"
    return [_by_term(key.search_term(kind, name, text))]


def _reference(key: IndexKey, kind: str, name: str, value: Any) -> list[Narrow] | None:
    return [_by_term(key.search_term(kind, name, one)) for one in value.keys]


def _uri(key: IndexKey, kind: str, name: str, value: Any) -> list[Narrow] | None:
    return [_by_term(key.search_term(kind, name, value.uri))]


def _string(key: IndexKey, kind: str, name: str, value: Any) -> list[Narrow] | None:
    start = value.folded[:PREFIX]
    if not start:
        return None
    param = key.search_term(kind, name, "\0")
    return [
        lambda db, segment: _numbers(
            db,
            "SELECT resource FROM string_term WHERE segment = ? AND param = ?"
            " AND prefix >= ? AND prefix < ?",
            (segment, param, start, _after(start)),
        )
    ]


def _date(key: IndexKey, kind: str, name: str, value: Any) -> list[Narrow] | None:
    if value.prefix not in _DATES:
        return None
    where, bounds = _DATES[value.prefix]
    return [_by_range(key, kind, name, "date_term", where, [getattr(value, b) for b in bounds])]


def _quantity(key: IndexKey, kind: str, name: str, value: Any) -> list[Narrow] | None:
    if value.prefix not in _NUMBERS:
        return None
    where, bounds = _NUMBERS[value.prefix]
    # A little wider than asked for: the confirmation compares exactly.
    slack = {"low": -1e-9, "high": 1e-9}
    limits = [getattr(value, b) + abs(getattr(value, b)) * slack[b] + slack[b] for b in bounds]
    return [_by_range(key, kind, name, "quantity_term", where, limits)]


def _composite(key: IndexKey, kind: str, _name: str, value: Any) -> list[Narrow] | None:
    """Return what the first part that narrows finds: it has terms under its own parameter."""
    for own, part in zip(value.names, value.parts, strict=True):
        narrow = _PLANNERS[type(part)](key, kind, own, part)
        if narrow is not None:
            return narrow
    return None


def _near(_key: IndexKey, _kind: str, _name: str, _value: Any) -> list[Narrow] | None:
    return None


#: Class of value → what narrows by it.
_PLANNERS: dict[type, Callable[[IndexKey, str, str, Any], list[Narrow] | None]] = {
    TokenValue: _token,
    ReferenceValue: _reference,
    UriValue: _uri,
    StringValue: _string,
    DateValue: _date,
    QuantityValue: _quantity,
    CompositeValue: _composite,
    NearValue: _near,
}


def _by_term(term: int) -> Narrow:
    return lambda db, segment: {
        number
        for (content,) in db.query(_TERM, (segment, term))
        for number in resources_in(segment, bytes(content))
    }


def _by_range(
    key: IndexKey, kind: str, name: str, table: str, where: str, limits: list[int | float]
) -> Narrow:
    param = key.search_term(kind, name, "\0")
    sql = f"SELECT resource FROM {table} WHERE segment = ? AND param = ? AND {where}"  # noqa: S608 - constants
    return lambda db, segment: _numbers(db, sql, (segment, param, *limits))


def _numbers(db: Database, sql: str, params: tuple[object, ...]) -> set[int]:
    return {row[0] for row in db.query(sql, params)}


def _after(start: str) -> str:
    """Return the smallest text behind everything that begins with `start`."""
    return start + "\U0010ffff"
