"""The registry: what `apply` registered, one JSON document a row, one revision in force."""

from __future__ import annotations

import orjson

from gateway.domain.region import Region
from gateway.domain.region_json import documents, region_of
from gateway.store.database import Database, Insert
from gateway.store.unit import Unit

_ROW = Insert("registry", ("kind", "id", "revision", "body"))


def revision(db: Database) -> int:
    """Return the revision in force; 0 before the first `apply`."""
    return db.query("SELECT max(revision) FROM registry_revision")[0][0] or 0


def read(db: Database) -> Region:
    """Read the registry in force."""
    rows = db.query("SELECT kind, id, body FROM registry")
    return region_of(revision(db), ((kind, name, orjson.loads(body)) for kind, name, body in rows))


def write(unit: Unit, region: Region, *, by: str, summary: str) -> int:
    """Replace the registry; documents that stay the same keep their revision. Returns the new one.

    Two processes that apply at once wait for each other: the second revision's key is taken.
    """
    number = revision(unit.db) + 1
    unit.db.execute(
        "INSERT INTO registry_revision (revision, applied_at, applied_by, summary)"
        " VALUES (?, ?, ?, ?)",
        (number, unit.now, by, summary),
    )
    present = {
        (kind, name): (since, body)
        for kind, name, since, body in unit.db.query(
            "SELECT kind, id, revision, body FROM registry"
        )
    }
    rows = []
    for kind, name, document in documents(region):
        body = orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()
        since, former = present.get((kind, name), (number, body))
        rows.append((kind, name, since if former == body else number, body))
    unit.db.execute("DELETE FROM registry")
    unit.db.insert(_ROW, rows)
    return number


def set_paused(unit: Unit, endpoint: str, *, paused: bool, by: str) -> None:
    """Pause or resume an endpoint at run time."""
    unit.db.execute(
        "INSERT INTO endpoint_state (endpoint, paused, changed_at, changed_by) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (endpoint) DO UPDATE SET paused = excluded.paused,"
        " changed_at = excluded.changed_at, changed_by = excluded.changed_by",
        (endpoint, int(paused), unit.now, by),
    )


def paused(db: Database) -> frozenset[str]:
    """Return the endpoints an operator has paused."""
    return frozenset(
        row[0] for row in db.query("SELECT endpoint FROM endpoint_state WHERE paused = 1")
    )
