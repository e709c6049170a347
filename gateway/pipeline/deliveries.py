"""Deliveries as decide makes them: identity towards the partner, lanes, expiry."""

from __future__ import annotations

from base64 import b32encode
from dataclasses import dataclass
from hashlib import blake2b

from gateway.domain.message import Arrival
from gateway.domain.time import Instant
from gateway.pipeline.decide import Answer, decision_bytes
from gateway.pipeline.ports import NewDelivery
from gateway.pipeline.route import Routed


def control_id(arrival: Arrival, endpoint: str) -> str:
    """Name a delivery towards its partner: 16 letters and digits, the same on every replay.

    HL7 v2.5 gives MSH-10 twenty characters.
    """
    identity = f"{arrival.endpoint}\0{arrival.control_id}\0{endpoint}\0".encode() + arrival.digest
    return b32encode(blake2b(identity, digest_size=10).digest()).decode()


@dataclass(frozen=True, slots=True)
class Lanes:
    """Whose order a delivery keeps, and whose data key seals its decision."""

    #: First Patient of the message; 0 for none.
    patient: int
    #: All records of all its patients; (0,) for none.
    patients: tuple[int, ...]
    subject: int


def new_delivery(
    message: int,
    arrival: Arrival,
    routed: Routed,
    answer: Answer,
    lanes: Lanes,
    *,
    expires_at: Instant,
    retain_until: Instant,
) -> NewDelivery:
    """Make the row of one delivery."""
    return NewDelivery(
        message_id=message,
        endpoint=routed.endpoint,
        route=routed.route,
        organization=routed.organization,
        patient=lanes.patient,
        lanes=lanes.patients,
        subject=lanes.subject,
        state=answer.state,
        reason=answer.reason,
        control_id=control_id(arrival, routed.endpoint),
        expires_at=expires_at,
        decision=decision_bytes(answer.decision),
        retain_until=retain_until,
    )
