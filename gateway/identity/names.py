"""Compatible names: may two records with these names be the same person?

Only asked when KVNR and birth date agree already. Careful on one side: twins share family name
and birth date, and newborns share their mother's KVNR, so the given name has to agree in full.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Protocol

from gateway.identity.folding import cologne, plain_tokens, spelling, tokens


class Named(Protocol):
    """Anybody with a name; an attribute `birth_family` is used where there is one."""

    @property
    def family(self) -> str:
        """Family name with prefix words and additions."""

    @property
    def given(self) -> str:
        """Given names in order."""


@cache
def particles() -> frozenset[str]:
    """Words in front of a family name that records have or lack, folded.

    Vorsatzworte and Namenszusätze (DEÜV annexes 6 and 7) taken apart into words, and academic
    titles; `name_particles.csv`.
    """
    table = files("gateway.identity").joinpath("name_particles.csv").read_text("utf-8")
    return frozenset(row["word"] for row in csv.DictReader(table.splitlines()))


def compatible_names(one: Named, other: Named) -> bool:
    """Say whether two names may be one person's.

    Family names: equal after folding, one a part of the other's double name, equal to the other's
    birth name, or of the same sound. Given names: the shorter list begins the longer one.
    """
    return compatible_given(one.given, other.given) and compatible_family(one, other)


def compatible_given(one: str, other: str) -> bool:
    """Given names: equal in order as far as both go (Hans-Peter and Hans, not Anna and Maria)."""
    return any(_begins(split(one), split(other)) for split in (tokens, plain_tokens))


def _begins(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    first, second = [spelling(word) for word in one], [spelling(word) for word in other]
    if not first or not second:
        return False
    shared = min(len(first), len(second))
    return first[:shared] == second[:shared] or "".join(first) == "".join(second)


def compatible_family(one: Named, other: Named) -> bool:
    """Family names, each also by its birth name where one is known."""
    return any(
        _same_family(first, second) for first in _families(one) for second in _families(other)
    )


def _families(named: Named) -> list[str]:
    # Not every format knows birth names, so not every kind of facts has them.
    known = (named.family, getattr(named, "birth_family", ""))
    return [family for family in known if family]


def _same_family(one: str, other: str) -> bool:
    return any(_parts_agree(split(one), split(other)) for split in (tokens, plain_tokens))


def _parts_agree(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Compare with and without the words in front: Graf is an addition and a family name."""
    if not one or not other:
        return False
    if "".join(one) == "".join(other):
        return True
    bare_one, bare_other = _bare(one), _bare(other)
    return any(
        _contained(first, second, same)
        for first, second in ((one, other), (bare_one, bare_other))
        for same in (_equal, _sounds_equal)
    )


def _bare(words: tuple[str, ...]) -> tuple[str, ...]:
    """Without leading particles, but never without everything."""
    for position, word in enumerate(words):
        if word not in particles():
            return words[position:]
    return words[-1:]


def _contained(
    one: tuple[str, ...], other: tuple[str, ...], same: Callable[[str, str], bool]
) -> bool:
    shorter, longer = sorted((one, other), key=len)
    real = [word for word in shorter if word not in particles()] or list(shorter)
    return all(any(same(word, candidate) for candidate in longer) for word in real)


def _equal(one: str, other: str) -> bool:
    return one == other


def _sounds_equal(one: str, other: str) -> bool:
    # One digit (Au, Ehe, Oye) says too little.
    code = cologne(one)
    return len(code) > 1 and len(one) > 2 and len(other) > 2 and code == cologne(other)
