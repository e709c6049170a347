"""SQLite: WAL, synchronous=FULL, one writer that owns the file.

https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Literal

from gateway.store.database import Insert, Row, Rows, Update, pieces
from profiles.issue import Unavailable

#: Lists of keys are padded to one of these lengths, so that few statements are prepared.
LIST_SIZES = (1, 4, 16, 64, 256, 1024)
WRITER_CACHE_KIB = 256 * 1024
READER_CACHE_KIB = 16 * 1024
MMAP_BYTES = 8 << 30
#: Pages in the write-ahead log before SQLite checkpoints by itself; the store's own checkpoints
#: come first, in a thread of their own.
AUTOCHECKPOINT_PAGES = 200_000
BUSY_TIMEOUT_MS = 10_000


class SqliteDatabase:
    """One connection to a SQLite file."""

    dialect: Literal["sqlite", "postgresql"] = "sqlite"

    def __init__(self, path: Path, *, writes: bool) -> None:
        """Open the file; `writes` says whether this is the writer's connection."""
        self.path = path
        self._writes = writes
        self._connection = self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        cache = WRITER_CACHE_KIB if self._writes else READER_CACHE_KIB
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            f"cache_size=-{cache}",
            f"mmap_size={MMAP_BYTES}",
            f"wal_autocheckpoint={AUTOCHECKPOINT_PAGES if self._writes else 0}",
            "temp_store=MEMORY",
            "trusted_schema=OFF",
            # Freed pages are overwritten, so that erased rows are not readable in the file.
            "secure_delete=FAST",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        return connection

    def query(self, sql: str, params: Sequence[Any] = ()) -> Rows:
        """Run a statement and return its rows."""
        return self._connection.execute(_local(sql), params).fetchall()

    def query_in(
        self, sql: str, keys: Iterable[Any], before: Sequence[Any] = (), after: Sequence[Any] = ()
    ) -> Rows:
        """Run a statement whose list mark takes `keys`, in pieces when there are many."""
        found: list[Row] = []
        for piece in pieces(keys, LIST_SIZES[-1]):
            size = next(size for size in LIST_SIZES if size >= len(piece))
            params = (*before, *piece, *piece[-1:] * (size - len(piece)), *after)
            found += self._connection.execute(_with_list(sql, size), params).fetchall()
        return found

    def execute_in(self, sql: str, keys: Iterable[Any], before: Sequence[Any] = ()) -> None:
        """Run a statement whose list mark takes `keys`, in pieces when there are many."""
        self.query_in(sql, keys, before)

    def execute(self, sql: str, params: Sequence[Any] = ()) -> None:
        """Run a statement."""
        self._connection.execute(_local(sql), params)

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement once for each row."""
        if rows:
            self._connection.executemany(_local(sql), rows)

    def insert(self, into: Insert, rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows with one prepared statement."""
        if rows:
            self._connection.executemany(_insert(into), rows)

    def update(self, change: Update, rows: Sequence[Sequence[Any]]) -> None:
        """Change rows with one prepared statement."""
        if rows:
            self._connection.executemany(_update(change), rows)

    def begin(self) -> None:
        """Start a transaction with the write lock."""
        self._connection.execute("BEGIN IMMEDIATE")

    def begin_read(self) -> None:
        """Start a read transaction; its first statement fixes the snapshot."""
        self._connection.execute("BEGIN")

    def commit(self) -> None:
        """Commit; returns after the write-ahead log is synced."""
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """Undo the transaction; never raises."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._connection.close()

    def savepoint(self) -> None:
        """Set the job savepoint."""
        self._connection.execute("SAVEPOINT job")

    def release(self) -> None:
        """Keep what was done since the savepoint."""
        self._connection.execute("RELEASE job")

    def rollback_to_savepoint(self) -> None:
        """Undo what was done since the savepoint."""
        self._connection.execute("ROLLBACK TO job")
        self._connection.execute("RELEASE job")

    def is_conflict(self, error: BaseException) -> bool:  # noqa: ARG002 - one writer: never
        """Say whether another process got in between; there is only one writer."""
        return False

    def is_failure(self, error: BaseException) -> bool:
        """Say whether the database itself failed: full disk, I/O error, closed connection."""
        return (
            isinstance(error, sqlite3.OperationalError)
            or type(error) is sqlite3.DatabaseError
            or (isinstance(error, sqlite3.Error) and self._is_closed())
        )

    def _is_closed(self) -> bool:
        try:
            return self._connection.total_changes < 0
        except sqlite3.ProgrammingError:
            return True

    def reopen(self) -> None:
        """Connect anew; what the log still holds is synced before anything is trusted again.

        After a failed fsync the log may hold a commit that is only in the page cache. A complete
        checkpoint syncs it or fails, and as long as it fails the store stays unavailable.
        """
        self.close()
        self._connection = self._connect()
        if self._writes:
            busy, _, _ = self.checkpoint("TRUNCATE")
            if busy:
                raise Unavailable("the write-ahead log cannot be synced yet")

    def checkpoint(self, mode: Literal["PASSIVE", "RESTART", "TRUNCATE"]) -> tuple[int, int, int]:
        """Copy the log into the file: (busy, pages in the log, pages copied)."""
        busy, log, copied = self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        return busy, log, copied

    def backup_to(self, path: Path) -> None:
        """Write a consistent copy with the online backup API."""
        with sqlite3.connect(path) as copy:
            self._connection.backup(copy, pages=2_000)
        copy.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def own(path: Path) -> IO[str]:
    """Take the lock file beside the database; Unavailable when another process owns it.

    The lock goes with the returned file (or with the process), so a crash leaves nothing behind.
    """
    file = path.with_name(path.name + ".lock").open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise Unavailable("another gateway process owns this SQLite store") from error
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


@lru_cache(maxsize=512)
def _local(sql: str) -> str:
    if "{" not in sql:
        return sql
    return sql.replace("{lock}", "").replace("{skip_locked}", "")


@lru_cache(maxsize=2048)
def _with_list(sql: str, size: int) -> str:
    marks = "IN (" + ",".join("?" * size) + ")"
    for name in ("{ints}", "{blobs}", "{texts}"):
        sql = sql.replace(name, marks)
    return _local(sql)


@lru_cache(maxsize=128)
def _insert(into: Insert) -> str:
    return into.sql()


@lru_cache(maxsize=128)
def _update(change: Update) -> str:
    return change.sql()
