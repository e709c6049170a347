"""Stored resources as readers get them: one by type and id, many by search."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.store.bodies import Bodies
from gateway.store.database import Database, Row
from gateway.store.resources import read_slots
from gateway.store.views import StoredResource

_COLUMNS = (
    "SELECT r.resource, r.type, r.id, r.version, r.organization, r.patient, p.id, r.updated_at,"
    " r.deleted, r.body, r.slot FROM resource r LEFT JOIN resource p ON p.resource = r.patient"
)


def present(
    db: Database,
    bodies: Bodies,
    numbers: Sequence[int],
    organizations: frozenset[str] | None = None,
) -> list[StoredResource]:
    """Read present versions by store number, in its order; erased ones are left out.

    With `organizations` only what they keep is opened.
    """
    rows = db.query_in(f"{_COLUMNS} WHERE r.resource {{ints}}", numbers)
    kept = [row for row in rows if organizations is None or row[4] in organizations]
    return _opened(bodies, sorted(kept))


def version(db: Database, bodies: Bodies, number: int, wanted: int) -> StoredResource | None:
    """Read one version of a resource; None when there is none (any more)."""
    rows = db.query(f"{_COLUMNS} WHERE r.resource = ?", (number,))
    if rows and rows[0][3] != wanted:
        former = db.query(
            "SELECT version, recorded_at, deleted, body, slot FROM version"
            " WHERE resource = ? AND version = ?",
            (number, wanted),
        )
        present_row = rows[0]
        rows = [(*present_row[:3], one[0], *present_row[4:7], *one[1:]) for one in former]
    found = _opened(bodies, rows)
    return found[0] if found else None


def _opened(bodies: Bodies, rows: Sequence[Row]) -> list[StoredResource]:
    contents = read_slots(bodies, [(row[9], row[10]) for row in rows])
    found = []
    for row in rows:
        body = contents.get((row[9], row[10]))
        if body is not None:
            values: Row = (*row[:6], row[6] or "", row[7], bool(row[8]), body)
            found.append(StoredResource(*values))
    return found
