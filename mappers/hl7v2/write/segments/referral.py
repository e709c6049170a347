"""ServiceRequest as a referral → RF1, PRD and OBR (HL7 v2.5 chapter 11.6)."""

from __future__ import annotations

from typing import Any

from mappers.base import Resource
from mappers.hl7v2.write.datatypes import codings
from mappers.hl7v2.write.datatypes.contacts import xad, xtn
from mappers.hl7v2.write.datatypes.identifiers import ei, own_first, type_code
from mappers.hl7v2.write.datatypes.names import xpn
from mappers.hl7v2.write.datatypes.parties import house, is_organization
from mappers.hl7v2.write.er7 import Segment
from mappers.hl7v2.write.segments.notes import notes
from mappers.hl7v2.write.segments.orders import order_numbers, request
from mappers.hl7v2.write.writing import Writing
from mappers.trace import text

#: Role of a provider (table 0286): who refers, to whom.
_REFERRING = ("RP", "Referring Provider", "HL70286")
_REFERRED_TO = ("RT", "Referred to Provider", "HL70286")
#: Status → RF1-1 (table 0283).
_STATUS = {"active": "P", "completed": "A", "revoked": "R"}


def rf1(w: Writing, order: Resource) -> list[Segment]:
    """ServiceRequest → RF1."""
    segment = w.segment("RF1")
    status = order.get("status")
    if status is not None and status in _STATUS:
        segment.put(1, text(_STATUS[status], status.source))
    segment.put(2, w.code("order-priority", order.get("priority")))
    for identifier in own_first(w, order.get("identifier", ())):
        kind = [str(c.get("code")) for c in identifier.get("type", {}).get("coding", ())]
        if segment.make(6 if "FILL" not in kind else 11, ei, w, identifier, "order"):
            w.carried(identifier.get("type") if kind in (["PLAC"], ["FILL"]) else None)
    period = order.get("occurrencePeriod", {})
    segment.put(7, w.time(order.get("occurrenceDateTime") or period.get("start")))
    segment.put(8, w.time(period.get("end")))
    segment.put(9, w.time(order.get("authoredOn")))
    for reason in order.get("reasonCode", ()):
        segment.make(10, codings.cwe, w, reason)
    return [segment]


def prd(w: Writing, order: Resource) -> list[Segment]:
    """Who refers and to whom → PRD."""
    stated = [(_REFERRING, order.get("requester"))]
    stated += [(_REFERRED_TO, reference) for reference in order.get("performer", ())]
    return [
        segment
        for role, reference in stated
        if reference is not None and (segment := _provider(w, role, reference)) is not None
    ]


def _provider(w: Writing, role: tuple[str, str, str], reference: dict[str, Any]) -> Segment | None:
    segment = w.segment("PRD")
    segment.put(1, *role)
    if is_organization(w, reference):
        name, identifier = house(w, reference)
        segment.put(2, name)
        target = w.source.resolve(reference) or {}
    else:
        target = _person(w, reference)
        names = target.get("name", ())
        named = [segment.make(2, xpn, w, one) for one in names]
        if any(named):
            w.carried(reference.get("display"))
        elif not names:
            segment.put(2, reference.get("display"))
        known = own_first(w, target.get("identifier", ()))
        identifier = known[0] if known else reference.get("identifier")
    _contact(w, segment, target)
    if identifier is not None:
        segment.put(7, identifier.get("value"), type_code(w, identifier), identifier.get("system"))
    return segment if segment.has(2, 7) else None


def _contact(w: Writing, segment: Segment, target: Resource) -> None:
    for address in target.get("address", ()):
        segment.make(3, xad, w, address)
    for point in target.get("telecom", ()):
        segment.make(5, xtn, w, point)


def _person(w: Writing, reference: dict[str, Any]) -> Resource:
    target = w.source.resolve(reference)
    if target is None:
        return {}
    w.carried(reference["reference"], reference.get("type"))
    if target["resourceType"] == "PractitionerRole":
        role, target = target, w.source.resolve(target.get("practitioner"))
        w.carried(role.get("practitioner"))
    return target or {}


def ordered(w: Writing, order: Resource) -> list[Segment]:
    """What is asked for → OBR and NTE."""
    obr = w.segment("OBR", "1")
    order_numbers(w, obr, {"basedOn": ()}, order)
    request(w, obr, order)
    return [obr, *notes(w, order)]
