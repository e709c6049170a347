"""Where a text that is refused as JSON is faulty: RFC 8259, RFC 7493.

A second pass over the text, only for who wants to show its reader the place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from profiles.issue import NotConformant
from profiles.reading import foreign_json as door
from profiles.reading.json_positions import TOKEN
from profiles.reading.limits import TOO_DEEP, Limits

_COLON = re.compile(r"\s*+:")
_PAIRS = {"{": "}", "[": "]"}
_CONSTANTS = frozenset({"NaN", "Infinity", "-Infinity"})


class _Seen(NamedTuple):
    """One token and where it stands."""

    token: str
    start: int
    #: How many brackets are open.
    depth: int
    #: A member's name that its object has already.
    is_again: bool = False
    #: A bracket that closes another one or none.
    is_astray: bool = False


def fault_at(text: str, refusal: str, limits: Limits) -> int | None:
    """Return the offset of the first fault refused with this sentence; None where it has none."""
    test = _TESTS.get(refusal)
    if test is None:
        return None
    for seen in _tokens(text):
        if test(seen, limits):
            return seen.start
    return len(text) if refusal == door.MISMATCH else None


def _tokens(text: str) -> Iterator[_Seen]:
    open_: list[tuple[str, set[str]]] = []
    for match in TOKEN.finditer(text):
        token, start = match.group(), match.start()
        is_again = is_astray = False
        if token in _PAIRS:
            open_.append((_PAIRS[token], set()))
        elif token in {"}", "]"}:
            is_astray = not open_ or open_.pop()[0] != token
        elif open_ and token.startswith('"') and _COLON.match(text, match.end()):
            name, names = door.unquoted(token), open_[-1][1]
            is_again = name in names
            names.add(name)
        yield _Seen(token, start, len(open_), is_again, is_astray)


def _refused_with(refusal: str) -> Callable[[_Seen, Limits], bool]:
    """Let the door look at a text or number again."""

    def test(seen: _Seen, limits: Limits) -> bool:
        try:
            door.check_literal(seen.token, limits)
        except NotConformant as error:
            return error.text == refusal
        return False

    return test


_TESTS: dict[str, Callable[[_Seen, Limits], bool]] = {
    door.SAME_NAME: lambda seen, _limits: seen.is_again,
    door.MISMATCH: lambda seen, _limits: seen.is_astray,
    TOO_DEEP: lambda seen, limits: seen.depth > limits.depth,
    door.NO_NUMBER: lambda seen, _limits: seen.token in _CONSTANTS,
    **{
        one: _refused_with(one)
        for one in (door.LONG_NUMBER, door.OUT_OF_RANGE, door.FORBIDDEN_TEXT, door.LONG_TEXT)
    },
}
