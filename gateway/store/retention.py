"""Retention: what is past its time goes, in bounded pieces between the messages of the day.

Messages go with their ended deliveries and with the resources they speak of; a resource stays
while a later message keeps it, a Patient while anything of it stays. Nothing goes that an undone
delivery needs. Bodies and data keys go by their own time, and with a key everything sealed with
it. Audit events leave a tombstone that names their leaves; leaves stay for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from gateway.domain.delivery import ENDED, DeliveryState
from gateway.domain.time import DAY, Instant
from gateway.evidence import audit_event
from gateway.evidence.event_class import EventClass
from gateway.evidence.parts import Party
from gateway.pipeline.site import Site
from gateway.store import audit, clients, erasure, exports
from gateway.store.bodies import whole_days
from gateway.store.messages import targets
from gateway.store.store import Store
from gateway.store.unit import Unit, unit_of

#: Messages, bodies, keys, events in one transaction.
BATCH = 200
#: Identifier terms looked at in one transaction.
SWEEP = 5_000
#: A piece of work waits this long for its commit, in seconds.
PATIENCE = 60.0
#: Legal basis named in tombstones: the end of retention.
LEGAL_BASIS = "Art. 5 (1) e DSGVO"

_UNDONE_STATES = sorted(state.value for state in DeliveryState if state not in ENDED)
_EXPIRED = (
    "SELECT message, targets FROM message WHERE retain_until <= ? AND state <> 'received'"
    " AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.message = message.message"
    " AND d.state {texts}) ORDER BY retain_until LIMIT ?"
)
_UNDONE = (
    "SELECT message FROM message WHERE retain_until <= ? AND message > ?"
    " AND (state = 'received' OR EXISTS (SELECT 1 FROM delivery d"
    " WHERE d.message = message.message AND d.state {texts})) ORDER BY message LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class RetentionReport:
    """What one run deleted."""

    messages: int = 0
    resources: int = 0
    deliveries: int = 0
    bodies: int = 0
    keys: int = 0
    events: int = 0


#: Above every number of a row.
NO_END = 2**62


@dataclass(slots=True)
class _Run:
    """One run: what is counted on the way."""

    site: Site
    now: Instant
    counted: RetentionReport = field(default_factory=RetentionReport)
    #: Segments of the search tables that name deleted resources.
    segments: set[int] = field(default_factory=set)
    swept: bytes = b""
    #: Last message whose contents were kept for its undone deliveries.
    kept: int = 0
    #: Last resource that was looked at because no message brought it.
    written: int = NO_END

    def add(self, **counts: int) -> None:
        self.counted = replace(
            self.counted,
            **{name: getattr(self.counted, name) + count for name, count in counts.items()},
        )


def run(store: Store, site: Site, *, now: Instant = 0) -> RetentionReport:
    """Delete what is past its time; `now` is the present instant unless given.

    Raises Unavailable when the store does not answer; what was deleted before stays deleted.
    """
    at = now or store.writer.submit(lambda tx: tx.now).result(PATIENCE)
    state = _Run(site, at)
    store.writer.submit(lambda tx: _forget(unit_of(tx), at)).result(PATIENCE)
    for step in (_undone, _messages, _written, _bodies, _keys, _events):
        _repeat(store, state, step)
    _sweep(store, state)
    return state.counted


def sweep(store: Store, site: Site, segments: Iterable[int]) -> None:
    """Delete what search tables and identifiers say about resources that are gone.

    Raises Unavailable when the store does not answer.
    """
    state = _Run(site, 0, segments=set(segments))
    _repeat(store, state, lambda unit, _: unit.identifiers.settle())
    _sweep(store, state)


def _sweep(store: Store, state: _Run) -> None:
    for segment in sorted(state.segments):
        for table in erasure.INDEXES:
            _repeat(store, state, _index_sweep(segment, table))
    if state.segments:
        _repeat(store, state, _identifiers)


def _forget(unit: Unit, at: Instant) -> None:
    clients.forget_used(unit, at)
    exports.forget(unit, at)


def _repeat(store: Store, state: _Run, step: Callable[[Unit, _Run], bool]) -> None:
    """Run a step in transactions of its own until it says that nothing is left."""
    while store.writer.submit(lambda tx: step(unit_of(tx), state)).result(PATIENCE):
        pass


def _undone(unit: Unit, state: _Run) -> bool:
    """Keep what undone deliveries and messages not processed yet still need."""
    rows = unit.db.query_in(_UNDONE, _UNDONE_STATES, before=(state.now, state.kept), after=(BATCH,))
    erasure.keep_contents(unit.db, [row[0] for row in rows], whole_days(state.now + DAY))
    state.kept = rows[-1][0] if rows else 0
    return len(rows) == BATCH


def _messages(unit: Unit, state: _Run) -> bool:
    rows = unit.db.query_in(_EXPIRED, _UNDONE_STATES, before=(state.now,), after=(BATCH,))
    numbers = [row[0] for row in rows]
    spoken_of = {number for row in rows for number, _ in targets(bytes(row[1]))}
    resources = erasure.expired_resources(unit.db, spoken_of, state.now)
    deliveries = erasure.delete_deliveries(unit.db, numbers)
    erasure.delete_resources(unit.db, resources)
    erasure.delete(unit.db, "message", numbers)
    unit.numbers.remember()
    state.segments |= erasure.segments_of(resources)
    state.add(messages=len(numbers), resources=len(resources), deliveries=deliveries)
    return len(rows) == BATCH


def _written(unit: Unit, state: _Run) -> bool:
    """Delete what callers of the FHIR interface wrote; what belongs to a Patient before it."""
    rows = unit.db.query(
        "SELECT resource FROM resource WHERE message = 0 AND retain_until <= ? AND resource < ?"
        " ORDER BY resource DESC LIMIT ?",
        (state.now, state.written, BATCH),
    )
    resources = erasure.expired_resources(unit.db, [row[0] for row in rows], state.now)
    erasure.delete_resources(unit.db, resources)
    unit.numbers.remember()
    state.segments |= erasure.segments_of(resources)
    state.add(resources=len(resources))
    state.written = rows[-1][0] if rows else 0
    return len(rows) == BATCH


def _bodies(unit: Unit, state: _Run) -> bool:
    rows = unit.db.query(
        "SELECT body FROM body WHERE retain_until <= ? ORDER BY retain_until LIMIT ?",
        (state.now, BATCH),
    )
    erasure.delete(unit.db, "body", [row[0] for row in rows])
    unit.bodies.forget()
    state.add(bodies=len(rows))
    return len(rows) == BATCH


def _keys(unit: Unit, state: _Run) -> bool:
    """Destroy data keys; they are never younger than the bodies sealed with them."""
    rows = unit.db.query(
        "SELECT subject FROM data_key WHERE retain_until <= ? ORDER BY retain_until LIMIT ?",
        (state.now, BATCH),
    )
    erasure.delete(unit.db, "data_key", [row[0] for row in rows], column="subject")
    unit.bodies.forget()
    state.add(keys=len(rows))
    return len(rows) == BATCH


def _events(unit: Unit, state: _Run) -> bool:
    rows = unit.db.query(
        "SELECT audit FROM audit_event WHERE retain_until <= ?"
        " AND audit NOT IN (SELECT audit FROM audit_pending) ORDER BY retain_until, audit LIMIT ?",
        (state.now, BATCH),
    )
    numbers = [row[0] for row in rows]
    if not numbers:
        return False
    leaves = sorted(
        row[0] for row in unit.db.query_in("SELECT seq FROM leaf WHERE audit {ints}", numbers)
    )
    auditor = state.site.auditor
    event = audit_event.tombstone(
        auditor.stamp(unit.now),
        ranges=_ranges(leaves),
        legal_basis=LEGAL_BASIS,
        authorizer=Party(value="retention"),
    )
    erasure.delete(unit.db, "audit_event", numbers, column="audit")
    audit.add(unit, [auditor.row(EventClass.TOMBSTONE, unit.now, event)])
    state.add(events=len(numbers))
    return len(rows) == BATCH


def _ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Join consecutive numbers into (first, last)."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def _index_sweep(segment: int, table: str) -> Callable[[Unit, _Run], bool]:
    def step(unit: Unit, _: _Run) -> bool:
        erasure.sweep_index(unit.db, table, segment)
        return False

    return step


def _identifiers(unit: Unit, state: _Run) -> bool:
    state.swept = unit.identifiers.sweep(state.swept, SWEEP)
    return bool(state.swept)
