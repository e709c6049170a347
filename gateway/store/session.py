"""The writer's connection with everything in memory that must follow its transactions."""

from __future__ import annotations

from collections.abc import Callable

from gateway.domain.time import Clock
from gateway.store.bodies import Bodies
from gateway.store.database import Database
from gateway.store.identifiers import Identifiers, RecentIdentifiers
from gateway.store.keys import Keys
from gateway.store.numbers import Numbers
from gateway.store.transaction import StoreTransaction
from gateway.store.unit import Unit

#: Microseconds of the database's clock: leases and expiries go by it (delivery rule D9).
_DATABASE_TIME = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8"


class StoreSession:
    """Begins, commits and undoes transactions; caches never say more than the database."""

    def __init__(
        self,
        db: Database,
        keys: Keys,
        clock: Clock,
        *,
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        """Use `db` for writing; `committed` follows each commit."""
        numbers = Numbers(db)
        identifiers = RecentIdentifiers(db) if db.dialect == "sqlite" else Identifiers(db)
        self.db = db
        self.identifiers = identifiers
        self.unit = Unit(db, keys.coder, numbers, Bodies(db, keys, numbers), identifiers, clock)
        self._committed = committed

    def transaction(self) -> StoreTransaction:
        """Begin and return the transaction of one group."""
        unit = self.unit
        self.db.begin()
        unit.identifiers.begin()
        unit.terms.clear()
        if self.db.dialect == "postgresql":
            unit.now = self.db.query(_DATABASE_TIME)[0][0]
        else:
            unit.now = unit.clock()
        return StoreTransaction(unit)

    def savepoint(self) -> None:
        """Set the job savepoint in the database and in memory."""
        self.db.savepoint()
        self.unit.identifiers.savepoint()

    def release(self) -> None:
        """Keep the job."""
        self.db.release()

    def undo_job(self) -> None:
        """Undo to the job savepoint in the database and in memory."""
        self.db.rollback_to_savepoint()
        self.unit.identifiers.undo_job()
        self.unit.bodies.forget()

    def commit(self) -> None:
        """Commit, then let memory follow."""
        self.db.commit()
        self.unit.identifiers.committed()
        self._committed()

    def rollback(self) -> None:
        """Undo the group in the database and in memory."""
        unit = self.unit
        self.db.rollback()
        unit.identifiers.rollback()
        unit.bodies.forget()
        # What the store's own work had done may be undone as well: it looks again.
        unit.unnumbered = True
        unit.pending_resources = max(unit.pending_resources, 1)

    def reopen(self) -> None:
        """Connect anew and load what memory holds from the database."""
        self.db.reopen()
        self.unit.numbers.reload()
        self.unit.identifiers.reload()
        self.unit.bodies.forget()

    def close(self) -> None:
        """Close the connection."""
        self.db.close()
