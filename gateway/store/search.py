"""Search: candidates from the search tables, segment by segment, confirmed on the resource.

The tables hold keyed hashes and may name resources that changed since; they only narrow. What a
condition cannot narrow (:not, :missing, :contains, a system alone) is left to the confirmation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gateway.store.database import Database
from gateway.store.index_key import IndexKey
from gateway.store.index_terms import PREFIX, in_base
from gateway.store.trail import SEGMENT_BITS, resources_in
from profiles.search import (
    END,
    UCUM,
    AllOf,
    AnyOf,
    CompositeValue,
    Condition,
    Criteria,
    DateValue,
    NearValue,
    Node,
    QuantityValue,
    ReferenceValue,
    StringValue,
    TokenSetValue,
    TokenValue,
    TypedIdentifierValue,
    UriValue,
    measure,
)

#: Finds the resources of one segment that something may mean.
Narrow = Callable[[Database, int], set[int]]
#: What a value comes to: terms that are looked up together, and ranges.
_Found = tuple[list[int], list[Narrow]]

_TERM = "SELECT resources FROM term WHERE segment = ? AND term = ?"
_TERMS = "SELECT resources FROM term WHERE segment = ? AND term {ints}"
_UPDATED = (
    "SELECT resource FROM resource WHERE type = ? AND updated_at >= ? AND updated_at < ? LIMIT ?"
)
#: Resources within a stretch of time that are taken one by one.
_FEW = 2_000
#: Modifiers under which an index says nothing.
_BLIND = frozenset({"missing", "not", "not-in", "contains", "text"})
#: Date comparison → what a range must meet at least, with the value's (low, high).
_DATES: dict[str, tuple[str, tuple[str, ...]]] = {
    "eq": ("low >= ? AND low < ?", ("low", "high")),
    "gt": ("high > ?", ("low",)),
    "ge": ("high > ?", ("low",)),
    "sa": ("low >= ?", ("low",)),
    "lt": ("low < ?", ("high",)),
    "le": ("low < ?", ("high",)),
    "eb": ("low < ?", ("high",)),
    "ap": ("low < ? AND high > ?", ("high", "low")),
}
_NUMBERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "eq": ("value >= ? AND value <= ?", ("low", "high")),
    "ap": ("value >= ? AND value <= ?", ("low", "high")),
    "gt": ("value >= ?", ("low",)),
    "ge": ("value >= ?", ("low",)),
    "sa": ("value >= ?", ("low",)),
    "lt": ("value <= ?", ("high",)),
    "le": ("value <= ?", ("high",)),
    "eb": ("value <= ?", ("high",)),
}


def candidates(db: Database, key: IndexKey, criteria: Criteria, *, after: int) -> Iterator[int]:
    """Return resource numbers above `after` that may meet the criteria, ascending."""
    for found in segments(db, key, (criteria,), after=after):
        yield from sorted(found)


def segments(
    db: Database, key: IndexKey, wanted: Sequence[Criteria], *, after: int = 0
) -> Iterator[set[int]]:
    """Yield for each segment the resources above `after` that may meet any of the criteria."""
    plans = [plan(key, criteria) for criteria in wanted]
    last = db.query("SELECT max(segment) FROM term")[0][0]
    for segment in range(max(after, 0) >> SEGMENT_BITS, -1 if last is None else last + 1):
        found = set().union(*[narrow(db, segment) for narrow in plans])
        yield {number for number in found if number > after}


def plan(key: IndexKey, criteria: Criteria) -> Narrow:
    """Return what narrows criteria, at least to their type."""
    narrow = _all(key, criteria.resource_type, criteria.conditions)
    return narrow or _by_terms([key.search_term(criteria.resource_type, "", "")])


def _node(key: IndexKey, type_: str, node: Node) -> Narrow | None:
    """Return what finds a node's candidates; None when it narrows nothing."""
    if isinstance(node, Condition):
        return _condition(key, type_, node)
    if isinstance(node, AllOf):
        return _all(key, type_, node.nodes)
    if isinstance(node, AnyOf):
        return _any(key, type_, node.nodes)
    return None


def _all(key: IndexKey, type_: str, nodes: Sequence[Node]) -> Narrow | None:
    narrows = [one for node in nodes if (one := _node(key, type_, node)) is not None]
    if len(narrows) <= 1:
        return narrows[0] if narrows else None

    def narrow(db: Database, segment: int) -> set[int]:
        found = narrows[0](db, segment)
        for one in narrows[1:]:
            if not found:
                break
            found &= one(db, segment)
        return found

    return narrow


def _any(key: IndexKey, type_: str, nodes: Sequence[Node]) -> Narrow | None:
    narrows: list[Narrow] = []
    for node in nodes:
        one = _node(key, type_, node)
        if one is None:
            return None
        narrows.append(one)
    return _union(narrows)


def _union(narrows: list[Narrow]) -> Narrow:
    if len(narrows) == 1:
        return narrows[0]
    return lambda db, segment: set().union(*[one(db, segment) for one in narrows])


def _condition(key: IndexKey, type_: str, condition: Condition) -> Narrow | None:
    if condition.parameter is not None and condition.parameter.own:
        return None
    kind, modifier = condition.kind, condition.modifier
    if kind == "text" or modifier in _BLIND or (kind, modifier) == ("uri", "below"):
        return None
    terms: list[int] = []
    narrows: list[Narrow] = []
    for value in condition.values:
        found = _value(key, type_, condition.name, modifier, value)
        if found is None:
            return None
        terms += found[0]
        narrows += found[1]
    return _union([_by_terms(terms), *narrows] if terms or not narrows else narrows)


