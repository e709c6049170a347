"""Search tables made anew, a segment at a time, so that who waits sees how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.operations.desk import Desk
from gateway.pipeline.ports import Transaction
from gateway.store import reindex
from gateway.store.index_key import IndexKey
from gateway.store.unit import unit_of


def renew(desk: Desk, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Renew one segment: {"segment"}; says how many there are and which comes next, 0 for none."""
    segment = int(arguments.get("segment", 0))
    coder = desk.site().coder
    assert isinstance(coder, IndexKey)  # noqa: S101 - the store's own
    with desk.store.reader.view() as view:
        many = reindex.segments(view.db)
        known = reindex.computed(view, coder, segment) if segment < many else {}
    if segment >= many:
        return {"segments": many, "resources": 0, "next": 0}

    def job(tx: Transaction) -> int:
        desk.record(tx, "reindex", [])
        return reindex.replace(unit_of(tx), segment, known)

    renewed = desk.write(job)
    following = segment + 1 if segment + 1 < many else 0
    return {"segments": many, "resources": renewed, "next": following}
