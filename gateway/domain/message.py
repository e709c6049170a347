"""A message: what arrived, who sent it, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.time import Instant


class MessageState(StrEnum):
    """The life of a message; the only values of `message.state`."""

    #: Bytes are stored and acknowledged on receipt; set by intake; processing follows.
    RECEIVED = "received"
    #: Answered AE or AR (HTTP 4xx); kept as evidence, never replayed by itself; set by intake.
    REJECTED = "rejected"
    #: Unreadable for us or our mapping failed; responsibility is ours; set by record.
    QUARANTINED = "quarantined"
    #: Translated and stored; no route wanted it or its recipient is unknown; set by route.
    UNROUTED = "unrouted"
    #: Translated and stored; its deliveries tell the rest; set by route.
    ROUTED = "routed"


#: Message states that wait for a person.
NEEDS_PERSON = frozenset({MessageState.QUARANTINED, MessageState.UNROUTED})


@dataclass(frozen=True, slots=True)
class Arrival:
    """One input as it came in, before anything was understood beyond its header."""

    endpoint: str
    organization: str
    #: MSH-10, Bundle.identifier or Idempotency-Key; "" when the sender gave none.
    control_id: str
    #: MSH-3|MSH-4, or the caller's organization.
    sender: str
    #: "hl7v2" or "fhir_r4".
    format: str
    data: bytes
    #: Keyed digest of `data` (HMAC-SHA-256, 32 bytes).
    digest: bytes
    received_at: Instant
    #: production, training or debugging (MSH-11); "P" for others.
    processing_id: str = "P"
