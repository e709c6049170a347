"""Searches over the words of a resource: `_text` (its narrative) and `_content` (all of it).

https://hl7.org/fhir/R4/search.html#content. How texts are searched is the server's choice: every
word asked for has to begin a word of the text, in any order, as `folded` makes them comparable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from profiles.search.folding import folded

_WORD = re.compile(r"\w+")
_MARKUP = re.compile(r"<[^>]*>")


def has_words(name: str, resource: dict[str, Any], text: str) -> bool:
    """Say whether all words of `text` stand in what the parameter `name` searches."""
    wanted = words(text)
    if not wanted:
        return False
    there = words(_narrative(resource) if name == "_text" else " ".join(_texts(resource)))
    return all(any(one.startswith(word) for one in there) for word in wanted)


def displays(value: Any) -> Iterator[str]:
    """Yield what is printed for a coded value: text of a concept, displays, an identifier's type.

    https://hl7.org/fhir/R4/search.html#token, modifier text.
    """
    if not isinstance(value, dict):
        return
    for coding in value.get("coding", ()):
        yield coding.get("display", "")
    yield value.get("display", "")
    yield value.get("text", "")
    if isinstance(kind := value.get("type"), dict):
        yield from displays(kind)


def words(text: str) -> frozenset[str]:
    """Return the words of a text, made comparable."""
    return frozenset(_WORD.findall(folded(text)))


def _narrative(resource: dict[str, Any]) -> str:
    narrative = resource.get("text")
    shown = narrative.get("div", "") if isinstance(narrative, dict) else ""
    return _MARKUP.sub(" ", shown)


def _texts(value: Any) -> Iterator[str]:
    """Yield all texts of a resource, those of its narrative without their markup."""
    if isinstance(value, str):
        yield _MARKUP.sub(" ", value) if value.startswith("<div") else value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
