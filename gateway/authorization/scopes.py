"""SMART scopes: what a token lets its bearer do, and how they are cut down to what is allowed.

https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html (version 2 with its search
parameters; version 1 `read`, `write` and `*` are read as what they stand for).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

#: Letters in the order the standard writes them.
LETTERS = "cruds"
_VERSION_1 = {"read": "rs", "write": "cud", "*": LETTERS}
_SCOPE = re.compile(
    r"(?P<context>system|user|patient)/(?P<type>\*|[A-Z][A-Za-z]{1,63})"
    r"\.(?P<letters>read|write|\*|[cruds]{1,5})(?:\?(?P<query>[\x21\x23-\x5b\x5d-\x7e]{1,1000}))?"
)


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """One scope: letters on a resource type, perhaps only for what meets a query."""

    #: system, user or patient.
    context: str
    #: A resource type or *.
    type: str
    #: In the order `cruds`.
    letters: str
    #: Search query without the question mark; "" takes all.
    query: str = ""

    def __str__(self) -> str:
        """As it is written in tokens."""
        query = f"?{self.query}" if self.query else ""
        return f"{self.context}/{self.type}.{self.letters}{query}"

    def covers(self, type_: str) -> bool:
        """Whether it speaks about a type."""
        return self.type in ("*", type_)


def read_scope(text: str) -> Scope | None:
    """Read one scope; None for what is no scope on FHIR resources or is written in a wrong order.

    `system/Patient.sr` is refused as the standard asks: letters stand in the order `cruds`.
    """
    match = _SCOPE.fullmatch(text)
    if match is None:
        return None
    letters = _VERSION_1.get(match["letters"], match["letters"])
    if letters != _ordered(letters):
        return None
    return Scope(match["context"], match["type"], letters, match["query"] or "")


@lru_cache(maxsize=1024)
def read_scopes(text: str) -> tuple[Scope, ...]:
    """Read a space-separated list; what is not understood grants nothing and is left out."""
    return tuple(scope for one in text.split() if (scope := read_scope(one)) is not None)


def write_scopes(scopes: Iterable[Scope]) -> str:
    """Write a list as tokens carry it."""
    return " ".join(str(scope) for scope in scopes)


def narrowed(asked: Iterable[Scope], allowed: Iterable[Scope]) -> tuple[Scope, ...]:
    """Return what is asked for and allowed: never more than either of the two."""
    grants = tuple(allowed)
    found = {meet for one in asked for other in grants if (meet := _meet(one, other)) is not None}
    return tuple(sorted(one for one in found if not _within_another(one, found)))


def queries(scopes: Iterable[Scope], type_: str, letters: str) -> tuple[str, ...] | None:
    """Return the queries one of which a resource of a type has to meet, () when it need not.

    None: no scope grants any of the letters on this type.
    """
    found = [one.query for one in scopes if one.covers(type_) and set(letters) & set(one.letters)]
    if not found:
        return None
    return () if "" in found else tuple(dict.fromkeys(found))


def _meet(one: Scope, other: Scope) -> Scope | None:
    if one.context != other.context or not (one.covers(other.type) or other.covers(one.type)):
        return None
    letters = _ordered(set(one.letters) & set(other.letters))
    if not letters:
        return None
    type_ = other.type if one.type == "*" else one.type
    parts = dict.fromkeys(query for query in (one.query, other.query) if query)
    return Scope(one.context, type_, letters, "&".join(parts))


def _within_another(one: Scope, all_of: Iterable[Scope]) -> bool:
    return any(
        other != one
        and other.context == one.context
        and other.covers(one.type)
        and set(one.letters) <= set(other.letters)
        and other.query in ("", one.query)
        for other in all_of
    )


def _ordered(letters: Iterable[str]) -> str:
    present = set(letters)
    return "".join(letter for letter in LETTERS if letter in present)
