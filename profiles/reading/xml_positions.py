"""Where elements stand in the text of an XML document, in lines and columns.

Only for documents that `read_xml` let in: they have no document type, hence no entities. It is a
pass of its own, because the reader's parser keeps lines only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import NamedTuple
from xml.parsers import expat

from profiles.reading.wanted import Wanted


class Position(NamedTuple):
    """Line and column in characters, both from 1 on."""

    line: int
    column: int


#: What is told of each start tag: its local name and where it stands.
Start = Callable[[str, Position], None]


class Enough(Exception):
    """Raised by a listener that knows all it wants."""


def element_positions(data: bytes, numbers: Collection[int]) -> dict[int, Position]:
    """Return where elements stand, by their numbers in document order from 0 on."""
    found: dict[int, Position] = {}
    number = -1
    last = max(numbers, default=-1)

    def start(_name: str, at: Position) -> None:
        nonlocal number
        number += 1
        if number in numbers:
            found[number] = at
        if number >= last:
            raise Enough

    walk(data, start, _nothing)
    return found


class _Open(NamedTuple):
    """An element on the way down: the places it is, and how often each name came in it."""

    places: list[Wanted]
    counts: Counter[str]

    def inner(self, name: str, at: Position) -> list[Wanted]:
        """Note where an element in it is; return the places that it is."""
        index = self.counts[name]
        self.counts[name] += 1
        found: list[Wanted] = []
        for above in self.places:
            for place, exactness in above.named(name):
                places = [place, place.below[index]] if index in place.below else [place]
                for one in places:
                    one.find(at, exactness)
                found += places
        return found


def find_in_xml(data: bytes, root: Wanted) -> None:
    """Find places in a document that read_xml let in: positions of start tags."""
    stack: list[_Open] = []

    def start(name: str, at: Position) -> None:
        if not stack:
            root.find(at, 0)
            places = [root]
        elif name[0].isupper():  # a resource in the element that holds it
            places = stack[-1].places
        else:
            places = stack[-1].inner(name, at)
        stack.append(_Open(places, Counter()))

    walk(data, start, stack.pop)


def walk(data: bytes, start: Start, end: Callable[[], object]) -> None:
    """Go through the start and end tags of a document until a listener has enough."""
    parser = expat.ParserCreate(namespace_separator=" ")

    def started(name: str, _attributes: object) -> None:
        at = Position(parser.CurrentLineNumber, parser.CurrentColumnNumber + 1)
        start(name.rpartition(" ")[2], at)

    parser.StartElementHandler = started
    parser.EndElementHandler = lambda _name: end()
    parser.StartDoctypeDeclHandler = _refuse
    with suppress(Enough, expat.ExpatError):  # what one parser takes, another may not
        parser.Parse(data, True)  # noqa: FBT003 - expat's own signature


def _refuse(*_declaration: object) -> None:
    """A document type never comes so far; expat would expand its entities."""
    raise Enough


def _nothing() -> None:
    """Take no notice of an end."""
