"""Reads outside the writer: each call sees one consistent snapshot."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from gateway.domain.delivery import Delivery
from gateway.domain.message import Arrival, MessageState
from gateway.domain.region import Region
from gateway.domain.time import Instant
from gateway.pipeline.ports import Current
from gateway.store import (
    audit_reading,
    browse,
    clients,
    consents,
    exports,
    finding,
    history,
    identity,
    lookup,
    registry,
    search,
    worklist,
)
from gateway.store.audit_reading import Stretch
from gateway.store.bodies import Bodies
from gateway.store.database import Database
from gateway.store.evidence_log import EvidenceLog
from gateway.store.hits import Hits, Position, Query, hits
from gateway.store.identifiers import Identifiers, RecentIdentifiers
from gateway.store.keys import Keys
from gateway.store.messages import raw
from gateway.store.resources import contents
from gateway.store.views import (
    Counts,
    DeliveryView,
    MessageView,
    StoredResource,
    WorkItem,
)
from profiles.issue import Unavailable
from profiles.reading import read_json
from profiles.search import Criteria

#: Connections kept open between calls.
POOLED = 8
#: Longest wait for the search tables to follow, in seconds.
TRAIL_PATIENCE = 15.0
#: Candidates confirmed at a time.
_CONFIRM = 64


@dataclass(slots=True)
class View:
    """One snapshot: a connection inside a read transaction, and how to open bodies."""

    db: Database
    bodies: Bodies


class StoreReader:
    """Thread-safe reads through a pool of connections."""

    def __init__(
        self,
        connect: Callable[[], Database],
        keys: Keys,
        *,
        identifiers: Identifiers | None = None,
        hurry: Callable[[], None] | None = None,
    ) -> None:
        """`identifiers` are the writer's, `hurry` lets it index, when it lives in this process."""
        self._connect = connect
        self._keys = keys
        self._recent = identifiers if isinstance(identifiers, RecentIdentifiers) else None
        self._hurry = hurry
        self._pool: list[View] = []
        self._lock = threading.Lock()
        self._closed = False
        self._region = Region()

    @contextmanager
    def view(self) -> Iterator[View]:
        """Lend a snapshot; Unavailable when the database does not answer."""
        view = self._take()
        try:
            view.db.begin_read()
            yield view
        except Exception as error:
            if view.db.is_failure(error):
                view.db.close()
                raise Unavailable("the store does not answer") from error
            view.db.rollback()
            self._give(view)
            raise
        else:
            view.db.rollback()
            self._give(view)

    # registry ------------------------------------------------------------------
    def region(self) -> Region:
        """Read the registry in force; the same object as long as nothing was applied."""
        with self.view() as view:
            if registry.revision(view.db) != self._region.revision:
                self._region = registry.read(view.db)
            return self._region

    def paused(self) -> frozenset[str]:
        """Return the endpoints an operator has paused."""
        with self.view() as view:
            return registry.paused(view.db)

    def audit_events(self, stretch: Stretch, limit: int) -> list[tuple[int, dict[str, Any]]]:
        """Read AuditEvents of a stretch of time: (leaf number, event), at most `limit`."""
        with self.view() as view:
            return audit_reading.events(view.db, view.bodies, stretch, limit)

    def export(self, job: str, now: Instant) -> exports.ExportJob | None:
        """Return a bulk export that has not ended."""
        with self.view() as view:
            return exports.find(view.db, job, now)

    def revoked(self) -> frozenset[str]:
        """Return the clients an operator has revoked."""
        with self.view() as view:
            return clients.revoked(view.db)

    # resources -----------------------------------------------------------------
    def resource(self, type_: str, id_: str, version: int = 0) -> StoredResource | None:
        """Read one resource, its present version or the given one; None when there is none."""
        term = self._keys.coder.resource_term(type_, id_)
        # Before the snapshot: a term leaves memory only after its merge has committed.
        number = self._recent.recent.get(term) if self._recent else None
        with self.view() as view:
            if number is None:
                number = _identified(view.db, term)
            if number is None:
                return None
            if version:
                return lookup.version(view.db, view.bodies, number, version)
            found = lookup.present(view.db, view.bodies, [number])
            return found[0] if found else None

    def history(self, wanted: history.Wanted) -> list[StoredResource]:
        """Read versions of one resource, of a type or of all, newest first."""
        with self.view() as view:
            return history.versions(view.db, view.bodies, wanted)

    def search(
        self, criteria: Criteria, *, after: int = 0, limit: int = 100
    ) -> list[StoredResource]:
        """Return confirmed hits above store number `after`, ascending, at most `limit`.

        Waits first until the search tables have what was committed before.
        """
        self._await_trail()
        hits: list[StoredResource] = []
        with self.view() as view:
            numbers = search.candidates(view.db, self._keys.coder, criteria, after=after)
            while len(hits) < limit and (batch := list(islice(numbers, _CONFIRM))):
                hits += [
                    one
                    for one in lookup.present(view.db, view.bodies, batch)
                    if not one.deleted and criteria.matches(read_json(one.body))
                ]
        return hits[:limit]

    def hits(self, query: Query, *, after: Position = (), limit: int) -> Hits:
        """Return confirmed hits behind `after` in the order asked for, at most `limit`.

        Waits first until the search tables have what was committed before. Raises NotConformant for
        an order that costs too much.
        """
        coder = self._keys.coder
        with self.view() as view:
            if not view.db.query("SELECT 1 FROM index_pending LIMIT 1"):
                return hits(view.db, view.bodies, coder, query, after=after, limit=limit)
        self._await_trail()
        with self.view() as view:
            return hits(view.db, view.bodies, coder, query, after=after, limit=limit)

    def named(self, names: Iterable[tuple[str, str]]) -> list[StoredResource]:
        """Read present versions by (type, logical id); what is not there is left out."""
        terms = {self._keys.coder.resource_term(*name): name for name in names}
        recent = self._recent.recent if self._recent else {}
        known = {term: recent[term] for term in terms if term in recent}
        with self.view() as view:
            known |= Identifiers(view.db).find([term for term in terms if term not in known])
            for term in terms.keys() - known.keys() if self._recent is None else ():
                if (number := _not_merged(view.db, term)) is not None:
                    known[term] = number
            return lookup.present(view.db, view.bodies, sorted(set(known.values())))

    def resources_of(self, numbers: Sequence[int]) -> list[StoredResource]:
        """Read present versions by store number."""
        with self.view() as view:
            return lookup.present(view.db, view.bodies, numbers)

    def linked(self, patients: Iterable[int]) -> dict[int, tuple[int, ...]]:
        """Return for each Patient all Patients of the same person, itself included, sorted."""
        with self.view() as view:
            return identity.linked(view.db, patients)

    def consents(self, patients: Iterable[int]) -> dict[int, list[bytes]]:
        """Read the Consents of Patients (JSON bytes with meta.versionId)."""
        with self.view() as view:
            return consents.consents(view.db, view.bodies, patients)

    # messages ------------------------------------------------------------------
    def raw(self, message_id: int) -> bytes:
        """Read the original bytes of a message; b"" when there are none (any more)."""
        with self.view() as view:
            return raw(view.db, view.bodies, [message_id]).get(message_id, b"")

    def received(self, *, after: int, limit: int) -> list[tuple[int, Arrival]]:
        """Read messages stored on receipt and not processed yet, by number above `after`."""
        with self.view() as view:
            return browse.received(view.db, view.bodies, after=after, limit=limit)

    def message(self, number: int) -> MessageView | None:
        """Read what is known about a message; None when there is none."""
        with self.view() as view:
            return browse.message(view.db, number)

    def messages(
        self,
        *,
        state: MessageState | None = None,
        endpoint: str = "",
        control_id: str = "",
        since: Instant = 0,
        before: int = 0,
        limit: int = 100,
    ) -> list[MessageView]:
        """Read messages, newest first; `before` is the number to go on from."""
        with self.view() as view:
            return browse.messages(
                view.db,
                state=state,
                endpoint=endpoint,
                control_id=control_id,
                since=since,
                before=before,
                limit=limit,
            )

    def report(self, number: int) -> bytes:
        """Read the loss report and issues of a message (JSON); b"" for none."""
        with self.view() as view:
            return browse.report(view.db, view.bodies, number)

    def answer(self, number: int) -> bytes:
        """Read the acknowledgement a message was given."""
        with self.view() as view:
            return browse.answer(view.db, number)

    def contents(self, number: int) -> list[Current]:
        """Read the resource versions a message speaks of, with bodies."""
        with self.view() as view:
            return contents(view.db, view.bodies, [number]).get(number, [])

    # deliveries ----------------------------------------------------------------
    def deliveries(self, **criteria: Any) -> list[Delivery]:
        """Read deliveries by the criteria of `Transaction.deliveries`."""
        with self.view() as view:
            return finding.find(view.db, **criteria)

    def delivery(self, number: int) -> DeliveryView | None:
        """Read one delivery with its attempts; None when there is none."""
        with self.view() as view:
            return browse.delivery(view.db, number)

    def decision(self, number: int) -> bytes:
        """Read the latest consent decision of a delivery (JSON); b"" for none."""
        with self.view() as view:
            return browse.decision(view.db, view.bodies, number)

    def sent(self, number: int) -> bytes:
        """Read the bytes of a delivery as they are sent; b"" before the first attempt."""
        with self.view() as view:
            return browse.sent(view.db, view.bodies, number)

    def partner_answer(self, number: int) -> bytes:
        """Read the partner's last answer to a delivery; b"" for none."""
        with self.view() as view:
            return browse.partner_answer(view.db, view.bodies, number)

    # operation -----------------------------------------------------------------
    def worklist(self, *, limit: int = 1_000) -> list[WorkItem]:
        """Read what needs a person or waits for a consent, oldest first."""
        with self.view() as view:
            return worklist.items(view.db, limit=limit)

    def counts(self) -> Counts:
        """Count what is undone; cheap."""
        with self.view() as view:
            return worklist.counts(view.db)

    @contextmanager
    def evidence(self) -> Iterator[EvidenceLog]:
        """Lend one snapshot of the audit log for `gateway.evidence.verify`."""
        with self.view() as view:
            yield EvidenceLog(view.db, view.bodies)

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            self._closed = True
            pool, self._pool = self._pool, []
        for view in pool:
            view.db.close()

    # inside --------------------------------------------------------------------
    def _await_trail(self) -> None:
        with self.view() as view:
            target = view.db.query("SELECT max(pending) FROM index_pending")[0][0]
        deadline = time.monotonic() + TRAIL_PATIENCE
        while target is not None:
            if self._hurry is not None:
                self._hurry()
            else:
                time.sleep(0.02)
            with self.view() as view:
                rows = view.db.query("SELECT min(pending) FROM index_pending")
            if rows[0][0] is None or rows[0][0] > target:
                return
            if time.monotonic() > deadline:
                raise Unavailable("the search tables do not follow")

    def _take(self) -> View:
        with self._lock:
            if self._closed:
                raise Unavailable("the store is closed")
            if self._pool:
                return self._pool.pop()
        db = self._connect()
        return View(db, Bodies(db, self._keys))

    def _give(self, view: View) -> None:
        # Keys are read anew in every snapshot: one that was destroyed meanwhile opens nothing.
        view.bodies.forget()
        with self._lock:
            if not self._closed and len(self._pool) < POOLED:
                self._pool.append(view)
                return
        view.db.close()


def _identified(db: Database, term: bytes) -> int | None:
    number = Identifiers(db).find([term]).get(term)
    return number if number is not None else _not_merged(db, term)


def _not_merged(db: Database, term: bytes) -> int | None:
    """Look through the recent terms another process has not merged yet (SQLite)."""
    for (content,) in db.query("SELECT content FROM identifier_recent ORDER BY recent"):
        at = bytes(content).find(term)
        while at >= 0:
            if at % 24 == 0:
                return int.from_bytes(content[at + 16 : at + 24], "big", signed=True)
            at = bytes(content).find(term, at + 1)
    return None
