"""Which codes of one code system belong to a set: three answers, and the algebra of sets.

Yes, no, and None where a code system is missing that could say it (Kleene's logic). Finite sets
stay sets; everything else is a rule that is asked per code and never written out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from profiles.reading.limits import refused

Answer = bool | None
#: Simple rules that one question may have to ask.
_HEAVIEST = 10_000
_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Finite:
    """Exactly these codes, in order, with the display the value set gives them ("" = none)."""

    shown: dict[str, str]
    missing: frozenset[str] = field(default=_NOTHING, init=False)
    endless: bool = field(default=False, init=False)
    weight: int = field(default=1, init=False)

    @property
    def size(self) -> int | None:
        """How many codes it has."""
        return len(self.shown)

    def test(self, code: str) -> Answer:
        """Say whether a code belongs to it."""
        return code in self.shown

    def each(self) -> Iterator[str]:
        """Go through the codes."""
        return iter(self.shown)


@dataclass(frozen=True, slots=True)
class Rule:
    """Codes decided one by one."""

    test: Callable[[str], Answer]
    #: Goes through the codes for which `test` says yes, each once.
    each: Callable[[], Iterator[str]]
    #: Code systems and value sets (canonical) that would be needed to decide every code.
    missing: frozenset[str] = _NOTHING
    #: Decided by a grammar: `each` cannot give its codes.
    endless: bool = False
    #: Simple rules it is made of.
    weight: int = 1
    #: How many codes it has, where that is known without going through them.
    size: int | None = None


Extent = Finite | Rule
EMPTY = Finite({})


def unknown(*missing: str) -> Extent:
    """Return the set of which nothing is known, and what is missing to know it."""
    return Rule(lambda _code: None, lambda: iter(()), frozenset(missing))


def union(one: Extent, other: Extent) -> Extent:
    """Codes of either."""
    if _is_empty(one) or one is other:
        return other
    if _is_empty(other):
        return one
    if isinstance(one, Finite) and isinstance(other, Finite):
        return Finite({**one.shown, **{c: s for c, s in other.shown.items() if c not in one.shown}})

    def test(code: str) -> Answer:
        first = one.test(code)
        if first:
            return True
        second = other.test(code)
        return True if second else (None if first is None or second is None else False)

    def each() -> Iterator[str]:
        yield from one.each()
        yield from (code for code in other.each() if not one.test(code))

    endless = one.endless or other.endless
    return Rule(test, each, one.missing | other.missing, endless, _weight(one, other))


def intersection(one: Extent, other: Extent) -> Extent:
    """Codes of both."""
    if _is_empty(one) or _is_empty(other):
        return EMPTY
    if isinstance(one, Finite) and isinstance(other, Finite):
        return Finite(
            {
                code: shown or other.shown[code]
                for code, shown in one.shown.items()
                if code in other.shown
            }
        )
    # Going through a finite side first keeps expansion small.
    first, second = (one, other) if isinstance(one, Finite) else (other, one)

    def test(code: str) -> Answer:
        left = first.test(code)
        if left is False:
            return False
        right = second.test(code)
        return False if right is False else (None if left is None or right is None else True)

    return Rule(
        test,
        lambda: (code for code in first.each() if second.test(code)),
        one.missing | other.missing,
        first.endless,
        _weight(one, other),
    )


def difference(one: Extent, other: Extent) -> Extent:
    """Codes of the first that are not in the second."""
    if _is_empty(one) or _is_empty(other):
        return one
    if isinstance(one, Finite) and isinstance(other, Finite):
        return Finite({code: s for code, s in one.shown.items() if code not in other.shown})

    def test(code: str) -> Answer:
        left = one.test(code)
        if left is False:
            return False
        right = other.test(code)
        return False if right else (None if left is None or right is None else True)

    return Rule(
        test,
        lambda: (code for code in one.each() if other.test(code) is False),
        one.missing | other.missing,
        one.endless,
        _weight(one, other),
    )


def _weight(one: Extent, other: Extent) -> int:
    weight = one.weight + other.weight
    if weight > _HEAVIEST:
        raise refused("the value set is made of too many parts", code="too-costly")
    return weight


def _is_empty(extent: Extent) -> bool:
    return isinstance(extent, Finite) and not extent.shown
