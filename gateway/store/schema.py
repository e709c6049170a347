"""The schema's version: forward-only migrations, applied by `gateway db upgrade` and at creation.

https://alembic.sqlalchemy.org/
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url

#: The newest migration; a test compares it with the files.
HEAD = "0004"
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
    """Apply all missing migrations; creates the SQLite file when there is none."""
    from alembic import command
    from alembic.config import Config

    database = make_url(url).database
    if url.startswith("sqlite") and database:
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # Gateways that start at once wait for the first one's migration.
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()


def status(url: str) -> SchemaStatus:
    """Read which migration a database has."""
    engine = create_engine(url)
    with engine.connect() as connection:
        present = ""
        if inspect(connection).has_table("alembic_version"):
            row = connection.execute(text("SELECT version_num FROM alembic_version")).fetchone()
            present = row[0] if row else ""
    engine.dispose()
    return SchemaStatus(present)
