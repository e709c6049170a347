"""FHIR R4 → one HL7 v2 message for partners that speak nothing else.

The message follows from the content: a document becomes MDM, an appointment SIU, an order OMG or
ORM, a report or observations ORU, an encounter ADT, a patient alone ADT^A31. Its version and form
are the partner's (`mappers.dialect.Outgoing`). One bundle is one message, because one delivery is
one payload with one acknowledgement; what would need several is refused.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mappers import base
from mappers.times import to_hl7

if TYPE_CHECKING:
    from mappers.base import Context, Resource


@dataclass(frozen=True, slots=True)
class Encoded:
    """One HL7 v2 message and what of the bundle it could not carry."""

    #: ER7, segments end with CR, in the partner's character set.
    data: bytes
    #: MSH-9 as "ADT^A01".
    message_type: str
    #: FHIRPath of every element without a place in the message, e.g. "Patient.photo[0]".
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What one message says of itself."""

    #: MSH-10.
    control_id: str
    #: MSH-7 as an HL7 timestamp.
    time: str
    #: Trigger event of the message the content came with, e.g. "A02"; empty when unknown.
    event: str = ""


def encode(
    bundle: Resource,
    context: Context,
    *,
    sending: tuple[str, str],
    receiving: tuple[str, str],
    control_id: str,
    time: str,
    charset: str,
    event: str = "",
) -> Encoded:
    """Write the resources of a Bundle as one HL7 v2 message.

    `context.dialect` is the partner's. `sending` and `receiving` are (application, facility),
    `control_id` is MSH-10, `time` MSH-7 as an HL7 timestamp, `charset` MSH-18 (table 0211; empty
    for UNICODE UTF-8), `event` the trigger event the content came with. A resource whose
    `meta.versionId` is above 1 is taken as known to the partner. Raises NotSupported when no
    message carries the content or one alone does not, and NotConformant when the character set
    lacks a character.
    """
    from mappers.hl7v2.write.message import write

    return write(bundle, context, (sending, receiving), Stamp(control_id, time, event), charset)


def as_format(bundle: Resource, context: Context) -> base.Encoded:
    """Write a Bundle as its envelope addresses it (`Format.encode`).

    Without a control id it is named by its content, without a time it has that of the Bundle.
    Raises as `encode`.
    """
    envelope = context.envelope
    digest = hashlib.sha256(repr(bundle).encode()).hexdigest()
    written = encode(
        bundle,
        context,
        sending=envelope.sending,
        receiving=envelope.receiving,
        control_id=envelope.control_id or digest[:20].upper(),
        time=to_hl7(envelope.time or str(bundle.get("timestamp") or "")),
        charset=envelope.charset,
        event=envelope.event,
    )
    return base.Encoded(written.data, written.left_out)
