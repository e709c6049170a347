"""AuditEvents with their commitments; the sequencer numbers them into the Merkle log later."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.evidence.event_class import EventClass
from gateway.pipeline.ports import AuditRow
from gateway.store.bodies import STORE_SUBJECT, Parts, whole_days
from gateway.store.database import Insert
from gateway.store.seal import Kind
from gateway.store.unit import Unit

_EVENT = Insert(
    "audit_event",
    ("audit", "class", "recorded_at", "body", "slot", "retain_until", "commitment"),
)
_PENDING = Insert("audit_pending", ("audit",))
#: Events in one body: neighbours compress well, and one body stays small to open.
PACK = 64


def add(unit: Unit, rows: Sequence[AuditRow]) -> None:
    """Store events; those kept equally long share sealed bodies."""
    packs: dict[tuple[int, int], list[int]] = {}
    counts: dict[int, int] = {}
    for index, row in enumerate(rows):
        until = whole_days(row.retain_until)
        count = counts.get(until, 0)
        counts[until] = count + 1
        packs.setdefault((until, count // PACK), []).append(index)
    bodies = unit.bodies.write(
        [
            Parts(Kind.AUDIT, STORE_SUBJECT, [rows[index].content for index in members], until)
            for (until, _), members in packs.items()
        ]
    )
    places = {
        index: (body, slot)
        for body, members in zip(bodies, packs.values(), strict=True)
        for slot, index in enumerate(members)
    }
    numbers = unit.numbers.take("audit", len(rows))
    unit.db.insert(
        _EVENT,
        [
            (
                number,
                # An unknown class would stop the sequencer: it is refused here.
                EventClass(row.event_class).value,
                row.recorded_at,
                *places[index],
                whole_days(row.retain_until),
                row.commitment,
            )
            for index, (number, row) in enumerate(zip(numbers, rows, strict=True))
        ],
    )
    unit.db.insert(_PENDING, [(number,) for number in numbers])
    unit.unnumbered = True
