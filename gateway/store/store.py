"""One store: its writer, its readers, its lock, and how they are opened."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.engine import make_url

from gateway.domain.time import Clock
from gateway.store import postgres, schema, sqlite
from gateway.store.background import Checkpoints, MergeIdentifiers
from gateway.store.database import Database
from gateway.store.identifiers import RecentIdentifiers
from gateway.store.keys import Keys
from gateway.store.reader import TRAIL_PATIENCE, StoreReader
from gateway.store.sequencer import Sequencer
from gateway.store.session import StoreSession
from gateway.store.trail import Trail
from gateway.store.writer import Background, GroupWriter
from profiles.issue import Unavailable

#: URLs of a private SQLite file that goes when the store is closed.
_PRIVATE = frozenset({"sqlite://", "sqlite:///:memory:"})


@dataclass(slots=True)
class Store:
    """An open store; close it to finish what is queued and to give the lock back."""

    url: str
    reader: StoreReader
    _writer: GroupWriter | None
    _closing: ExitStack = field(default_factory=ExitStack)

    @property
    def writer(self) -> GroupWriter:
        """The writer; Unavailable for a store opened for reading only."""
        if self._writer is None:
            raise Unavailable("this store is open for reading only")
        return self._writer

    def close(self) -> None:
        """Finish what is queued, then close all connections."""
        self._closing.close()


def open_store(
    url: str, keys: Keys, *, create: bool = False, read_only: bool = False, clock: Clock
) -> Store:
    """Open a store; Unavailable when its schema is another one or another process owns it.

    `create` makes or upgrades the schema first. `read_only` takes no ownership: for commands that
    look beside a running gateway.
    """
    with ExitStack() as closing:
        if url in _PRIVATE:
            folder = closing.enter_context(tempfile.TemporaryDirectory(prefix="gateway-store-"))
            url, create = f"sqlite:///{folder}/store.db", True
        path = sqlite_path(url)
        if path is not None and not read_only:
            path.parent.mkdir(parents=True, exist_ok=True)
            closing.enter_context(sqlite.own(path))
        if create:
            schema.upgrade(url)
        if path is None or path.exists():
            _check_schema(url)
        else:
            raise Unavailable("the store does not exist: gateway db upgrade makes it")
        if read_only:
            reader = StoreReader(lambda: connect(url, writes=False), keys)
            closing.callback(reader.close)
            return Store(url, reader, None, closing.pop_all())
        return _open_owned(url, keys, clock, closing)


def _open_owned(url: str, keys: Keys, clock: Clock, closing: ExitStack) -> Store:
    db = connect(url, writes=True)
    committed: Callable[[], None] = _nothing
    if isinstance(db, sqlite.SqliteDatabase):
        checkpoints = Checkpoints(db.path, db)
        closing.callback(checkpoints.close)
        committed = checkpoints.after_commit
    session = StoreSession(db, keys, clock, committed=committed)
    trail = Trail(session.unit)
    work: list[Background] = [Sequencer(session.unit), trail]
    if isinstance(session.identifiers, RecentIdentifiers):
        work.append(MergeIdentifiers(session.identifiers))
    writer = GroupWriter(session, work)
    closing.callback(writer.close)
    reader = StoreReader(
        lambda: connect(url, writes=False),
        keys,
        identifiers=session.identifiers,
        hurry=lambda: writer.submit(trail.run).result(TRAIL_PATIENCE),
    )
    closing.callback(reader.close)
    return Store(url, reader, writer, closing.pop_all())


def _nothing() -> None:
    """Follow no commit: PostgreSQL checkpoints by itself."""


def sqlite_path(url: str) -> Path | None:
    """Return the file of a SQLite URL, None for PostgreSQL."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    return Path(parsed.database or "")


def connect(url: str, *, writes: bool) -> Database:
    """Open one connection; Unavailable when that is not possible."""
    path = sqlite_path(url)
    try:
        if path is not None:
            return sqlite.SqliteDatabase(path, writes=writes)
        return postgres.PostgresDatabase(postgres.conninfo(url), writes=writes)
    except Exception as error:
        raise Unavailable("the store does not answer") from error


def _check_schema(url: str) -> None:
    db = connect(url, writes=False)
    try:
        rows = db.query("SELECT version_num FROM alembic_version")
    except Exception as error:
        if not db.is_failure(error):
            raise Unavailable("the store has no schema: gateway db upgrade makes it") from error
        raise Unavailable("the store cannot be read") from error
    finally:
        db.close()
    if rows != [(schema.HEAD,)]:
        raise Unavailable("the store has another schema version: gateway db upgrade")
