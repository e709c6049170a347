"""Reads outside the writer: each call sees one consistent snapshot."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gateway.store.bodies import Bodies
from gateway.store.database import Database
from gateway.store.identifiers import Identifiers, RecentIdentifiers
from gateway.store.keys import Keys
from gateway.store.messages import raw
from profiles.issue import Unavailable

#: Connections kept open between calls.
POOLED = 8


@dataclass(slots=True)
class View:
    """One snapshot: a connection inside a read transaction, and how to open bodies."""

    db: Database
    bodies: Bodies


class StoreReader:
    """Thread-safe reads through a pool of connections."""

    def __init__(
        self, connect: Callable[[], Database], keys: Keys, recent: Identifiers | None = None
    ) -> None:
        """`recent` are the writer's identifiers when it lives in this process."""
        self._connect = connect
        self._keys = keys
        self._recent = recent if isinstance(recent, RecentIdentifiers) else None
        self._pool: list[View] = []
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def view(self) -> Iterator[View]:
        """Lend a snapshot; Unavailable when the database does not answer."""
        view = self._take()
        try:
            view.db.begin_read()
            yield view
        except Exception as error:
            if view.db.is_failure(error):
                view.db.close()
                raise Unavailable("the store does not answer") from error
            view.db.rollback()
            self._give(view)
            raise
        else:
            view.db.rollback()
            self._give(view)

    def raw(self, message_id: int) -> bytes:
        """Read the original bytes of a message; b"" when there are none (any more)."""
        with self.view() as view:
            return raw(view.db, view.bodies, [message_id]).get(message_id, b"")

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            self._closed = True
            pool, self._pool = self._pool, []
        for view in pool:
            view.db.close()

    def _take(self) -> View:
        with self._lock:
            if self._pool:
                return self._pool.pop()
        try:
            db = self._connect()
        except Exception as error:
            raise Unavailable("the store does not answer") from error
        return View(db, Bodies(db, self._keys))

    def _give(self, view: View) -> None:
        with self._lock:
            if not self._closed and len(self._pool) < POOLED:
                self._pool.append(view)
                return
        view.db.close()
