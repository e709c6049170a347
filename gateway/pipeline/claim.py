"""Claim: take what is due, ask consent again, store the bytes, mark them inflight; one job.

Only after its commit may the bytes leave. A resend repeats its stored bytes; when less may go out
now, the delivery ends and a new one takes its place.
"""

from __future__ import annotations

from base64 import b32encode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from gateway.consent import PERMIT
from gateway.domain.delivery import Delivery, DeliveryState
from gateway.domain.log import log
from gateway.domain.time import Instant
from gateway.pipeline import lease
from gateway.pipeline.batch import FAULTS
from gateway.pipeline.decide import decision_bytes
from gateway.pipeline.disclose import Verdict, disclosed, patient_ids, verdicts
from gateway.pipeline.encode import Source, Written, encode, media_type
from gateway.pipeline.ports import AuditRow, NewDelivery, Transaction
from gateway.pipeline.settle import Move, moved, write
from gateway.pipeline.site import Site

_log = log("claim")

#: Reason of a delivery that ended because less may go out than its stored bytes hold.
DECISION_CHANGED = "decision-changed"


@dataclass(frozen=True, slots=True)
class Ready:
    """A delivery that is inflight once its claim has committed."""

    delivery: Delivery
    payload: bytes
    #: Logical ids, for the evidence.
    patients: tuple[str, ...]
    #: The decision it leaves by (JSON).
    decision: bytes
    #: Of the payload.
    media_type: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """What one claim brought."""

    #: May leave after the commit.
    ready: tuple[Ready, ...] = ()
    #: Endpoint → how many were taken, those that moved elsewhere included.
    taken: Mapping[str, int] = field(default_factory=dict)

    def leaves_more(self, room: Mapping[str, int]) -> bool:
        """Say whether more may be due: an endpoint was full, or lanes were released."""
        return sum(self.taken.values()) > len(self.ready) or any(
            self.taken.get(name, 0) >= free for name, free in room.items()
        )


@dataclass(frozen=True, slots=True)
class _Fate:
    """What becomes of one claimed delivery: it is ready, or it moves elsewhere."""

    audit: Sequence[AuditRow]
    ready: Ready | None = None
    move: Move | None = None
    #: What takes its place.
    anew: NewDelivery | None = None


def claim(tx: Transaction, site: Site, room: Mapping[str, int]) -> Claimed:
    """Take what is due, at most `room[endpoint]`."""
    claimed = tx.claim(room, lease_until=tx.now + lease.duration(site.region, room))
    if not claimed:
        return Claimed()
    rows = _sources(tx, claimed)
    stored = tx.outgoing([delivery.id for delivery in claimed if delivery.attempts])
    fates = [
        _fate(site, delivery, source, verdict, stored.get(delivery.id, b""), tx.now)
        for (delivery, source), verdict in zip(rows, verdicts(tx, site, rows), strict=True)
    ]
    ready = [fate.ready for fate in fates if fate.ready]
    lost = set(tx.begin([(one.delivery, one.payload, one.decision) for one in ready]))
    tx.add_audit([row for fate in fates for row in fate.audit])
    # Before the ones they replace leave their lanes: they take their places.
    tx.add_deliveries([fate.anew for fate in fates if fate.anew])
    write(tx, site, [fate.move for fate in fates if fate.move])
    return Claimed(
        tuple(one for one in ready if one.delivery.id not in lost),
        Counter(delivery.endpoint for delivery in claimed),
    )


def _sources(tx: Transaction, claimed: Sequence[Delivery]) -> list[tuple[Delivery, Source]]:
    messages = {delivery.message_id for delivery in claimed}
    raw, contents = tx.raw(messages), tx.contents(messages)
    return [
        (d, Source(raw.get(d.message_id, b""), contents.get(d.message_id, []))) for d in claimed
    ]


def _fate(
    site: Site, delivery: Delivery, source: Source, verdict: Verdict, stored: bytes, now: Instant
) -> _Fate:
    """Follow the verdict; a delivery that cannot be written ends alone."""
    patients, decision = patient_ids(delivery, source), decision_bytes(verdict.decision)
    if verdict.state is not DeliveryState.INFLIGHT:
        move = moved(delivery, verdict.state, verdict.reason, now, patients, decision)
        return _Fate(verdict.audit, move=move)
    try:
        written = _written(site, delivery, source, verdict, stored)
        kind = media_type(site, site.region.endpoints[delivery.endpoint])
    except FAULTS as error:
        _log.error("delivery_not_encodable", delivery=delivery.id, error=type(error).__name__)
        move = moved(delivery, DeliveryState.DEAD, "form", now, patients)
        return _Fate(verdict.audit, move=move)
    if stored and written.data != stored:
        state = DeliveryState.CANCELLED_BY_CONSENT
        move = moved(delivery, state, DECISION_CHANGED, now, patients)
        return _Fate(verdict.audit, move=move, anew=_anew(site, delivery, source, verdict))
    audit = [*verdict.audit, *disclosed(site, delivery, source, verdict, written, now)]
    return _Fate(audit, ready=Ready(delivery, written.data, patients, decision, kind))


def _written(
    site: Site, delivery: Delivery, source: Source, verdict: Verdict, stored: bytes
) -> Written:
    """Write what may go out; a resend repeats its bytes unless less may go out now."""
    if stored and verdict.decision.outcome == PERMIT:
        return Written(stored)
    return encode(site, delivery, source, verdict.decision)


def _anew(site: Site, delivery: Delivery, source: Source, verdict: Verdict) -> NewDelivery:
    """Make the delivery that takes the place of one whose decision changed on the way."""
    first = source.contents[0]
    name = blake2b(delivery.control_id.encode(), digest_size=10).digest()
    return NewDelivery(
        message_id=delivery.message_id,
        endpoint=delivery.endpoint,
        route=delivery.route,
        organization=delivery.organization,
        patient=delivery.patients[0],
        lanes=delivery.patients,
        subject=first.subject,
        state=DeliveryState.QUEUED,
        reason=verdict.reason,
        control_id=b32encode(name).decode(),
        expires_at=delivery.expires_at,
        decision=decision_bytes(verdict.decision),
        retain_until=site.retain_until(first.organization, delivery.created_at),
        instead_of=delivery.id,
    )
