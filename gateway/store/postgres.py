"""PostgreSQL through psycopg 3; several gateway processes share one database.

https://www.postgresql.org/docs/15/wal-async-commit.html (synchronous_commit is set per session).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Literal

import psycopg
from psycopg import errors

from gateway.store.database import Insert, Rows

#: From this many rows on COPY is faster than prepared inserts.
COPY_FROM = 6
_TYPES = {"{ints}": "int8", "{blobs}": "bytea", "{texts}": "text"}
_ARRAYS: dict[type, str] = {
    int: "int8",
    float: "float8",
    str: "text",
    bytes: "bytea",
    bytearray: "bytea",
}
_CONFLICTS = (
    errors.UniqueViolation,
    errors.DeadlockDetected,
    errors.SerializationFailure,
)
#: Longest wait for somebody else's lock; then the store is unavailable, and a stop is not held up.
LOCK_TIMEOUT = "5s"
#: A server that is gone without a word is noticed within half a minute.
_LINK: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


class PostgresDatabase:
    """One connection to a PostgreSQL database."""

    dialect: Literal["sqlite", "postgresql"] = "postgresql"

    def __init__(self, conninfo: str, *, writes: bool) -> None:
        """Connect; `conninfo` is a libpq URL."""
        self.conninfo = conninfo
        self._writes = writes
        self._connection = self._connect()

    def _connect(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(self.conninfo, autocommit=True, prepare_threshold=2, **_LINK)
        connection.prepared_max = 500
        # Never acknowledged before fsync, whatever the server's default is (delivery rule D1).
        connection.execute("SET synchronous_commit = on")
        connection.execute("SET timezone = 'UTC'")
        connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'".encode())
        if self._writes:
            # Every statement of the writer goes by a key. Without statistics (a new database) the
            # planner would read whole tables, and it need not plan the same again each time.
            for plan in ("seqscan", "hashjoin", "mergejoin"):
                connection.execute(f"SET enable_{plan} = off".encode())
            connection.execute("SET plan_cache_mode = force_generic_plan")
        return connection

    def query(self, sql: str, params: Sequence[Any] = ()) -> Rows:
        """Run a statement and return its rows."""
        return self._connection.execute(_local(sql), params).fetchall()

    def query_in(
        self, sql: str, keys: Iterable[Any], before: Sequence[Any] = (), after: Sequence[Any] = ()
    ) -> Rows:
        """Run a statement whose list mark takes `keys` as one array."""
        array = list(keys)
        if not array:
            return []
        return self._connection.execute(_with_list(sql), (*before, array, *after)).fetchall()

    def execute_in(self, sql: str, keys: Iterable[Any]) -> None:
        """Run a statement whose list mark takes `keys`."""
        array = list(keys)
        if array:
            self._connection.execute(_with_list(sql), (array,))

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """Run a statement and return how many rows it touched."""
        return self._connection.execute(_local(sql), params).rowcount

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement once for each row, in one pipeline."""
        if len(rows) == 1:
            self._connection.execute(_local(sql), rows[0])
        elif rows:
            with self._connection.cursor() as cursor:
                cursor.executemany(_local(sql), rows)

    def insert(self, into: Insert, rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows: COPY for many, a pipeline for few or where existing rows stay."""
        if len(rows) < COPY_FROM:
            self.executemany(_insert(into), rows)
            return
        if into.keep_existing:
            kinds = tuple(_ARRAYS[type(value)] for value in rows[0])
            self._connection.execute(
                _unnest(into, kinds), [list(c) for c in zip(*rows, strict=True)]
            )
            return
        with self._connection.cursor() as cursor, cursor.copy(_copy(into)) as copy:
            for row in rows:
                copy.write_row(row)

    def begin(self) -> None:
        """Start a transaction."""
        self._connection.execute("BEGIN")

    def begin_read(self) -> None:
        """Start a read-only transaction that sees one snapshot."""
        self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def commit(self) -> None:
        """Commit; returns after the server has flushed its log."""
        done = self._connection.execute("COMMIT")
        if done.statusmessage != "COMMIT":
            # A transaction that failed before answers COMMIT with ROLLBACK, and no error.
            raise psycopg.OperationalError("the transaction had failed before its commit")

    def rollback(self) -> None:
        """Undo the transaction; never raises."""
        with contextlib.suppress(psycopg.Error):
            self._connection.execute("ROLLBACK")

    def savepoint(self) -> None:
        """Set the job savepoint."""
        self._connection.execute("SAVEPOINT job")

    def release(self) -> None:
        """Keep what was done since the savepoint."""
        self._connection.execute("RELEASE SAVEPOINT job")

    def rollback_to_savepoint(self) -> None:
        """Undo what was done since the savepoint."""
        self._connection.execute("ROLLBACK TO SAVEPOINT job")

    def is_conflict(self, error: BaseException) -> bool:
        """Say whether another process got in between: the same work may succeed now."""
        return isinstance(error, _CONFLICTS)

    def is_failure(self, error: BaseException) -> bool:
        """Say whether the server or the connection failed, not the job."""
        return isinstance(error, psycopg.OperationalError | psycopg.InternalError) and (
            not self.is_conflict(error)
        )

    def reopen(self) -> None:
        """Connect anew."""
        self.close()
        self._connection = self._connect()

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(psycopg.Error):
            self._connection.close()


def conninfo(url: str) -> str:
    """Turn a configured URL (`postgresql+psycopg://…`) into libpq's."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


@lru_cache(maxsize=512)
def _local(sql: str) -> bytes:
    return (
        sql.replace("%", "%%")
        .replace("{lock}", "FOR UPDATE")
        .replace("{skip_locked}", "FOR UPDATE SKIP LOCKED")
        .replace("?", "%s")
        .encode()
    )


@lru_cache(maxsize=512)
def _with_list(sql: str) -> bytes:
    for name, kind in _TYPES.items():
        sql = sql.replace(name, f"= ANY(?::{kind}[])")
    return _local(sql)


@lru_cache(maxsize=128)
def _insert(into: Insert) -> str:
    return into.sql()


@lru_cache(maxsize=128)
def _unnest(into: Insert, kinds: tuple[str, ...]) -> bytes:
    """Insert rows given as one array for each column."""
    arrays = ",".join(f"%s::{kind}[]" for kind in kinds)
    columns = ",".join(into.columns)
    end = " ON CONFLICT DO NOTHING" if into.keep_existing else ""
    return f"INSERT INTO {into.table} ({columns}) SELECT * FROM unnest({arrays}){end}".encode()  # noqa: S608 - names are our own constants


@lru_cache(maxsize=128)
def _copy(into: Insert) -> bytes:
    return f"COPY {into.table} ({','.join(into.columns)}) FROM STDIN".encode()
