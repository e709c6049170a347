"""Index terms of committed resources that the search tables do not have yet.

One row holds the terms of one batch as (resource, length, terms) records; it commits with the
resources and is taken by the trailing indexer in larger, sorted batches.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Sequence

from gateway.store.database import Insert
from gateway.store.unit import Unit

_RECORD = struct.Struct(">QI")
_PENDING = Insert("index_pending", ("pending", "resources", "content"))


def add(unit: Unit, rows: Sequence[tuple[int, bytes]]) -> None:
    """Remember the terms of resources; no row when there are none."""
    if not rows:
        return
    content = _packed(rows)
    (pending,) = unit.numbers.take("pending", 1)
    unit.db.insert(_PENDING, [(pending, len(rows), content)])
    unit.pending_resources += len(rows)


def remove(unit: Unit, numbers: Collection[int]) -> None:
    """Forget the terms of resources that go, wherever they still wait."""
    for pending, content in unit.db.query("SELECT pending, content FROM index_pending"):
        found = list(records(bytes(content)))
        staying = [(number, terms) for number, terms in found if number not in numbers]
        if len(staying) < len(found):
            unit.db.execute(
                "UPDATE index_pending SET resources = ?, content = ? WHERE pending = ?",
                (len(staying), _packed(staying), pending),
            )


def records(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Split one row into (resource number, terms)."""
    start = 0
    while start < len(content):
        number, length = _RECORD.unpack_from(content, start)
        start += _RECORD.size
        yield number, content[start : start + length]
        start += length


def _packed(rows: Sequence[tuple[int, bytes]]) -> bytes:
    return b"".join(
        part for number, terms in rows for part in (_RECORD.pack(number, len(terms)), terms)
    )
