"""The orders an appointment is for: SCH-26, -27, ARQ-24, -25 with AIS → ServiceRequest.

Tables SCH[ServiceRequest] and AIS[ServiceRequest]: only where order numbers are said, or what
only an order has an element for (AIS-11, AIS-12). Orders and services are paired in their order.
"""

from __future__ import annotations

from typing import Any

from mappers.base import Key
from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.identifiers import ei
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import V2, Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment

_NUMBERS = {"SCH": ((26, "PLAC"), (27, "FILL")), "ARQ": ((24, "PLAC"), (25, "FILL"))}
_SUPPLEMENTS = (11, 12)
#: Elements that only fill what the order itself has not said.
_WEAK = ("status", "intent", "code", "occurrencePeriod")

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "SCH-26": ("Appointment.basedOn", "ServiceRequest.identifier"),
    "SCH-27": ("Appointment.basedOn", "ServiceRequest.identifier"),
    "ARQ-24": ("Appointment.basedOn", "ServiceRequest.identifier"),
    "ARQ-25": ("Appointment.basedOn", "ServiceRequest.identifier"),
    "AIS-3": ("ServiceRequest.code",),
    "AIS-4": ("ServiceRequest.occurrencePeriod",),
    "AIS-5": ("ServiceRequest.occurrencePeriod",),
    "AIS-7": ("ServiceRequest.occurrencePeriod",),
    "AIS-11": ("ServiceRequest.orderDetail",),
    "AIS-12": ("ServiceRequest.orderDetail",),
}


def orders(session: Session, segment: Segment, appointment: Draft) -> None:
    """Order numbers → the orders the appointment is based on."""
    sides = []
    for field, kind in _NUMBERS[segment.name]:
        coding = {"system": V2 + "0203", "code": kind}
        found = [ei(session, repetition, "order") for repetition in segment.repetitions(field)]
        sides.append([{"type": {"coding": [coding]}, **one} for one in found if one is not None])
    for number in range(max(map(len, sides))):
        named = [side[number] for side in sides if number < len(side)]
        stated = {"type": "ServiceRequest", "identifier": named[0]}
        if session.patient is not None and session.patient.id:
            stated = _order(session, named, number)
        session.append(appointment, "basedOn", stated)


def _order(session: Session, named: list[dict[str, Any]], number: int) -> dict[str, Any]:
    """The order, by the number and service an order message names it by."""
    services = session.message.all("AIS")
    code = services[number].first(3) if number < len(services) else None
    value, system = str(named[0]["value"]), str(named[0]["system"])
    if code is not None:
        system, value = f"{system}/order", f"{value}|{code}"
    draft = session.draft("ServiceRequest", Key("ServiceRequest", system, value))
    for identifier in named:
        session.append(draft, "identifier", identifier)
    _begun(session, draft)
    return {**reference(draft), "identifier": named[0]}


def _begun(session: Session, draft: Draft) -> None:
    resource = draft.resource
    if "status" not in resource and session.patient is not None:
        resource["status"] = "active"
        resource["intent"] = "order"
        resource["subject"] = reference(session.patient)
        draft.weak += _WEAK


def detail(session: Session, segment: Segment, lasting: dict[str, Any], appointment: Draft) -> None:
    """AIS → what the order is of, when, and its further codes."""
    draft = _of_service(session, segment, appointment)
    if draft is None:
        return
    resource = draft.resource
    for repetition in segment.repetitions(3):
        kind = concept(session, repetition)
        if kind is not None and resource.setdefault("code", kind) != kind:
            session.append(draft, "orderDetail", kind)
    if lasting:
        session.say(draft, "occurrencePeriod", dict(lasting))
    for field in _SUPPLEMENTS:
        for repetition in segment.repetitions(field):
            kind = concept(session, repetition)
            if kind is not None:
                session.append(draft, "orderDetail", kind)


def _of_service(session: Session, segment: Segment, appointment: Draft) -> Draft | None:
    """The order this service belongs to: the one in the same place, else the last."""
    known = [
        one["reference"] for one in appointment.resource.get("basedOn", ()) if "reference" in one
    ]
    if known:
        number = min(segment.occurrence - 1, len(known) - 1)
        return session.drafts[known[number].partition("/")[2]]
    supplements = any(segment.has(field) for field in _SUPPLEMENTS)
    if not supplements or session.patient is None or not session.patient.id:
        return None
    draft = session.natural("ServiceRequest", appointment.id, segment.first(3) or "")
    _begun(session, draft)
    session.append(appointment, "basedOn", reference(draft))
    return draft
