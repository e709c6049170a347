"""FT1 of a payment → PaymentNotice about the account (HL7 v2.5 chapter 6.5.1)."""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.identifiers import cx
from mappers.hl7v2.datatypes.money import money
from mappers.hl7v2.datatypes.parties import organization
from mappers.hl7v2.segments import gt1
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment
from mappers.trace import text

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "FT1": ("PaymentNotice.request",),
    "FT1-2": ("PaymentNotice.identifier",),
    "FT1-4": ("PaymentNotice.paymentDate", "PaymentNotice.created"),
    "FT1-5": ("PaymentNotice.created",),
    "FT1-6": ("PaymentNotice.status",),
    "FT1-11": ("PaymentNotice.amount",),
    "FT1-30": ("PaymentNotice.payment",),
    "FT1-32": ("PaymentNotice.recipient",),
}


def named(session: Session, segment: Segment, kind: str, patient: Draft) -> Draft:
    """Name a transaction by its number, else by patient, time, code and amount."""
    for repetition in segment.repetitions(2):
        identifier = cx(session, repetition, "transaction")
        if identifier is not None:
            return session.natural(kind, patient.id, identifier["system"], identifier["value"])
    said = [str(segment.first(n) or "") for n in (4, 6, 7, 8, 11, 23)]
    before = session.counts.get((kind, patient.id, *said), 0)
    session.counts[kind, patient.id, *said] = before + 1
    return session.natural(kind, patient.id, *said, *([before] if before else []))


def notice(session: Session, segment: Segment, patient: Draft) -> Draft | None:
    """FT1 of a payment → PaymentNotice; without its amount or time it cannot be one."""
    amount = next((m for r in segment.repetitions(11) if (m := money(session, r))), None)
    when = session.date_time(segment.first(5)) or session.date_time(segment.first(4))
    account = gt1.account(session)
    if amount is None or when is None or account is None:
        session.issue("required", "the payment says not how much and when", "FT1-11", "101")
        return None
    draft = named(session, segment, "PaymentNotice", patient)
    resource = draft.resource
    for repetition in segment.repetitions(2):
        if (identifier := cx(session, repetition, "transaction")) is not None:
            session.append(draft, "identifier", identifier)
    kind = segment.first(6)
    resource["status"] = text("active", kind.source) if kind is not None else "active"
    resource["request"] = reference(account)
    resource["created"] = when
    paid = session.date(segment.first(4))
    if paid is not None:
        resource["paymentDate"] = paid
    resource["payment"] = _payment(session, segment)
    resource["recipient"] = _recipient(session, segment)
    resource["amount"] = amount
    return draft


def _payment(session: Session, segment: Segment) -> dict[str, Any]:
    """FT1-30: the number of the payment itself."""
    for repetition in segment.repetitions(30):
        identifier = cx(session, repetition, "payment-reference")
        if identifier is not None:
            return {"type": "PaymentReconciliation", "identifier": identifier}
    return {"type": "PaymentReconciliation", "display": "the payment"}


def _recipient(session: Session, segment: Segment) -> dict[str, Any]:
    """FT1-32, else the house that sends."""
    for repetition in segment.repetitions(32):
        house = organization(session, repetition)
        if house is not None:
            return house
    return {"type": "Organization", "display": "the sending facility"}
