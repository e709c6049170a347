"""What wires hand in and take out: received frames, outgoing messages, and how sending failed.

Senders raise one of three classes and the class alone decides what happens next:
`PartnerUnavailable` (retry), `PartnerUncertain` (ambiguous), `PartnerRefused` (dead).
None of the texts and codes carried here repeats a value of a message.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from profiles.issue import DeliveryRefused, DeliveryUncertain, Unavailable

#: Bytes of a partner's answer that are kept with a delivery.
ANSWER_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Received:
    """One complete frame as it came over a wire."""

    #: Id of the endpoint that listens.
    endpoint: str
    #: Network address of the sender, without port.
    peer: str
    #: SHA-256 of the sender's client certificate (hex), empty without one.
    certificate: str
    #: The message exactly as received; of an oversize frame only its first segment.
    data: bytes
    #: The frame was longer than the endpoint takes; the rest was drained and is gone.
    oversize: bool = False
    #: Length of the whole frame in bytes.
    size: int = 0


#: Takes a frame and gives its answer; None means: close without an answer.
#: It is called in the order of arrival and must take its place before its first `await`
#: (a plain function that returns a Future is fine, too).
Receive = Callable[[Received], Awaitable[bytes | None]]


class WireFault(StrEnum):
    """Why a listener turned a connection or a frame away."""

    PEER_REFUSED = "peer-refused"
    TOO_MANY_CONNECTIONS = "too-many-connections"
    TLS_FAILED = "tls-failed"
    CERTIFICATE_REFUSED = "certificate-refused"
    PROTOCOL_ERROR = "protocol-error"
    FRAME_TIMEOUT = "frame-timeout"
    IDLE = "idle"
    INCOMPLETE_FRAME = "incomplete-frame"
    SPOOL_FAILED = "spool-failed"
    RECEIVE_FAILED = "receive-failed"
    NOT_READING = "not-reading"
    OUT_OF_RESOURCES = "out-of-resources"


@dataclass(frozen=True, slots=True)
class WireEvent:
    """One thing a listener saw and the audit trail should know."""

    fault: WireFault
    endpoint: str
    peer: str
    #: Fixed words, never content.
    detail: str = ""


Observe = Callable[[WireEvent], None]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One attempt to hand a message to a partner; a resend repeats the same bytes."""

    #: Endpoint id of the destination.
    endpoint: str
    payload: bytes
    #: MSH-10, or the Bundle's identifier: stable over retries.
    control_id: str
    content_type: str
    #: Seconds this attempt may take in total, connecting included.
    deadline: float = 30.0


@dataclass(frozen=True, slots=True)
class Sent:
    """The partner's positive answer."""

    #: MSA-1 or the HTTP status.
    status: str
    #: The answer's first 64 kB as it came.
    answer: bytes
    #: Fixed words and codes, never values.
    detail: str = ""


class Sender(Protocol):
    """Hands messages to one partner."""

    async def send(self, delivery: Outgoing) -> Sent:
        """Send and return the positive answer.

        Raises PartnerUnavailable, PartnerUncertain or PartnerRefused, nothing else.
        """

    async def close(self) -> None:
        """Give the connections back."""


class PartnerUnavailable(Unavailable):
    """The partner does not take messages at the moment; nothing of this one was stored there."""

    def __init__(
        self, detail: str, *, retry_after: float | None = None, answer: bytes = b""
    ) -> None:
        """Carry the reason (fixed words) and the seconds the partner asks to wait."""
        super().__init__(detail)
        self.retry_after = retry_after
        self.answer = answer[:ANSWER_LIMIT]


class PartnerUncertain(DeliveryUncertain):
    """Bytes left, and no answer says whether the partner has the message."""

    def __init__(self, detail: str, *, answer: bytes = b"") -> None:
        """Carry the reason (fixed words) and what the partner did answer, if anything."""
        super().__init__(detail)
        self.answer = answer[:ANSWER_LIMIT]


class PartnerRefused(DeliveryRefused):
    """The partner said no; sending the same bytes again would not change that."""

    def __init__(self, detail: str, *, codes: tuple[str, ...] = (), answer: bytes = b"") -> None:
        """Carry the reason (fixed words) and the partner's codes (table 0357, issue types)."""
        super().__init__(detail)
        self.codes = codes
        self.answer = answer[:ANSWER_LIMIT]
