"""What names a resource: keyed 16 byte terms of logical ids and business identifiers.

The terms fall on random pages of the tree. PostgreSQL takes them as they come (its unique key also
settles races). SQLite's one writer keeps recent ones in memory and in an append-only table, and
merges them into the tree in sorted runs: a page is then written once for many terms.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from itertools import chain, islice

from gateway.store.database import Database, Insert

#: Recent terms at which a merge begins.
MERGE_FROM = 100_000
#: Terms merged in one transaction at least: short enough not to be felt as a pause.
MERGE_SLICE = 1_000
#: Terms merged for each one that came since the last slice, so that a merge ends under any load.
MERGE_PACE = 4
_PAIR = struct.Struct(">16sq")
_INTO_TREE = Insert("identifier", ("term", "resource"), keep_existing=True)
_NEW = Insert("identifier", ("term", "resource"))
_INTO_RECENT = Insert("identifier_recent", ("recent", "content"))


class Identifiers:
    """Terms through one connection; PostgreSQL, and SQLite's readers in other processes."""

    def __init__(self, db: Database) -> None:
        """Use the connection of the caller."""
        self._db = db

    def find(self, terms: Iterable[bytes]) -> dict[bytes, int]:
        """Map terms to resource numbers; unknown ones are left out."""
        return dict(
            self._db.query_in("SELECT term, resource FROM identifier WHERE term {blobs}", terms)
        )

    def add(self, rows: Sequence[tuple[bytes, int]]) -> None:
        """Remember what each term names; a term that names something already keeps it."""
        self._db.insert(_INTO_TREE, sorted(rows))

    def add_new(self, rows: Sequence[tuple[bytes, int]]) -> None:
        """Remember terms of new resources; a race with another process is a conflict."""
        self._db.insert(_NEW, sorted(rows))

    def sweep(self, after: bytes, count: int) -> bytes:
        """Remove terms of resources that no longer exist, among the next `count` in order.

        Returns where to go on, b"" at the end. Until its sweep a term may name a number without
        a resource; whoever writes that resource again uses the number again.
        """
        rows = self._db.query(
            "SELECT term, resource FROM identifier WHERE term > ? ORDER BY term LIMIT ?",
            (after, count),
        )
        present = {
            row[0]
            for row in self._db.query_in(
                "SELECT resource FROM resource WHERE resource {ints}", {row[1] for row in rows}
            )
        }
        self._db.executemany(
            "DELETE FROM identifier WHERE term = ?",
            [(term,) for term, resource in rows if resource not in present],
        )
        return rows[-1][0] if len(rows) == count else b""

    def settle(self) -> bool:
        """Bring a run of recent terms to where `sweep` finds them; say whether more are left."""
        return False

    # memory follows the transaction (nothing to do here)
    def begin(self) -> None:
        """Start a transaction."""

    def savepoint(self) -> None:
        """Set the job savepoint."""

    def undo_job(self) -> None:
        """Undo to the job savepoint."""

    def rollback(self) -> None:
        """Undo the transaction."""

    def committed(self) -> None:
        """Follow a commit."""

    def reload(self) -> None:
        """Read what memory holds from the database."""


