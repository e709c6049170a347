"""Index terms as bytes: what worker processes make of `profiles.search.Terms`.

Values become keyed hashes here, so neither the pending table nor the search tables hold readable
values, except the beginnings of strings that prefix search needs.

    counts (4 × 32 bit) | terms (int64) | dates (param, low, high) | quantities (param, value)
    | beginnings (param, length, text)
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from profiles.search import UCUM, measure

if TYPE_CHECKING:
    from profiles.search import Measure, Terms

#: Characters of a string's beginning that stay readable.
PREFIX = 16
_COUNTS = struct.Struct(">IIII")
_DATE = struct.Struct(">qqq")
_QUANTITY = struct.Struct(">qd")
_BEGINNING = struct.Struct(">qH")
_TERM = struct.Struct(">q")
_TERM_BYTES = _TERM.size


@dataclass(frozen=True, slots=True)
class IndexTerms:
    """The terms of one resource, as the search tables hold them."""

    terms: tuple[int, ...]
    #: (param, low, high) in microseconds, half-open.
    dates: list[tuple[int, int, int]]
    #: (param, value).
    quantities: list[tuple[int, float]]
    #: (param, beginning).
    prefixes: list[tuple[int, str]]


def token_values(system: str, code: str) -> tuple[str, ...]:
    """Everything a token is found by: `code` and `system|code`."""
    return (code, f"{system}|{code}") if code else ()


def in_base(known: Measure) -> str:
    """Name what stands for a quantity parameter in base units of one dimension."""
    return f"\0ucum {known.dimension}"


# Codes, statuses and systems come again in every message; a pure function may remember them.
@lru_cache(maxsize=32_768)
def search_term(key: bytes, resource_type: str, param: str, value: str) -> int:
    """Return the signed 64 bit term of one value of a search parameter."""
    state = _begun(key, resource_type, param).copy()
    state.update(value.encode())
    term: int = _TERM.unpack(state.digest())[0]
    return term


@lru_cache(maxsize=4_096)
def _begun(key: bytes, resource_type: str, param: str) -> blake2b:
    """Return a hash that has taken in all but the value, to be copied: half the work."""
    text = f"search\0{resource_type}\0{param}\0"
    return blake2b(text.encode(), key=key, digest_size=_TERM_BYTES)


@lru_cache(maxsize=16_384)
def _token_terms(
    key: bytes, resource_type: str, param: str, system: str, code: str
) -> tuple[int, ...]:
    values = token_values(system, code)
    return tuple([search_term(key, resource_type, param, value) for value in values])


def encode(key: bytes, resource_type: str, terms: Terms) -> bytes:
    """Return the index terms of one resource, hashed with the index key."""
    term = search_term
    # One term for the type itself: searches without an indexed condition start from it.
    hashed = {term(key, resource_type, "", "")}
    for param, system, code in terms.tokens:
        hashed.update(_token_terms(key, resource_type, param, system, code))
    for pairs in (terms.references, terms.uris):
        hashed.update([term(key, resource_type, param, value) for param, value in pairs])
    dates = {(term(key, resource_type, p, "\0"), low, high) for p, low, high in terms.dates}
    numbers = set(_numbers(key, resource_type, terms.quantities))
    starts = {(term(key, resource_type, p, "\0"), v[:PREFIX]) for p, v in terms.strings}
    parts = [
        _COUNTS.pack(len(hashed), len(dates), len(numbers), len(starts)),
        struct.pack(f">{len(hashed)}q", *sorted(hashed)),
    ]
    parts += [_DATE.pack(*date) for date in sorted(dates)]
    parts += [_QUANTITY.pack(*number) for number in sorted(numbers)]
    for hashed_param, start in sorted(starts):
        text = start.encode()
        parts += (_BEGINNING.pack(hashed_param, len(text)), text)
    return b"".join(parts)


def _numbers(
    key: bytes, resource_type: str, quantities: Iterable[tuple[str, str, str, float]]
) -> Iterator[tuple[int, float]]:
    """Yield each number as it stands, and in base units where its unit is a known one."""
    for param, system, code, value in quantities:
        yield search_term(key, resource_type, param, "\0"), value
        if system == UCUM and (known := measure(system, code)) is not None:
            term = search_term(key, resource_type, param, in_base(known))
            yield term, known.roughly(value)


def decode(data: bytes) -> IndexTerms:
    """Read what `encode` wrote."""
    count, dates, numbers, starts = _COUNTS.unpack_from(data)
    at = _COUNTS.size + 8 * count
    terms = struct.unpack_from(f">{count}q", data, _COUNTS.size)
    date_rows: list[tuple[int, int, int]] = []
    if dates:
        end = at + dates * _DATE.size
        date_rows, at = list(_DATE.iter_unpack(data[at:end])), end
    quantity_rows: list[tuple[int, float]] = []
    if numbers:
        end = at + numbers * _QUANTITY.size
        quantity_rows, at = list(_QUANTITY.iter_unpack(data[at:end])), end
    prefixes = []
    for _ in range(starts):
        param, length = _BEGINNING.unpack_from(data, at)
        at += _BEGINNING.size
        prefixes.append((param, data[at : at + length].decode()))
        at += length
    return IndexTerms(terms, date_rows, quantity_rows, prefixes)
