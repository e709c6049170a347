"""A value set as something to ask: compiled once, then a look into a table per code.

https://hl7.org/fhir/R4/valueset.html#compositions. A code belongs to the set when some include
takes it and no exclude does; within an include the system's part and every value set must agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from profiles.terminology.concept import CodeSystem, Designation
from profiles.terminology.extent import (
    EMPTY,
    Answer,
    Extent,
    Finite,
    difference,
    intersection,
    union,
)


@dataclass(frozen=True, slots=True)
class Members:
    """Which codes of which systems belong: the algebra of value sets."""

    systems: Mapping[str, Extent]
    #: What holds for all other systems: nothing, or nothing known.
    otherwise: Extent = EMPTY

    def of(self, system: str) -> Extent:
        """Return the part of one code system."""
        return self.systems.get(system, self.otherwise)

    def combined(self, other: Members, how: Callable[[Extent, Extent], Extent]) -> Members:
        """Combine system by system."""
        names = [*self.systems, *(one for one in other.systems if one not in self.systems)]
        return Members(
            {one: how(self.of(one), other.of(one)) for one in names},
            how(self.otherwise, other.otherwise),
        )

    def __or__(self, other: Members) -> Members:
        """Codes of either."""
        return self.combined(other, union)

    def __and__(self, other: Members) -> Members:
        """Codes of both."""
        return self.combined(other, intersection)

    def __sub__(self, other: Members) -> Members:
        """Codes of the first that are not in the second."""
        return self.combined(other, difference)


NOBODY = Members({})


def folded(parts: Sequence[Members], how: Callable[[Members, Members], Members]) -> Members:
    """Combine in pairs of pairs, so that many parts do not stand deep in each other."""
    found = list(parts)
    while len(found) > 1:
        pairs = [how(*found[at : at + 2]) for at in range(0, len(found) - 1, 2)]
        found = pairs + found[len(pairs) * 2 :]
    return found[0] if found else NOBODY


@dataclass(frozen=True, slots=True)
class Compiled:
    """A value set, ready to be asked."""

    #: URL with version.
    canonical: str
    members: Members
    #: System → the code systems (one per version) its codes are defined in, where they are there.
    defined: Mapping[str, tuple[CodeSystem, ...]]
    #: System → versions the value set pins; an empty one where it takes any.
    pinned: Mapping[str, frozenset[str]]
    #: (system, code) → designations that the value set itself gives.
    designations: Mapping[tuple[str, str], tuple[Designation, ...]]
    #: Whether inactive codes belong to it (compose.inactive).
    takes_inactive: bool = True
    #: Finite parts, for the fast path.
    tables: dict[str, dict[str, str]] = field(default_factory=dict)

    def member(self, system: str, code: str) -> Answer:
        """Say whether a code belongs to it; an empty system asks for any system."""
        table = self.tables.get(system)
        if table is not None and code in table:
            return True
        if not system:
            return self._of_any_system(code)
        return self._slowly(system, code)

    def written(self, system: str, code: str) -> str:
        """Return the code as its code system writes it, where case is free."""
        for one in self.defined.get(system, ()):
            if (found := one.written(code)) != code:
                return found
        return code

    def systems_with(self, code: str) -> list[str]:
        """Return the systems in which a code belongs to it."""
        return [one for one in self.members.systems if self.member(one, code)]

    @property
    def missing(self) -> frozenset[str]:
        """What would be needed to decide every code."""
        parts = (one.missing for one in self.members.systems.values())
        return self.members.otherwise.missing.union(*parts)

    def _slowly(self, system: str, code: str) -> Answer:
        extent = self.members.of(system)
        answer = extent.test(code)
        if answer is False and (written := self.written(system, code)) != code:
            return extent.test(written)
        return answer

    def _of_any_system(self, code: str) -> Answer:
        answer = self.members.otherwise.test(code)
        for system in self.members.systems:
            found = self._slowly(system, code)
            if found:
                return True
            if found is None:
                answer = None
        return answer


def tables_of(members: Members) -> dict[str, dict[str, str]]:
    """Return the finite parts as plain tables."""
    return {name: e.shown for name, e in members.systems.items() if isinstance(e, Finite)}
