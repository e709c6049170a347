"""Places that are looked for in a text, by their FHIRPath expressions.

https://hl7.org/fhir/R4/fhirpath.html. `Bundle.entry[3].resource.name[0].given[1]` leads through
members and list items; a choice (`value`) stands under the name of its type (`valueDate`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from profiles.r4 import facts

#: What a place is below another: a member's name or an item's index.
Step = str | int
_STEP = re.compile(r"([A-Za-z]\w*)((?:\[\d+\])*)\Z")
#: A member with the very name is a better find than a choice of its type.
_EXACT = 4
_LONGEST_NAME = 100
#: Where something is: an offset, or line and column.
At = tuple[int, ...]


class Wanted:
    """One place that is looked for, and those below it."""

    __slots__ = ("above", "below", "fit", "found", "has_members")

    def __init__(self, above: Wanted | None = None) -> None:
        """Make a place below another; without one, the resource itself."""
        self.above = above
        self.below: dict[Step, Wanted] = {}
        #: Something is looked for in it without an index.
        self.has_members = False
        #: Where it was found, and how well that fits.
        self.found: At | None = None
        self.fit = -1

    def find(self, at: At, fit: int) -> None:
        """Take note of where the place is, unless it was found with as good a fit."""
        if fit > self.fit:
            self.found, self.fit = at, fit

    @property
    def nearest(self) -> At | None:
        """Where the place is; where nothing is, the nearest place above it."""
        place: Wanted | None = self
        while place is not None and place.found is None:
            place = place.above
        return place.found if place is not None else None

    def add(self, step: Step) -> Wanted:
        """Return the place a step below, from now on looked for."""
        place = self.below.get(step)
        if place is None:
            place = self.below[step] = Wanted(self)
            self.has_members = self.has_members or isinstance(step, str)
        return place

    def named(self, name: str) -> Iterator[tuple[Wanted, int]]:
        """Go through the places that a member is, with how well its name fits."""
        if not self.below or len(name) > _LONGEST_NAME:
            return
        if name in self.below:
            yield self.below[name], _EXACT
        for at, letter in enumerate(name):
            if letter.isupper() and name[:at] in self.below and name[at:] in _types():
                yield self.below[name[:at]], 0


def wanted(expressions: Iterable[str]) -> tuple[Wanted, dict[str, Wanted]]:
    """Return the root of what is looked for, and the place of each expression.

    Where an expression is no path, the part of it counts that is.
    """
    root = Wanted()
    return root, {one: _place(root, one) for one in dict.fromkeys(expressions)}


def _place(root: Wanted, expression: str) -> Wanted:
    place = root
    for step in _steps(expression):
        place = place.add(step)
    return place


def _steps(expression: str) -> Iterator[Step]:
    """Go through the steps below the resource: `given[1]` is two."""
    for part in expression.split(".")[1:]:
        matched = _STEP.match(part)
        if matched is None:
            return
        yield matched[1]
        yield from (int(one) for one in matched[2][1:-1].split("][") if one)


@cache
def _types() -> frozenset[str]:
    """Ends of the names of choices: `Quantity`, `DateTime`."""
    known = [*facts("primitives"), *facts("elements")["types"]]
    return frozenset(code[0].upper() + code[1:] for code in known)