class RecentIdentifiers(Identifiers):
    """SQLite's writer: recent terms in memory, merged into the tree now and then.

    Readers of the same process ask `recent` before they begin their snapshot: a term leaves
    `recent` only after the merge that put it into the tree has committed.
    """

    def __init__(self, db: Database) -> None:
        """Load the recent terms."""
        super().__init__(db)
        self.recent: dict[bytes, int] = {}
        self._merging: list[tuple[bytes, int]] = []
        self._merged = 0
        self._merge_until = 0
        self._seen = 0
        self._next = 1
        self._begin = self._savepoint = (0, 1)
        self._known_missing: set[bytes] = set()
        self._dropped = 0
        self.reload()

    def reload(self) -> None:
        """Read the recent terms from their table."""
        self._merging, self._merged = [], 0
        rows = self._db.query("SELECT recent, content FROM identifier_recent ORDER BY recent")
        recent: dict[bytes, int] = {}
        for _, content in rows:
            for term, resource in _PAIR.iter_unpack(content):
                recent.setdefault(term, resource)
        self.recent = recent
        self._next = rows[-1][0] + 1 if rows else 1

    def find(self, terms: Iterable[bytes]) -> dict[bytes, int]:
        """Map terms to resource numbers; unknown ones are left out."""
        recent = self.recent
        wanted = terms if isinstance(terms, set) else set(terms)
        known = recent.keys() & wanted
        found = {term: recent[term] for term in known}
        others = wanted - known if known else wanted
        if others:
            found.update(super().find(others))
            self._known_missing |= others - found.keys()
        return found

    def add(self, rows: Sequence[tuple[bytes, int]]) -> None:
        """Remember what each term names; a term that names something already keeps it."""
        unknown = {term for term, _ in rows} - self._known_missing
        if unknown:
            self.find(unknown)
        missing = self._known_missing
        self.add_new([row for row in rows if row[0] in missing])
        missing -= {term for term, _ in rows}

    def add_new(self, rows: Sequence[tuple[bytes, int]]) -> None:
        """Remember terms of new resources: nobody else writes, so nothing is looked up."""
        recent = self.recent
        added = []
        for row in rows:
            if row[0] not in recent:
                recent[row[0]] = row[1]
                added.append(row)
        if added:
            content = struct.pack(">" + "16sq" * len(added), *chain.from_iterable(added))
            self._db.insert(_INTO_RECENT, [(self._next, content)])
            self._next += 1

    def begin(self) -> None:
        """Start a transaction."""
        self._known_missing.clear()
        self._begin = self._savepoint = (len(self.recent), self._next)

    def savepoint(self) -> None:
        """Set the job savepoint."""
        self._savepoint = (len(self.recent), self._next)

    def undo_job(self) -> None:
        """Undo to the job savepoint."""
        self._back_to(self._savepoint)

    def rollback(self) -> None:
        """Undo the transaction."""
        self._back_to(self._begin)
        # A merge that was undone, even in part, begins anew.
        self._merging, self._dropped = [], 0

    def committed(self) -> None:
        """Let go of terms whose merge has committed; they are the oldest ones."""
        if self._dropped:
            self.recent = dict(islice(self.recent.items(), self._dropped, None))
            self._dropped = 0

    def _back_to(self, mark: tuple[int, int]) -> None:
        size, self._next = mark
        while len(self.recent) > size:
            self.recent.popitem()
        self._known_missing.clear()

    # merging ---------------------------------------------------------------------
    @property
    def wants_merge(self) -> bool:
        """Say whether a merge is under way or should begin."""
        return bool(self._merging) or len(self.recent) >= MERGE_FROM

    def settle(self) -> bool:
        """Bring a run of recent terms to where `sweep` finds them; say whether more are left."""
        if self.recent or self._merging:
            self.merge_slice()
        return bool(self._merging)

    def merge_slice(self) -> None:
        """Merge the next sorted run; after the last one the append-only rows go.

        A crash in between repeats the merge: rows that are in the tree already stay as they are.
        """
        if not self._merging:
            self._merging, self._merged = sorted(self.recent.items()), 0
            self._merge_until = self._next
            self._seen = len(self.recent)
        count = max(MERGE_SLICE, MERGE_PACE * (len(self.recent) - self._seen))
        self._seen = len(self.recent)
        run = self._merging[self._merged : self._merged + count]
        self._db.insert(_INTO_TREE, run)
        self._merged += len(run)
        if self._merged >= len(self._merging):
            self._db.execute("DELETE FROM identifier_recent WHERE recent < ?", (self._merge_until,))
            self._dropped, self._merging = len(self._merging), []
