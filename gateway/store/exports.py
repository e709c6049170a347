"""Bulk exports asked for: what each wants, sealed; the data themselves are read when fetched."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.time import Instant
from gateway.store.database import Database
from gateway.store.unit import Unit


@dataclass(frozen=True, slots=True)
class ExportJob:
    """One export as its caller asked for it."""

    #: Random; part of its addresses.
    id: str
    #: For whom it is: organization and client ("" for the organization as a whole).
    organization: str
    client: str
    #: When it was asked for: what changes later is not part of it.
    at: Instant
    #: When it ends by itself.
    until: Instant
    #: What is wanted, sealed: filters may name patients.
    content: str


def add(unit: Unit, job: ExportJob) -> None:
    """Remember an export."""
    unit.db.execute(
        "INSERT INTO export_job (job, organization, client, at, retain_until, content)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (job.id, job.organization, job.client, job.at, job.until, job.content),
    )


def find(db: Database, job: str, now: Instant) -> ExportJob | None:
    """Return an export that has not ended."""
    rows = db.query(
        "SELECT job, organization, client, at, retain_until, content FROM export_job"
        " WHERE job = ? AND retain_until > ?",
        (job, now),
    )
    return ExportJob(*rows[0]) if rows else None


def end(unit: Unit, job: str) -> None:
    """Forget an export."""
    unit.db.execute("DELETE FROM export_job WHERE job = ?", (job,))


def forget(unit: Unit, now: Instant) -> None:
    """Forget the exports that have ended."""
    unit.db.execute("DELETE FROM export_job WHERE retain_until <= ?", (now,))
