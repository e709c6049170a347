"""The audit log as `gateway.evidence.verify` reads it, and single events for auditors."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from gateway.domain.time import Instant
from gateway.evidence.sequence import Head
from gateway.evidence.verify import Opening
from gateway.store.bodies import Bodies
from gateway.store.database import Database, Row
from gateway.store.seal import Kind

#: Rows read at a time: memory does not grow with the log.
PAGE = 2_000


class EvidenceLog:
    """One snapshot of the log; a LeafSource, valid while its view is."""

    def __init__(self, db: Database, bodies: Bodies) -> None:
        """Read through a view's connection."""
        self._db = db
        self._bodies = bodies

    def leaves(self) -> Iterable[bytes]:
        """Read all leaves in the order of their rows."""
        for row in self._pages("SELECT seq, data FROM leaf WHERE seq > ? ORDER BY seq LIMIT ?"):
            yield bytes(row[1])

    def heads(self) -> Iterable[Head]:
        """Read all heads, smallest first."""
        sql = "SELECT size, root, at, frontier FROM tree_head WHERE size > ? ORDER BY size LIMIT ?"
        for row in self._pages(sql):
            yield Head(row[0], bytes(row[1]), row[2], bytes(row[3]))

    def openings(self) -> Iterable[Opening]:
        """Read the events that still exist, by leaf number."""
        sql = (
            "SELECT l.seq, e.body, e.slot FROM leaf l JOIN audit_event e ON e.audit = l.audit"
            " WHERE l.seq > ? ORDER BY l.seq LIMIT ?"
        )
        page: list[Row] = []
        for row in self._pages(sql):
            page.append(row)
            if len(page) == PAGE:
                yield from self._opened(page)
                page = []
        yield from self._opened(page)

    def waiting(self) -> Iterable[Instant]:
        """When the events without number were recorded."""
        rows = self._db.query(
            "SELECT e.recorded_at FROM audit_pending p JOIN audit_event e ON e.audit = p.audit"
        )
        return [row[0] for row in rows]

    def events(self, *, after: int = -1, limit: int = 100) -> list[dict[str, Any]]:
        """Read AuditEvents by leaf number above `after`."""
        rows = self._db.query(
            "SELECT l.seq, e.body, e.slot FROM leaf l JOIN audit_event e ON e.audit = l.audit"
            " WHERE l.seq > ? ORDER BY l.seq LIMIT ?",
            (after, limit),
        )
        return [{"seq": one.seq, "event": one.event} for one in self._opened(rows)]

    def _opened(self, rows: list[Row]) -> Iterator[Opening]:
        packs = self._bodies.read({(row[1], Kind.AUDIT) for row in rows})
        for seq, body, slot in rows:
            if body in packs:
                content = orjson.loads(packs[body][slot])
                yield Opening(seq, content["event"], b64decode(content["salt"]))

    def _pages(self, sql: str) -> Iterator[Row]:
        after = -1
        while True:
            rows = self._db.query(sql, (after, PAGE))
            yield from rows
            if len(rows) < PAGE:
                return
            after = rows[-1][0]
