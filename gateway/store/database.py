"""What the store's statements need from a database: one protocol, two dialects.

A statement that returns nothing may be answered late: what went wrong with it is raised at the next
`query`, at `release` or at `commit`.

Statements are written once, in SQLite's manner (`?`), with three kinds of marks:
`{ints}`, `{blobs}`, `{texts}` stand for a list of keys (`column {ints}`), `{lock}` and
`{skip_locked}` for row locks, which SQLite's single writer does without.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, Protocol, TypeVar

T = TypeVar("T")
Row = tuple[Any, ...]
Rows = list[Row]


@dataclass(frozen=True, slots=True)
class Insert:
    """A bulk insert into one table."""

    table: str
    columns: tuple[str, ...]
    #: True: a row whose key exists is left as it is.
    keep_existing: bool = False

    def sql(self) -> str:
        """Return the statement for one row, with `?` marks."""
        marks = ",".join("?" * len(self.columns))
        end = " ON CONFLICT DO NOTHING" if self.keep_existing else ""
        return f"INSERT INTO {self.table} ({','.join(self.columns)}) VALUES ({marks}){end}"  # noqa: S608 - names are our own constants


@dataclass(frozen=True, slots=True)
class Update:
    """A bulk update of one table; no key comes twice in its rows."""

    table: str
    #: What is set; the rows have these values first.
    columns: tuple[str, ...]
    #: Names the row that is changed; the last value of each.
    key: str

    def sql(self) -> str:
        """Return the statement for one row, with `?` marks."""
        values = ", ".join(f"{column} = ?" for column in self.columns)
        return f"UPDATE {self.table} SET {values} WHERE {self.key} = ?"  # noqa: S608 - names are our own constants


class Database(Protocol):
    """One connection; used by one thread at a time."""

    dialect: Literal["sqlite", "postgresql"]

    def query(self, sql: str, params: Sequence[Any] = ()) -> Rows:
        """Run a statement and return its rows."""

    def query_in(
        self, sql: str, keys: Iterable[Any], before: Sequence[Any] = (), after: Sequence[Any] = ()
    ) -> Rows:
        """Run a statement whose list mark takes `keys`, in pieces when there are many."""

    def execute_in(self, sql: str, keys: Iterable[Any], before: Sequence[Any] = ()) -> None:
        """Run a statement without rows whose list mark takes `keys`."""

    def execute(self, sql: str, params: Sequence[Any] = ()) -> None:
        """Run a statement."""

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement once for each row."""

    def insert(self, into: Insert, rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows the fastest way there is."""

    def update(self, change: Update, rows: Sequence[Sequence[Any]]) -> None:
        """Change rows the fastest way there is."""

    def begin(self) -> None:
        """Start a transaction (SQLite: with the write lock)."""

    def begin_read(self) -> None:
        """Start a read-only transaction that sees one snapshot."""

    def commit(self) -> None:
        """Commit durably: return only after fsync."""

    def rollback(self) -> None:
        """Undo the transaction; never raises."""

    def savepoint(self) -> None:
        """Set the job savepoint."""

    def release(self) -> None:
        """Keep what was done since the savepoint; raises what went wrong in it."""

    def rollback_to_savepoint(self) -> None:
        """Undo what was done since the savepoint."""

    def is_conflict(self, error: BaseException) -> bool:
        """Say whether another process got in between: the same work may succeed now."""

    def is_failure(self, error: BaseException) -> bool:
        """Say whether the database itself failed (disk, connection), not the job."""

    def reopen(self) -> None:
        """Connect anew after a failure."""

    def close(self) -> None:
        """Close the connection."""


def pieces(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Split into lists of at most `size`."""
    iterator = iter(items)
    while piece := list(islice(iterator, size)):
        yield piece
