"""Row numbers: counted in memory by SQLite's one writer, taken in blocks from PostgreSQL."""

from __future__ import annotations

from gateway.store.database import Database
from gateway.store.tables import SEQUENCES

#: Where the highest number of a kind stands.
_TABLES = {
    "message": ("message", "message"),
    "resource": ("resource", "resource"),
    "subject": ("data_key", "subject"),
    "body": ("body", "body"),
    "pending": ("index_pending", "pending"),
    "delivery": ("delivery", "delivery"),
    "lane": ("lane", "lane"),
    "audit": ("audit_event", "audit"),
}
_MARK = "number."


class Numbers:
    """Hands out row numbers that are never used twice, not even by undone transactions."""

    def __init__(self, db: Database) -> None:
        """Read where counting goes on."""
        self._db = db
        #: kind → (next number, end of what may be handed out).
        self._next: dict[str, tuple[int, int]] = {}
        self.reload()

    def reload(self) -> None:
        """Forget blocks (PostgreSQL), read the highest numbers (SQLite)."""
        if self._db.dialect == "postgresql":
            self._next = dict.fromkeys(SEQUENCES, (0, 0))
            return
        marks = {
            key.removeprefix(_MARK): int(value)
            for key, value in self._db.query(
                "SELECT key, value FROM meta WHERE key LIKE 'number.%'"
            )
        }
        if "pending" not in marks:
            # Rows leave index_pending; their numbers live on as batches of the search tables.
            marks["pending"] = self._db.query("SELECT max(batch) FROM term")[0][0] or 0
        for kind, (table, column) in _TABLES.items():
            row = self._db.query(f"SELECT max({column}) FROM {table}")  # noqa: S608 - constants
            highest = max(row[0][0] or 0, marks.get(kind, 0), self._next.get(kind, (1, 0))[0] - 1)
            self._next[kind] = (highest + 1, 1 << 62)

    def take(self, kind: str, count: int) -> list[int]:
        """Reserve `count` numbers of a kind, ascending."""
        first, end = self._next[kind]
        if first + count <= end:
            self._next[kind] = (first + count, end)
            return list(range(first, first + count))
        taken = list(range(first, end))
        block = SEQUENCES[kind]
        blocks = -(-(count - len(taken)) // block)
        starts = self._db.query(
            "SELECT nextval(?) FROM generate_series(1, ?)", (f"{kind}_number", blocks)
        )
        for (start,) in starts:
            taken += range(start, start + block)
            self._next[kind] = (start + block, start + block)
        if len(taken) > count:
            self._next[kind] = (taken[count], taken[-1] + 1)
            del taken[count:]
        return taken

    def remember(self, *kinds: str) -> None:
        """Store high-water marks (default: all): deleting the newest rows then frees no number."""
        if self._db.dialect == "sqlite":
            self._db.executemany(
                "INSERT INTO meta (key, value) VALUES (?, ?)"
                " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                [(_MARK + kind, str(self._next[kind][0] - 1)) for kind in kinds or self._next],
            )
