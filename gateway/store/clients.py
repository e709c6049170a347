"""Clients of the FHIR interface: which are revoked, which signed assertions were used."""

from __future__ import annotations

from gateway.domain.time import Instant
from gateway.store.database import Database
from gateway.store.unit import Unit

_USE = (
    "INSERT INTO assertion_use (term, retain_until) VALUES (?, ?)"
    " ON CONFLICT DO NOTHING RETURNING term"
)


def set_revoked(unit: Unit, client: str, *, revoked: bool, by: str) -> None:
    """Revoke a client at run time, or let it in again."""
    unit.db.execute(
        "INSERT INTO client_state (client, revoked, changed_at, changed_by) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (client) DO UPDATE SET revoked = excluded.revoked,"
        " changed_at = excluded.changed_at, changed_by = excluded.changed_by",
        (client, int(revoked), unit.now, by),
    )


def revoked(db: Database) -> frozenset[str]:
    """Return the clients an operator has revoked."""
    return frozenset(
        row[0] for row in db.query("SELECT client FROM client_state WHERE revoked = 1")
    )


def use_once(unit: Unit, client: str, jti: str, until: Instant) -> bool:
    """Note the use of an assertion, kept until it has expired; False when it was used before.

    The primary key decides, so that two processes cannot both accept it.
    """
    term = unit.coder.identifier_term("assertion", client, jti)
    return bool(unit.db.query(_USE, (term, until)))


def forget_used(unit: Unit, now: Instant) -> None:
    """Drop the uses of assertions that have expired and are refused for that."""
    unit.db.execute("DELETE FROM assertion_use WHERE retain_until <= ?", (now,))
