"""The store behind `pipeline/ports.py`: SQLAlchemy Core on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.domain.time import Clock
from gateway.domain.time import now as system_clock

if TYPE_CHECKING:
    from gateway.store.keys import Keys
    from gateway.store.store import Store

__all__ = ["open_store"]


def open_store(
    url: str,
    keys: Keys,
    *,
    create: bool = False,
    read_only: bool = False,
    clock: Clock = system_clock,
) -> Store:
    """Open a store by its URL (`sqlite:///gateway.db`, `postgresql+psycopg://…`).

    Raises profiles.issue.Unavailable when another process owns the SQLite file, or when the
    schema is missing or another one. `create` makes or upgrades the schema first; `read_only`
    takes no ownership.
    """
    # Imported here: worker processes import this package for its index key only.
    from gateway.store import store

    return store.open_store(url, keys, create=create, read_only=read_only, clock=clock)