def _value(key: IndexKey, type_: str, name: str, modifier: str, value: Any) -> _Found | None:
    """Return what finds one value's candidates."""
    if (texts := _texts(value, modifier)) is not None:
        return [key.search_term(type_, name, text) for text in texts], []
    if isinstance(value, CompositeValue):
        return _composite(key, type_, value)
    narrow: Narrow | None = None
    if isinstance(value, StringValue):
        narrow = _string(key, type_, name, value)
    elif isinstance(value, DateValue):
        narrow = _date(key, type_, name, value)
    elif isinstance(value, QuantityValue):
        return _quantity(key, type_, name, value)
    return None if narrow is None else ([], [narrow])


def _texts(value: Any, modifier: str) -> list[str] | None:
    """Return what a token, reference or URI is found by, as `index_terms.encode` writes it."""
    if isinstance(value, TokenValue):
        if value.code is None:
            return None
        return [value.code if value.system is None else f"{value.system}|{value.code}"]
    if isinstance(value, TokenSetValue):
        return [f"{system}|{code}" for system, code in sorted(value.members)]
    if isinstance(value, TypedIdentifierValue):
        return [value.value]
    if isinstance(value, ReferenceValue):
        return sorted(value.keys)
    if isinstance(value, UriValue):
        return _above(value.uri) if modifier == "above" else [value.uri]
    return None


def _above(uri: str) -> list[str]:
    """Return a URL and everything above it in its path."""
    found, start = [uri], uri.find("://") + 3
    at = uri.rfind("/")
    while at >= start > 2:
        found += [uri[:at], uri[: at + 1]]
        at = uri.rfind("/", 0, at)
    return found


def _string(key: IndexKey, type_: str, name: str, value: StringValue) -> Narrow | None:
    start = value.folded[:PREFIX]
    if not start:
        return None
    param = key.search_term(type_, name, "\0")
    return lambda db, segment: _numbers(
        db,
        "SELECT resource FROM string_term WHERE segment = ? AND param = ?"
        " AND prefix >= ? AND prefix < ?",
        (segment, param, start, _after(start)),
    )


def _date(key: IndexKey, type_: str, name: str, value: DateValue) -> Narrow | None:
    if name == "_lastUpdated":
        return _updated(key, type_, value)
    if value.prefix not in _DATES:
        return None
    where, bounds = _DATES[value.prefix]
    param = key.search_term(type_, name, "\0")
    return _by_range(param, "date_term", where, [getattr(value, one) for one in bounds])


def instants(value: DateValue) -> tuple[int, int]:
    """Return [from, to) where the instants that meet a value lie, at least."""
    low = value.low if value.prefix in {"eq", "ap", "gt", "ge", "sa"} else 0
    high = value.high if value.prefix in {"eq", "ap", "lt", "le", "eb"} else END
    return low, high


def _updated(key: IndexKey, type_: str, value: DateValue) -> Narrow:
    """Return what finds resources by their time, where that are few; else all of the type."""
    of_type = _by_terms([key.search_term(type_, "", "")])
    known: list[set[int] | None] = []

    def narrow(db: Database, segment: int) -> set[int]:
        if not known:
            rows = db.query(_UPDATED, (type_, *instants(value), _FEW + 1))
            known.append({row[0] for row in rows} if len(rows) <= _FEW else None)
        if known[0] is None:
            return of_type(db, segment)
        return {number for number in known[0] if number >> SEGMENT_BITS == segment}

    return narrow


def _quantity(key: IndexKey, type_: str, name: str, value: QuantityValue) -> _Found | None:
    """Return what finds the number as it stands, and in base units where the unit is UCUM."""
    if value.prefix not in _NUMBERS:
        return None
    where, bounds = _NUMBERS[value.prefix]
    limits = {bound: getattr(value, bound) for bound in bounds}
    param = key.search_term(type_, name, "\0")
    narrows = [_by_range(param, "quantity_term", where, _widened(limits))]
    known = measure(UCUM, value.code or "") if value.system == UCUM else None
    if known is not None:
        param = key.search_term(type_, name, in_base(known))
        limits = {bound: known.roughly(limit) for bound, limit in limits.items()}
        narrows.append(_by_range(param, "quantity_term", where, _widened(limits)))
    return [], narrows


def _widened(limits: dict[str, float]) -> list[float]:
    """A little wider than asked for: the confirmation compares exactly."""
    slack = {"low": -1e-9, "high": 1e-9}
    return [limit + abs(limit) * slack[bound] + slack[bound] for bound, limit in limits.items()]


def _composite(key: IndexKey, type_: str, value: CompositeValue) -> _Found | None:
    """Return what the first part that narrows finds: it has terms under its own parameter."""
    for own, part in zip(value.names, value.parts, strict=True):
        found = None if isinstance(part, NearValue) else _value(key, type_, own, "", part)
        if found is not None:
            return found
    return None


def _by_terms(terms: list[int]) -> Narrow:
    if len(terms) == 1:
        return lambda db, segment: _resources(segment, db.query(_TERM, (segment, terms[0])))
    return lambda db, segment: _resources(
        segment, db.query_in(_TERMS, terms, before=(segment,)) if terms else ()
    )


def _resources(segment: int, rows: Sequence[tuple[Any, ...]]) -> set[int]:
    return {number for (content,) in rows for number in resources_in(segment, bytes(content))}


def _by_range(param: int, table: str, where: str, limits: list[Any]) -> Narrow:
    sql = f"SELECT resource FROM {table} WHERE segment = ? AND param = ? AND {where}"  # noqa: S608 - constants
    return lambda db, segment: _numbers(db, sql, (segment, param, *limits))


def _numbers(db: Database, sql: str, params: tuple[object, ...]) -> set[int]:
    return {row[0] for row in db.query(sql, params)}


def _after(start: str) -> str:
    """Return the smallest text behind everything that begins with `start`."""
    return start + "\U0010ffff"
