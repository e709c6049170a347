"""The tree of a message: records, the objects in them, and the fields of both.

A field is (FK, content); the content is a traced value that knows its line. GDT 2.1, BDT and
LDT 2 records are flat: what belongs together follows a leading field (8410, 6302, 6001), which
`sections` cuts out. GDT 3.0 groups lines by 8200/8201, LDT 3 and GDT 3.5 by 8002/8003, nested.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from mappers.trace import Text

Entry = tuple[str, Text]
#: First line and the one behind the last.
Span = tuple[int, int]


class Lines(Protocol):
    """Where a group's fields are read from when somebody asks for them."""

    def contents(self, spans: list[Span]) -> list[Entry]:
        """Return the fields of these lines."""


class Group:
    """The fields of a record, of an object or of a section, and the objects in it."""

    __slots__ = (
        "_entries",
        "_index",
        "_lines",
        "attribute",
        "groups",
        "line",
        "name",
        "spans",
    )

    def __init__(
        self, name: str, line: int, attribute: str = "", lines: Lines | None = None
    ) -> None:
        """Begin a group; `line` is the index of the line that opens it.

        With `lines` its fields are those of its `spans`, else those somebody gives it.
        """
        #: Satzart of a record ("6310"), name of an object ("Obj_Patient", "Obj_0045").
        self.name = name
        #: What the line before an 8002 calls the object, e.g. "Patient"; else empty.
        self.attribute = attribute
        self.line = line
        self._lines = lines
        #: Lines of its own fields, in order.
        self.spans: list[Span] = []
        self._entries: list[Entry] | None = None if lines is not None else []
        #: Objects directly in it, in order.
        self.groups: list[Group] = []
        self._index: dict[str, list[Text]] | None = None

    @property
    def entries(self) -> list[Entry]:
        """Fields of its own, in order."""
        found = self._entries
        if found is None:
            found = self._lines.contents(self.spans) if self._lines is not None else []
            self._entries = found
        return found

    @entries.setter
    def entries(self, entries: list[Entry]) -> None:
        self._entries = entries

    @property
    def fields(self) -> dict[str, list[Text]]:
        """Contents by Feldkennung, in order; those without content are left out."""
        index = self._index
        if index is None:
            index = self._index = {}
            for fk, content in self._entries or self.entries:
                if content:
                    held = index.get(fk)
                    if held is None:
                        index[fk] = [content]
                    else:
                        held.append(content)
        return index

    def all(self, fk: str) -> list[Text]:
        """Return the contents of a field, in order."""
        return (self._index or self.fields).get(fk) or []

    def first(self, fk: str) -> Text | None:
        """Return the first content of a field."""
        found = (self._index or self.fields).get(fk)
        return found[0] if found is not None else None

    def has(self, *fks: str) -> bool:
        """Tell whether one of these fields has content."""
        return not (self._index or self.fields).keys().isdisjoint(fks)

    def walk(self) -> Iterator[Group]:
        """The group and every object in it, outer ones first."""
        yield self
        for group in self.groups:
            yield from group.walk()

    def find(self, *names: str) -> Group | None:
        """Return the first object with one of these names, at any depth."""
        if not self.groups:
            return self if self.name in names else None
        return next((one for one in self.walk() if one.name in names), None)

    def find_all(self, *names: str) -> list[Group]:
        """Return the objects with one of these names, at any depth, in order."""
        if not self.groups:
            return [self] if self.name in names else []
        return [one for one in self.walk() if one.name in names]

    def merged(self, without: tuple[str, ...] = ()) -> Group:
        """Return all fields as one group in the order of their lines; `without` names objects."""
        if not self.groups:
            return self
        made = Group(self.name, self.line, self.attribute)
        made.entries = [*self.entries]
        for group in self.groups:
            if group.name not in without:
                made.entries += group.merged(without).entries
        made.entries.sort(key=lambda entry: entry[1].source)
        return made

    def sections(self, *leading: str, within: Iterable[str] = ()) -> list[Group]:
        """Cut the own fields at every leading field; what stands before the first is left out.

        `within` names the fields that belong to a section: any other one ends it.
        """
        found: list[Group] = []
        if not self.has(*leading):
            return found
        allowed = within if isinstance(within, frozenset) else frozenset(within)
        current: list[Entry] | None = None
        for entry in self.entries:
            fk = entry[0]
            if fk in leading:
                current = [entry]
                found.append(section := Group(self.name, self.line))
                section.entries = current
            elif current is not None:
                if allowed and fk not in allowed:
                    current = None
                else:
                    current.append(entry)
        return found


class Record(Group):
    """A record of a message."""

    __slots__ = ("is_ended", "is_nested")

    def __init__(self, name: str, line: int, lines: Lines) -> None:
        """Begin a record; `line` is the index of its FK 8000."""
        super().__init__(name, line, lines=lines)
        #: It holds objects that nest (8002/8003), and its end came (8001).
        self.is_nested = False
        self.is_ended = False
