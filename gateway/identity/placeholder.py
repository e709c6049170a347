"""Placeholder names: patients admitted before anybody knows who they are, newborns, tests.

They never match anybody. The patterns are configuration: shell patterns (`*`, `?`, `[0-9]`) over
the folded name (lower case, ä = ae, punctuation as one blank).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache

from gateway.identity.folding import tokens


@dataclass(frozen=True, slots=True)
class Placeholders:
    """Which names stand for nobody in particular."""

    #: In the family or the given name.
    anywhere: tuple[str, ...] = (
        "unbekannt*",
        "unbek",
        "unknown*",
        "anonym*",
        "n n",
        "nn",
        "noname",
        "no name",
        "ohne name*",
        "namenlos*",
        "notfall*",
        "nofall*",
        "patient",
        "patientin",
        "baby",
        "baby *",
        "neugeboren*",
        "saeugling*",
        "test",
        "test *",
        "test[0-9]*",
        "testpatient*",
        "testperson*",
        "testfall*",
        "dummy*",
        "xx*",
        "zzz*",
        "[0-9]*",
    )
    #: In the given name only; some of them are family names as well.
    given: tuple[str, ...] = (
        "kind",
        "kind *",
        "junge",
        "knabe",
        "knabe *",
        "maedchen",
        "maedchen *",
        "sohn*",
        "tochter*",
        "zwilling*",
        "drilling*",
        "maennlich*",
        "weiblich*",
    )
    #: In the family name only.
    family: tuple[str, ...] = ()


DEFAULT = Placeholders()


def is_placeholder(family: str, given: str, placeholders: Placeholders = DEFAULT) -> bool:
    """Say whether a name is a placeholder; a name without family or given part is one."""
    folded_family, folded_given = " ".join(tokens(family)), " ".join(tokens(given))
    if not folded_family or not folded_given:
        return True
    return _any(folded_family, placeholders.anywhere + placeholders.family) or _any(
        folded_given, placeholders.anywhere + placeholders.given
    )


@lru_cache(maxsize=64)
def _matcher(patterns: tuple[str, ...]) -> re.Pattern[str]:
    # One automaton per table: a name is asked about in every comparison.
    return re.compile("|".join(map(translate, patterns)) or "(?!)")


def _any(text: str, patterns: tuple[str, ...]) -> bool:
    return _matcher(patterns).match(text) is not None
