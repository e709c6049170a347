"""`_sort`: the order of a result (https://hl7.org/fhir/R4/search.html#sort).

A resource with several values stands where its first one in the wanted direction does; without a
value it stands last in either direction. Equal ones keep the order in which they were first stored.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import total_ordering
from typing import Any

from profiles.issue import NotConformant, NotSupported
from profiles.search.parameters import STANDARD, Parameter, SearchParameters
from profiles.search.terms import Terms, index_terms

#: What a sort key of a resource is; JSON values only, so that a page link can carry it.
Rank = str | float | list[int] | None
#: Sort keys one search may have.
_MOST = 8
_UNSORTED = frozenset({"composite", "special", "text"})


@dataclass(frozen=True, slots=True)
class SortKey:
    """One parameter results are ordered by."""

    name: str
    kind: str
    descending: bool = False
    #: None: the standard's parameter of that name.
    parameter: Parameter | None = field(default=None, compare=False, repr=False)


def parse_sort(
    types: tuple[str, ...], text: str, parameters: SearchParameters = STANDARD
) -> tuple[SortKey, ...]:
    """Read `-date,name`; every parameter has to be one of all `types`.

    Raises NotSupported for parameters nobody can sort by, NotConformant for what is no list.
    """
    keys = []
    for part in text.split(","):
        name = part.removeprefix("-")
        if not name:
            raise NotConformant("_sort is a list of search parameters.")
        found = [one for type_ in types if (one := parameters.of(type_).get(name))]
        kinds = {one.kind for one in found}
        if len(found) != len(types) or len(kinds) != 1 or kinds <= _UNSORTED:
            raise NotSupported("results cannot be sorted by this parameter")
        own = next((one for one in found if one.own), None)
        keys.append(SortKey(name, kinds.pop(), part.startswith("-"), own))
    if len(keys) > _MOST:
        raise NotConformant("_sort has too many parameters.")
    return tuple(keys)


def ranks(resource: dict[str, Any], keys: tuple[SortKey, ...]) -> tuple[Rank, ...]:
    """Return the sort keys of a resource; None where it has no value."""
    own = tuple(key.parameter for key in keys if key.parameter is not None)
    terms = index_terms(resource, frozenset(key.name for key in keys), own)
    return tuple(_rank(terms, key) for key in keys)


def _rank(terms: Terms, key: SortKey) -> Rank:
    values = _values(terms, key)
    if not values:
        return None
    rank: Rank = max(values) if key.descending else min(values)
    return rank


def _values(terms: Terms, key: SortKey) -> list[Any]:
    name, kind = key.name, key.kind
    if kind == "date":
        return [[low, high] for one, low, high in terms.dates if one == name]
    if kind in {"quantity", "number"}:
        return [number for one, _, _, number in terms.quantities if one == name]
    if kind == "token":
        return [code for one, _, code in terms.tokens if one == name]
    pairs = {"string": terms.strings, "reference": terms.references, "uri": terms.uris}[kind]
    return [value for one, value in pairs if one == name]


@total_ordering
@dataclass(frozen=True, slots=True)
class _Reversed:
    value: Any

    def __lt__(self, other: _Reversed) -> bool:
        return bool(other.value < self.value)


def place(
    found: tuple[Rank, ...], number: int, keys: tuple[SortKey, ...]
) -> tuple[tuple[bool, Any], ...]:
    """Return what puts resources in order: comparable, different for each resource."""
    parts: list[tuple[bool, Any]] = []
    for rank, key in zip(found, keys, strict=True):
        if rank is None:
            parts.append((True, 0))
        else:
            parts.append((False, _Reversed(rank) if key.descending else rank))
    last = bool(keys) and keys[-1].descending
    return (*parts, (False, -number if last else number))
