"""Versions of resources, newest first (https://hl7.org/fhir/R4/http.html#history)."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.time import Instant
from gateway.store.bodies import Bodies
from gateway.store.database import Database, Row
from gateway.store.resources import read_slots
from gateway.store.views import StoredResource

#: Where a page ended: its last version's instant, resource number and version.
Place = tuple[Instant, int, int]

_PRESENT = (
    "SELECT r.resource, r.type, r.id, r.version, r.organization, r.patient, p.id,"
    " r.updated_at, r.deleted, r.body, r.slot"
    " FROM resource r LEFT JOIN resource p ON p.resource = r.patient"
)
_FORMER = (
    "SELECT r.resource, r.type, r.id, v.version, r.organization, r.patient, p.id,"
    " v.recorded_at, v.deleted, v.body, v.slot"
    " FROM version v JOIN resource r ON r.resource = v.resource"
    " LEFT JOIN resource p ON p.resource = r.patient"
)
#: Select → its columns of version and instant.
_SELECTS = ((_PRESENT, "r.version", "r.updated_at"), (_FORMER, "v.version", "v.recorded_at"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which versions are asked for."""

    #: "" for all types.
    type: str = ""
    #: Store number of one resource; 0 for all of the type.
    number: int = 0
    #: Versions made at or after this instant.
    since: Instant = 0
    #: Only what comes after this place, in the order of the history.
    after: Place | None = None
    limit: int = 100


def versions(db: Database, bodies: Bodies, wanted: Wanted) -> list[StoredResource]:
    """Read versions, newest first; ties by resource and version, the later number first."""
    rows: list[Row] = []
    for select, version, at in _SELECTS:
        where, params = _where(wanted, version, at)
        order = f"ORDER BY {at} DESC, r.resource DESC, {version} DESC"
        rows += db.query(f"{select} WHERE {where} {order} LIMIT ?", (*params, wanted.limit))
    rows.sort(key=lambda row: (row[7], row[0], row[3]), reverse=True)
    return _opened(bodies, rows[: wanted.limit])


def _where(wanted: Wanted, version: str, at: str) -> tuple[str, tuple[object, ...]]:
    """Return the condition and its parameters; every name in it is a constant."""
    parts: list[str] = [f"{at} >= ?"]
    params: list[object] = [wanted.since]
    if wanted.number:
        parts.append("r.resource = ?")
        params.append(wanted.number)
    elif wanted.type:
        parts.append("r.type = ?")
        params.append(wanted.type)
    if wanted.after is not None:
        parts.append(f"({at}, r.resource, {version}) < (?, ?, ?)")
        params += wanted.after
    return " AND ".join(parts), tuple(params)


def _opened(bodies: Bodies, rows: list[Row]) -> list[StoredResource]:
    contents = read_slots(bodies, [(row[9], row[10]) for row in rows])
    found = []
    for row in rows:
        body = contents.get((row[9], row[10]))
        if body is not None:
            values: Row = (*row[:6], row[6] or "", row[7], bool(row[8]), body)
            found.append(StoredResource(*values))
    return found
