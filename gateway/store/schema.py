"""The schema's version: forward-only migrations, applied by `gateway db upgrade` and at creation.

https://alembic.sqlalchemy.org/
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from profiles.issue import Unavailable

#: The newest migration; a test compares it with the files.
HEAD = "0005"
_LOCK = 0x736368656D61


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """Where a database stands."""

    #: Migration it has; "" for an empty database.
    present: str
    #: Migration this gateway needs.
    wanted: str = HEAD

    @property
    def current(self) -> bool:
        """Say whether nothing is to be done."""
        return self.present == self.wanted


def upgrade(url: str) -> None:
    """Apply all missing migrations; creates the SQLite file when there is none.

    Raises Unavailable when the database cannot be opened: one on PostgreSQL has to be there.
    """
    from alembic import command
    from alembic.config import Config

    database = make_url(url).database
    if url.startswith("sqlite") and database:
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with _connected(url) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            # Gateways that start at once wait for the first one's migration.
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def status(url: str) -> SchemaStatus:
    """Read which migration a database has; raises Unavailable when it cannot be opened."""
    with _connected(url) as connection:
        present = ""
        if inspect(connection).has_table("alembic_version"):
            row = connection.execute(text("SELECT version_num FROM alembic_version")).fetchone()
            present = row[0] if row else ""
    return SchemaStatus(present)


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    """Connect once; what the server says when it refuses is its own sentence about names only."""
    engine = create_engine(url)
    try:
        connection = engine.connect()
    except OperationalError as error:
        said = str(error.orig).strip().splitlines() or [""]
        reason = said[0].rpartition("FATAL:")[2].strip() or type(error.orig).__name__
        hint = "" if engine.dialect.name == "sqlite" else " A missing one is made with createdb."
        raise Unavailable(f"The database cannot be opened: {reason}.{hint}") from error
    try:
        yield connection
    finally:
        connection.close()
        engine.dispose()
