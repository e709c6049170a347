"""What readers of the store get: plain rows, bodies only where asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.domain.delivery import Delivery
from gateway.domain.message import MessageState
from gateway.domain.time import Instant


@dataclass(frozen=True, slots=True)
class StoredResource:
    """One version of a stored resource."""

    #: Store number; grows with the order of first storing.
    number: int
    type: str
    id: str
    version: int
    #: Organization whose message made it.
    organization: str
    #: Store number and logical id of its Patient; 0 and "" for none.
    patient: int
    patient_id: str
    updated_at: Instant
    deleted: bool
    #: JSON bytes as they were written: without meta.versionId and meta.lastUpdated.
    body: bytes


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message as operators see it: no content."""

    number: int
    endpoint: str
    organization: str
    control_id: str
    sender: str
    received_at: Instant
    processing_id: str
    format: str
    message_type: str
    state: MessageState
    reason: str
    patient: int
    fields: int
    mapped: int
    ignored: int
    unmapped: int
    issues: int
    answer_code: str
    retain_until: Instant


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to send."""

    number: int
    started_at: Instant
    ended_at: Instant
    result: str
    detail: str


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """A delivery with what happened to it."""

    delivery: Delivery
    changed_at: Instant
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One thing that needs a person, or that waits for a consent."""

    #: message, delivery or identity.
    kind: str
    #: Number of the message, the delivery or the link event.
    number: int
    #: quarantined, unrouted, held, ambiguous, dead, waiting_for_consent.
    state: str
    reason: str
    since: Instant
    #: Endpoint it came from or goes to; "" for identity.
    endpoint: str = ""
    #: Store numbers of the Patients concerned.
    patients: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """How much is where, for health and metrics; cheap whatever the store holds."""

    #: Messages that wait for processing or a person, by state.
    messages: Mapping[str, int]
    #: Undone deliveries by state, dead ones included.
    deliveries: Mapping[str, int]
    #: Undone deliveries by endpoint.
    endpoints: Mapping[str, int]
    #: Identity cases that wait for a person.
    identity: int
    #: Audit events without a number in the log, and when the oldest was recorded (0: none).
    unnumbered: int
    unnumbered_since: Instant
    #: Resources the search tables do not have yet.
    unindexed: int
    #: When the oldest undone delivery was made (0: none).
    oldest_delivery: Instant
    #: When the oldest thing that needs a person came to be (0: none).
    oldest_work: Instant
    #: Leaves in the audit log.
    leaves: int
    #: Highest message number: about how many there were.
    messages_ever: int
