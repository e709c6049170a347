"""Characters a partner's character set lacks: written with letters it has, or refused.

Letters with marks lose them (ł → l, č → c), typographic signs become plain ones. A value written
so is another value: it does not count as carried. What no table knows is refused, never "?".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache

from mappers.codes import SHARED, rows
from profiles.issue import NotConformant


class Letters:
    """What can be written in one character set."""

    __slots__ = ("_codec", "_transliterate")

    def __init__(self, codec: str, *, transliterate: bool) -> None:
        """Write in a Python codec; `transliterate` allows other letters for missing ones."""
        self._codec = codec
        self._transliterate = transliterate

    def written(self, leaf: str) -> str:
        """Return the value itself where it can be written, else one without its source.

        Raises NotConformant for a character that is missing and may not or cannot be replaced.
        """
        try:
            leaf.encode(self._codec)
        except UnicodeEncodeError as error:
            found = self._replaced(leaf) if self._transliterate else None
            if found is None:
                raise NotConformant(
                    "the partner's character set lacks a character of the message",
                    location="MSH-18",
                ) from error
            return found
        return leaf

    def _replaced(self, leaf: str) -> str | None:
        """Write every missing character otherwise; None when one has no other form."""
        found: list[str] = []
        for character in unicodedata.normalize("NFC", leaf):
            other = self._other(character)
            if other is None:
                return None
            found.append(other)
        return "".join(found)

    def _other(self, character: str) -> str | None:
        parts = unicodedata.normalize("NFD", character)
        # With fewer and fewer of its marks: ễ, ê, e.
        barer = [unicodedata.normalize("NFC", parts[:n]) for n in range(len(parts) - 1, 0, -1)]
        for candidate in (character, *_plain_forms().get(character, ()), *barer):
            if candidate and self._has(candidate):
                return candidate
        return "" if unicodedata.combining(character) else None

    def _has(self, text: str) -> bool:
        try:
            text.encode(self._codec)
        except UnicodeEncodeError:
            return False
        return True


@cache
def _plain_forms() -> Mapping[str, tuple[str, ...]]:
    """Character → what may stand for it, the nearest form first."""
    found: dict[str, tuple[str, ...]] = {}
    for row in rows(SHARED, "codes", "transliteration"):
        found[row["character"]] = (*found.get(row["character"], ()), row["plain"])
    return found
