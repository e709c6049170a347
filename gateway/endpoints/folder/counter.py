"""Counters in file names: they begin anew after the highest number, and still have an order.

The numbers present at one time lie close together; the largest gap, taken round the circle, parts
the newest from the oldest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import TypeVar

from gateway.endpoints.folder.names import counted

T = TypeVar("T")


def newest(numbers: Collection[int], highest: int) -> int:
    """Return the number given last, of 1…highest; 0 when there is none."""
    ordered = sorted(set(numbers))
    following = [*ordered[1:], *(ordered[:1])]
    gaps = [
        ((after - number) % highest or highest, number)
        for number, after in zip(ordered, following, strict=True)
    ]
    return max(gaps, default=(0, 0))[1]


def next_after(number: int, highest: int) -> int:
    """Return the number that follows."""
    return number % highest + 1


def ranks(numbers: Collection[int], highest: int) -> dict[int, int]:
    """Return the place of each number in the order they were given, from 0."""
    last = newest(numbers, highest)
    ordered = sorted(set(numbers), key=lambda number: (number <= last, number))
    return {number: place for place, number in enumerate(ordered)}


@dataclass(frozen=True, slots=True)
class Seen:
    """A file of a folder as it was seen."""

    name: str
    size: int
    #: Last change, in nanoseconds.
    changed: int


def in_order(found: Iterable[T], seen: Callable[[T], Seen]) -> list[T]:
    """Order records as they were written: by counter, then by the time of their last change."""
    records = [(seen(one), one) for one in found]
    groups: dict[tuple[str, int], set[int]] = defaultdict(set)
    for record, _ in records:
        if parts := counted(record.name):
            groups[parts[0], parts[2]].add(parts[1])
    places = {key: ranks(numbers, 10 ** key[1]) for key, numbers in groups.items()}

    def place(item: tuple[Seen, T]) -> tuple[int, int, str]:
        record = item[0]
        parts = counted(record.name)
        rank = places[parts[0], parts[2]][parts[1]] if parts else 0
        return rank, record.changed, record.name

    return [one for _, one in sorted(records, key=place)]
