"""What the statements of one transaction share: connection, keys, numbers, bodies, terms, time."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.domain.time import Clock, Instant
from gateway.store.bodies import Bodies
from gateway.store.database import Database
from gateway.store.identifiers import Identifiers
from gateway.store.index_key import IndexKey
from gateway.store.numbers import Numbers


@dataclass(slots=True)
class Unit:
    """One connection of the writer with all that belongs to it."""

    db: Database
    coder: IndexKey
    numbers: Numbers
    bodies: Bodies
    identifiers: Identifiers
    clock: Clock
    now: Instant = 0
    #: (type, id) → term, for the present transaction.
    terms: dict[tuple[str, str], bytes] = field(default_factory=dict)
    #: About how many resources wait for the trailing index; the table itself is exact.
    pending_resources: int = 0
    #: False when surely no audit event of this process waits for its number.
    unnumbered: bool = True

    def resource_term(self, key: tuple[str, str]) -> bytes:
        """Return the term of (type, id), computed once a transaction."""
        term = self.terms.get(key)
        if term is None:
            term = self.terms[key] = self.coder.resource_term(*key)
        return term


def unit_of(tx: object) -> Unit:
    """Return the unit behind a transaction handed to the store's own work."""
    unit = getattr(tx, "unit", None)
    if not isinstance(unit, Unit):
        raise TypeError("this transaction is not one of this store")
    return unit
