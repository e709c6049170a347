"""Where the parts of a resource stand in its JSON text.

https://hl7.org/fhir/R4/json.html. A second pass over the text, for documents about which there is
something to say: it looks into what is looked for and passes over the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from profiles.reading.foreign_json import unquoted
from profiles.reading.wanted import Wanted

_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?'
#: One after another, with white space between them.
TOKEN = re.compile(rf'{_STRING}|[{{}}\[\],:]|[^\s{{}}\[\],:"]++', re.DOTALL)
_OPENING, _CLOSING = frozenset("{["), frozenset("}]")
_SKIM = re.compile(rf"{_STRING}|[{{}}\[\]]", re.DOTALL)
#: How well a member fits: a value is better than its extensions, both are better than a gap.
_VALUE, _BESIDE, _GAP = 3, 1, 0


@dataclass(slots=True)
class _Open:
    """An object or list on the way down."""

    places: list[Wanted] = field(default_factory=list)
    is_list: bool = False
    #: How well a list fits what it stands for; its items fit as well.
    fit: int = _VALUE
    #: Index of the item that comes.
    index: int = 0
    #: Member that comes, and where its name is; -1 before a name.
    name: str = ""
    name_at: int = -1

    def takes_name(self, mark: str, start: int) -> bool:
        """Take what stands before a colon as the name of the member that comes."""
        if self.is_list or self.name_at >= 0:
            return False
        self.name, self.name_at = unquoted(mark), start
        return True

    def value(self, mark: str, start: int) -> _Open:
        """Note where the value is that begins with a mark; return it as what may be opened."""
        fits = self._items(mark, start) if self.is_list else self._members(mark)
        return _Open([*fits], mark == "[", self._fit(mark))

    def _fit(self, mark: str) -> int:
        if mark == "null":
            return _GAP
        return _BESIDE if self.name.startswith("_") else self.fit if self.is_list else _VALUE

    def _items(self, mark: str, start: int) -> Iterator[Wanted]:
        for place in self.places:
            item = place.below.get(self.index)
            if item is not None:
                item.find((start,), self._fit(mark))
                yield item
            if place.has_members:  # an expression may leave the index out
                yield place

    def _members(self, mark: str) -> Iterator[Wanted]:
        for above in self.places:
            for place, exactness in above.named(self.name.removeprefix("_")):
                place.find((self.name_at,), exactness + self._fit(mark))
                yield place
                if mark != "[" and 0 in place.below:
                    place.below[0].find((self.name_at,), exactness + self._fit(mark))
                    yield place.below[0]


def find_in_json(text: str, root: Wanted) -> None:
    """Find places in a document: offsets of members' names and of list items."""
    document = Wanted()
    document.below[0] = root
    stack = [_Open([document], is_list=True)]
    at = 0
    while stack and (match := TOKEN.search(text, at)) is not None:
        mark, at, top = match.group(), match.end(), stack[-1]
        if mark in _CLOSING:
            stack.pop()
        elif mark == ",":
            top.index += 1
            top.name_at = -1
        elif mark != ":" and not top.takes_name(mark, match.start()):
            inner = top.value(mark, match.start())
            if mark in _OPENING and any(place.below for place in inner.places):
                stack.append(inner)
            elif mark in _OPENING:
                at = _passed_over(text, at)


def _passed_over(text: str, at: int) -> int:
    """Return where the object or list ends that was opened before an offset."""
    depth = 1
    while depth and (match := _SKIM.search(text, at)) is not None:
        at = match.end()
        mark = text[match.start()]
        depth += (mark in _OPENING) - (mark in _CLOSING)
    return at
