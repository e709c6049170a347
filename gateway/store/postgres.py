"""PostgreSQL through psycopg 3; several gateway processes share one database.

The writer's transactions are pipelines: what is written waits for no answer, it travels with the
next question or with COMMIT. An error of a write thus shows there, never later than the commit.

https://www.postgresql.org/docs/15/wal-async-commit.html (synchronous_commit is set per session),
https://www.postgresql.org/docs/15/libpq-pipeline-mode.html
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Literal

import psycopg
from psycopg import errors

from gateway.store.arrays import Array, Blobs, Ints, Texts, columns, register
from gateway.store.database import Insert, Rows, Update

_LISTS: dict[str, type[Array]] = {"{ints}": Ints, "{blobs}": Blobs, "{texts}": Texts}
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
        #: Holds the pipeline of the present transaction.
        self._pipeline = contextlib.ExitStack()

    def _connect(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(self.conninfo, autocommit=True, prepare_threshold=2, **_LINK)
        connection.prepared_max = 500
        register(connection)
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
            connection.execute("SET jit = off")
        return connection

    def query(self, sql: str, params: Sequence[Any] = ()) -> Rows:
        """Run a statement and return its rows."""
        return self._connection.execute(_local(sql), params).fetchall()

    def query_in(
        self, sql: str, keys: Iterable[Any], before: Sequence[Any] = (), after: Sequence[Any] = ()
    ) -> Rows:
        """Run a statement whose list mark takes `keys` as one array."""
        statement, kind = _with_list(sql)
        array = kind(keys)
        if not array:
            return []
        return self._connection.execute(statement, (*before, array, *after)).fetchall()

    def execute_in(self, sql: str, keys: Iterable[Any], before: Sequence[Any] = ()) -> None:
        """Run a statement whose list mark takes `keys`."""
        statement, kind = _with_list(sql)
        array = kind(keys)
        if array:
            self._connection.execute(statement, (*before, array))

    def execute(self, sql: str, params: Sequence[Any] = ()) -> None:
        """Run a statement."""
        self._connection.execute(_local(sql), params)

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement once for each row, in one pipeline."""
        if len(rows) == 1:
            self._connection.execute(_local(sql), rows[0])
        elif rows:
            with self._connection.cursor() as cursor:
                cursor.executemany(_local(sql), rows)

    def insert(self, into: Insert, rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows, one array for each column."""
        if len(rows) == 1:
            self._connection.execute(_insert(into), rows[0])
        elif rows:
            arrays = columns(rows)
            kinds = tuple(array.sql for array in arrays)
            self._connection.execute(_unnest(into, kinds), arrays)

    def update(self, change: Update, rows: Sequence[Sequence[Any]]) -> None:
        """Change rows, one array for each column."""
        if len(rows) == 1:
            self._connection.execute(_local(change.sql()), rows[0])
        elif rows:
            arrays = columns(rows)
            kinds = tuple(array.sql for array in arrays)
            self._connection.execute(_joined(change, kinds), arrays)

    def begin(self) -> None:
        """Start a transaction and its pipeline."""
        self._enter()
        self._connection.execute("BEGIN")

    def _enter(self) -> None:
        self._pipeline.enter_context(self._connection.pipeline())

    def _leave(self) -> None:
        """Wait for everything sent; raises the first error of it."""
        self._pipeline.close()

    def begin_read(self) -> None:
        """Start a read-only transaction that sees one snapshot."""
        self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def commit(self) -> None:
        """Commit; returns after the server has flushed its log."""
        done = self._connection.execute("COMMIT")
        self._leave()
        if done.statusmessage != "COMMIT":
            # A transaction that failed before answers COMMIT with ROLLBACK, and no error.
            raise psycopg.OperationalError("the transaction had failed before its commit")

    def rollback(self) -> None:
        """Undo the transaction; never raises."""
        with contextlib.suppress(psycopg.Error):
            self._leave()
        with contextlib.suppress(psycopg.Error):
            self._connection.execute("ROLLBACK")

    def savepoint(self) -> None:
        """Set the job savepoint."""
        self._connection.execute("SAVEPOINT job")

    def release(self) -> None:
        """Keep what was done since the savepoint; raises what went wrong in it."""
        self._connection.execute("RELEASE SAVEPOINT job")
        self._leave()
        self._enter()

    def rollback_to_savepoint(self) -> None:
        """Undo what was done since the savepoint."""
        with contextlib.suppress(psycopg.Error):
            self._leave()
        # Outside a pipeline: psycopg then forgets statements whose preparation failed with it.
        self._connection.execute("ROLLBACK TO SAVEPOINT job")
        self._connection.execute("RELEASE SAVEPOINT job")
        self._enter()

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
def _with_list(sql: str) -> tuple[bytes, type[Array]]:
    """Return the statement, and what its list of keys is sent as."""
    mark, kind = next((mark, kind) for mark, kind in _LISTS.items() if mark in sql)
    return _local(sql.replace(mark, f"= ANY(?::{kind.sql}[])")), kind


@lru_cache(maxsize=128)
def _insert(into: Insert) -> bytes:
    return _local(into.sql())


@lru_cache(maxsize=128)
def _unnest(into: Insert, kinds: tuple[str, ...]) -> bytes:
    """Insert rows given as one array for each column."""
    arrays = ",".join(f"%s::{kind}[]" for kind in kinds)
    columns = ",".join(into.columns)
    end = " ON CONFLICT DO NOTHING" if into.keep_existing else ""
    return f"INSERT INTO {into.table} ({columns}) SELECT * FROM unnest({arrays}){end}".encode()  # noqa: S608 - names are our own constants


@lru_cache(maxsize=128)
def _joined(change: Update, kinds: tuple[str, ...]) -> bytes:
    """Change the rows that one array for each column names; they are touched in its order."""
    names = [f"c{at}" for at in range(len(kinds))]
    arrays = ",".join(f"%s::{kind}[]" for kind in kinds)
    values = ", ".join(f"{c} = v.{n}" for c, n in zip(change.columns, names, strict=False))
    return (
        f"UPDATE {change.table} t SET {values}"  # noqa: S608 - names are our own constants
        f" FROM unnest({arrays}) AS v({','.join(names)}) WHERE t.{change.key} = v.{names[-1]}"
    ).encode()
