"""A code system on disk, opened read-only in milliseconds.

Built by `build.py`. Reads are cached in bounded size, so that memory does not grow with the
catalogue. Open it after a fork, not before: SQLite connections may not cross one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote

import orjson

from profiles.reading.limits import refused
from profiles.terminology.code_system import IMPLIED
from profiles.terminology.concept import Concept, Designation, Header, Property
from profiles.terminology.store import schema

#: Concepts and relations kept per store.
_KEPT = 8_192
#: Up to here the codes may be held as a set.
_SMALL = 20_000
_HIERARCHY = frozenset({"parent", "child"})
#: Codes read at once when many are listed or searched: at first, and at most.
_FIRST, _FOUND = 250, 20_000
#: Values of a property asked for at once.
_MOST_VALUES = 500
#: More words are compared, but not searched for.
_MOST_WORDS = 8
_SEARCH = "SELECT code FROM concept WHERE code > ? AND {} ORDER BY code LIMIT ?"
_HAS_WORD = (
    "(code LIKE ? ESCAPE '!' OR display LIKE ? ESCAPE '!'"
    " OR code IN (SELECT code FROM designation WHERE value LIKE ? ESCAPE '!'))"
)


class StoredCodeSystem:
    """One code system of one version, in a SQLite file."""

    is_enumerable = True

    def __init__(self, database: sqlite3.Connection) -> None:
        """Read what the store says about itself. Raises sqlite3.Error, ValueError, KeyError."""
        self._database = database
        self._lock = Lock()
        ((text,),) = self._rows("SELECT value FROM about WHERE name = 'about'", ())
        about = orjson.loads(text)
        self._header = Header(**about["header"])
        self.size = int(about["concepts"])
        self.is_small = self.size <= _SMALL
        self._names = frozenset(about["properties"]) | (IMPLIED - _HIERARCHY)
        if about["hierarchy"]:
            self._names |= _HIERARCHY
        self.concept = lru_cache(_KEPT)(self._concept)
        self.parents = lru_cache(_KEPT)(self._parents)

    @property
    def header(self) -> Header:
        """What it says about itself."""
        return self._header

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def written(self, code: str) -> str:
        """Return the code as the code system writes it, where case is free."""
        if self._header.case_sensitive or self.concept(code) is not None:
            return code
        found = self._rows("SELECT code FROM folded WHERE folded = ?", (code.casefold(),))
        return str(found[0][0]) if found else code

    def codes(self) -> Iterator[str]:
        """Go through all codes, sorted."""
        return self._paged("SELECT code FROM concept WHERE code > ? ORDER BY code LIMIT ?", ())

    def matching(self, words: Sequence[str]) -> Iterator[str]:
        """Go through at least the codes that have every word (without case) in a text; sorted."""
        patterns = [_pattern(one) for one in words[:_MOST_WORDS]]
        values = [pattern for pattern in patterns for _ in range(3)]
        statement = _SEARCH.format(" AND ".join([_HAS_WORD] * len(patterns)))
        # Each statement goes through all designations: better one long page than several.
        return self._paged(statement, tuple(values), first=_FOUND)

    def children(self, code: str) -> tuple[str, ...]:
        """Return the codes right below."""
        found = self._rows("SELECT child FROM parent WHERE parent = ?", (code,))
        return tuple(child for (child,) in found)

    def knows(self, name: str) -> bool:
        """Whether a filter may name this property; hierarchies only where one was loaded."""
        return name in self._names

    def with_value(self, name: str, values: Collection[str]) -> Iterator[str] | None:
        """Go through the codes that have one of the values, sorted; None for implied properties."""
        if name in IMPLIED or not 0 < len(values) <= _MOST_VALUES:
            return None
        marks = ",".join("?" * len(values))
        return self._paged(
            f"SELECT DISTINCT code FROM property WHERE code > ? AND name = ? AND value IN ({marks})"  # noqa: S608 - only marks
            " ORDER BY code LIMIT ?",
            (name, *values),
        )

    def has_group(self, group: str) -> bool:
        """Whether a reference set or answer list was loaded."""
        return bool(self._rows("SELECT 1 FROM member WHERE name = ? LIMIT 1", (group,)))

    def in_group(self, group: str, code: str) -> bool:
        """Whether a code is in a reference set or answer list."""
        return bool(self._rows("SELECT 1 FROM member WHERE name = ? AND code = ?", (group, code)))

    def of_group(self, group: str) -> Iterator[str]:
        """Go through a reference set or answer list, sorted."""
        statement = "SELECT code FROM member WHERE code > ? AND name = ? ORDER BY code LIMIT ?"
        return self._paged(statement, (group,))

    def _paged(
        self, statement: str, values: tuple[str, ...], *, first: int = _FIRST
    ) -> Iterator[str]:
        """Go through the codes of a statement that asks: above which code, values, how many.

        Pages grow: who wants the first few does not wait for many.
        """
        after, most = "", first
        while page := self._rows(statement, (after, *values, most)):
            yield from (code for (code,) in page)
            after, most = page[-1][0], min(most * 4, _FOUND)

    def _concept(self, code: str) -> Concept | None:
        found = self._rows("SELECT display, definition, flags FROM concept WHERE code = ?", (code,))
        if not found:
            return None
        display, definition, flags = found[0]
        return Concept(
            code=code,
            display=display,
            definition=definition,
            inactive=bool(flags & schema.INACTIVE),
            abstract=bool(flags & schema.ABSTRACT),
            properties=self._properties(code) if flags & schema.HAS_PROPERTIES else (),
            designations=self._designations(code) if flags & schema.HAS_DESIGNATIONS else (),
        )

    def _properties(self, code: str) -> tuple[Property, ...]:
        found = self._rows("SELECT name, value FROM property WHERE code = ?", (code,))
        return tuple(Property(name, value) for name, value in found)

    def _designations(self, code: str) -> tuple[Designation, ...]:
        statement = "SELECT value, language, use FROM designation WHERE code = ? ORDER BY rowid"
        return tuple(Designation(*row) for row in self._rows(statement, (code,)))

    def _parents(self, code: str) -> tuple[str, ...]:
        found = self._rows("SELECT parent FROM parent WHERE child = ?", (code,))
        return tuple(parent for (parent,) in found)

    def _rows(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._database.execute(statement, values).fetchall()


def _pattern(word: str) -> str:
    """Write a casefolded word for LIKE, which knows case in ASCII alone: rather too much than less.

    `ss` may have been written `ß`, and one letter may be two without case.
    """
    escaped = "".join(f"!{one}" if one in "!%_" else one for one in word)
    return "%" + "".join(one if one.isascii() else "%" for one in escaped.replace("ss", "%")) + "%"


def open_store(path: Path) -> StoredCodeSystem:
    """Open a store. Raises NotConformant when the file is none, or of another format."""
    database = None
    try:
        database = sqlite3.connect(
            f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1",
            uri=True,
            check_same_thread=False,
        )
        database.execute("PRAGMA trusted_schema = OFF")
        ((application,),) = database.execute("PRAGMA application_id").fetchall()
        ((version,),) = database.execute("PRAGMA user_version").fetchall()
        if (application, version) == (schema.APPLICATION, schema.FORMAT):
            return StoredCodeSystem(database)
    except (sqlite3.Error, ValueError, KeyError, TypeError):
        pass
    if database is not None:
        database.close()
    raise refused(f"{path.name}: this is no terminology store of this version; build it again")
