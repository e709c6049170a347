"""The search tables made anew, one segment at a time, while everything else goes on.

What a resource is found by can change with the software: a new kind of term, a parameter that was
not there. The terms of a segment are computed from a snapshot; one transaction then takes the old
rows away and leaves the new ones for the trailing index. A search that starts after it waits, as
always, until the tables have followed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.pipeline.documents import load
from gateway.store import lookup, pending
from gateway.store.bodies import Bodies
from gateway.store.database import Database
from gateway.store.erasure import INDEXES
from gateway.store.index_key import IndexKey
from gateway.store.reader import View
from gateway.store.trail import SEGMENT_BITS
from gateway.store.unit import Unit
from profiles.search import index_terms

#: Resources read at a time, and those whose terms stand in one pending row.
_READ = 256
_ROW = 512

#: Resource number → (version, terms).
Known = Mapping[int, tuple[int, bytes]]


def segments(db: Database) -> int:
    """Return how many segments there are."""
    last = db.query("SELECT max(resource) FROM resource")[0][0]
    return 0 if last is None else (int(last) >> SEGMENT_BITS) + 1


def computed(view: View, coder: IndexKey, segment: int) -> Known:
    """Compute the terms of a segment's resources in one snapshot."""
    rows = view.db.query(_PRESENT, _bounds(segment))
    return _terms(view.db, view.bodies, coder, [number for number, _ in rows])


def replace(unit: Unit, segment: int, known: Known) -> int:
    """Make a segment's rows anew; return how many resources that are.

    What changed since `known` was computed is computed here.
    """
    rows = unit.db.query(_PRESENT, _bounds(segment))
    stale = [number for number, version in rows if known.get(number, (0,))[0] != version]
    fresh = _terms(unit.db, unit.bodies, unit.coder, stale)
    for table in INDEXES:
        unit.db.execute(f"DELETE FROM {table} WHERE segment = ?", (segment,))  # noqa: S608 - our own names
    found = {number: (fresh.get(number) or known.get(number)) for number, _ in rows}
    terms = [(number, one[1]) for number, one in found.items() if one is not None]
    for start in range(0, len(terms), _ROW):
        pending.add(unit, terms[start : start + _ROW])
    return len(terms)


_PRESENT = (
    "SELECT resource, version FROM resource WHERE resource >= ? AND resource < ? AND deleted = 0"
    " ORDER BY resource"
)


def _bounds(segment: int) -> tuple[int, int]:
    return segment << SEGMENT_BITS, (segment + 1) << SEGMENT_BITS


def _terms(
    db: Database, bodies: Bodies, coder: IndexKey, numbers: Sequence[int]
) -> dict[int, tuple[int, bytes]]:
    found = {}
    for start in range(0, len(numbers), _READ):
        for one in lookup.present(db, bodies, numbers[start : start + _READ]):
            terms = coder.encode(one.type, index_terms(load(one.body)))
            found[one.number] = (one.version, terms)
    return found
