"""ORC of a pharmacy order: its numbers, its status, who is behind it (HL7 v2.5 chapter 4.5.1).

One ORC may be followed by what was asked for (RXO), what the pharmacy made of it (RXE) and what
was dispensed (RXD), given (RXG) or administered (RXA): each a resource of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from mappers.base import Key
from mappers.hl7v2.datatypes.identifiers import ei, eip
from mappers.hl7v2.datatypes.parties import organization_at, practitioner
from mappers.hl7v2.segments.order_event import event
from mappers.hl7v2.segments.orders import labels, order_identifiers
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.segments.requester import requester, role
from mappers.hl7v2.session import V2, Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment
from mappers.trace import text

#: Segments that say what is ordered, dispensed, given or administered.
DETAILS = frozenset({"RXO", "RXE", "RXD", "RXG", "RXA"})
#: Segments that belong to the detail before them.
_AROUND = frozenset({"TQ1", "TQ2", "RXR", "RXC", "RXV", "NTE", "PRT", "CDO"})
#: Fields that number the medication of a detail.
CODES = {"RXO": 1, "RXE": 2, "RXD": 2, "RXG": 4, "RXA": 5}
#: Segments between an ORC and its detail.
_BETWEEN = frozenset({"TQ1", "TQ2", "NTE", "PRT"})
DELETE = '""'

#: What the functions here make of which field, for the printed mapping.
_ORC = ("MedicationRequest", "MedicationDispense", "MedicationAdministration", "Immunization")
TARGETS: Targets = {
    "ORC-1": ("MedicationRequest.status", "MedicationDispense.status"),
    "ORC-2": tuple(f"{kind}.identifier" for kind in _ORC),
    "ORC-3": tuple(f"{kind}.identifier" for kind in _ORC),
    "ORC-4": ("MedicationRequest.groupIdentifier", "Immunization.identifier"),
    "ORC-5": ("MedicationRequest.status", "MedicationDispense.status"),
    "ORC-7": ("MedicationRequest.dosageInstruction.timing", "MedicationRequest.priority"),
    "ORC-8": ("MedicationRequest.basedOn",),
    "ORC-12": ("MedicationRequest.requester",),
    "ORC-21": ("MedicationRequest.requester",),
    "ORC-28": tuple(f"{kind}.meta.security" for kind in _ORC),
    "ORC-33": ("MedicationRequest.identifier",),
}


class Order(NamedTuple):
    """An ORC and what stands around one of its details."""

    orc: Segment | None
    #: TQ1, RXR, RXC and RXV of the detail.
    around: list[Segment]

    def requested(self, session: Session, draft: Draft) -> None:
        """Say who asked for it and when, and what else ORC says of a request."""
        orc = self.orc
        if orc is None:
            return
        _asked(session, orc, draft)
        apply_rows(session, orc, table("orc_medicationrequest"), draft)
        for repetition in orc.repetitions(4)[:1]:
            for number in group_numbers(session, repetition)[:1]:
                session.say(draft, "groupIdentifier", number)
        for number in _parents(session, orc):
            parent = {"type": "MedicationRequest", "identifier": number}
            session.append(draft, "basedOn", parent)


def order_of(
    session: Session, orc: Segment | None, segment: Segment, behind: Iterable[Segment]
) -> Order:
    """Collect what belongs to a detail: behind it, and the TQ1 between ORC and it."""
    group = session.group
    around: list[Segment] = []
    for number in range(segment.index - group[0].index - 1, -1, -1):
        before = group[number]
        if before.name not in _BETWEEN:
            around = around if before.name == "ORC" else []
            break
        around.insert(0, before)
    for after in behind:
        if after.name not in _AROUND:
            break
        around.append(after)
    return Order(orc, around)


def identifiers(session: Session, orc: Segment | None) -> list[dict[str, Any]]:
    """Placer and filler numbers of the order."""
    return order_identifiers(session, orc, None)


def named(
    session: Session, kind: str, order: Order, segment: Segment, part: str, *, filler: bool = False
) -> Draft:
    """Begin the resource: named by the order's number and what part of the order it is.

    Orders of one message that share a number are told apart by their medication. What has no
    number is named by patient, medication and time.
    """
    numbers = identifiers(session, order.orc)
    code = str(
        segment.first(CODES[segment.name]) or segment.component(CODES[segment.name], 2) or ""
    )
    if not numbers:
        return _by_content(session, kind, order, segment, f"{part}|{code}")
    first = numbers[-1] if filler else numbers[0]
    system, value = str(first["system"]), str(first["value"])
    if part:
        system, value = f"{system}/part", f"{value}|{part}"
    if _others_before(session, (kind, system, value), code):
        value = f"{value}|{code}"
    draft = session.draft(kind, Key(kind, system, value))
    for number in numbers:
        session.append(draft, "identifier", number)
    return draft


def _others_before(session: Session, place: tuple[str, str, str], code: str) -> int:
    """How many other medications this message had named by a number before this one."""
    known = session.counts.get((*place, code))
    if known is None:
        known = session.counts.get(place, 0)
        session.counts[place] = known + 1
        session.counts[(*place, code)] = known
    return known


def _by_content(session: Session, kind: str, order: Order, segment: Segment, what: str) -> Draft:
    patient = session.patient
    when = segment.first(3) if segment.name in ("RXA", "RXD") else None
    if when is None and order.orc is not None:
        when = order.orc.first(9)
    owner = patient.id if patient is not None else ""
    return session.natural(kind, owner, what, when or session.message.header.control_id)


def control(session: Session, orc: Segment | None, draft: Draft) -> None:
    """ORC-5, else what ORC-1 asks for or tells → status; labels and who was behind it."""
    status = state(session, orc, "medication-order-status", "medication-order-control")
    if status is None:
        draft.weak += ("status",)
    draft.resource["status"] = status or "unknown"
    behind(session, orc, draft)


def behind(session: Session, orc: Segment | None, draft: Draft) -> None:
    """Security labels, and the Provenance of who entered, verified and did it."""
    if orc is not None:
        labels(session, orc, draft)
        event(session, orc, draft)


def state(session: Session, orc: Segment | None, by_status: str, by_control: str) -> str | None:
    """Status by ORC-5, else by ORC-1; None where they tell nothing."""
    stated = orc.first(5) if orc is not None else None
    if stated is not None and stated != DELETE:
        found = session.code(by_status, stated)
        if found is not None:
            return found
    asked = orc.first(1) if orc is not None else None
    known = session.lookup(by_control, asked) if asked is not None else None
    return text(known.code, asked.source) if known is not None and asked is not None else None


def group_numbers(session: Session, repetition: Repetition) -> list[dict[str, Any]]:
    """ORC-4: an EI, or (v2.8) an EIP whose halves are lists of subcomponents."""
    if any(type(half) is list for half in repetition[1:3]):
        found = [eip(session, half, "order-group") for half in repetition[1:3]]
    else:
        found = [ei(session, repetition, "order-group")]
    return [number for number in found if number is not None]


def orderers(session: Session, orc: Segment | None) -> list[dict[str, Any]]:
    """ORC-12, in the house of ORC-21 to ORC-23 where one is named; else that house alone."""
    if orc is None:
        return []
    people = [p for r in orc.repetitions(12) if (p := practitioner(session, r)) is not None]
    names, addresses, phones = (orc.repetitions(field) for field in (21, 22, 23))
    house = organization_at(session, names, addresses, phones)
    if house is None:
        return people
    return [role(session, person, house) for person in people] or [house]


def placed(session: Session, orc: Segment | None) -> dict[str, Any] | None:
    """Reference by number to the request of an order whose segments are not in the message."""
    numbers = identifiers(session, orc)
    return {"type": "MedicationRequest", "identifier": numbers[0]} if numbers else None


def _asked(session: Session, orc: Segment, draft: Draft) -> None:
    """ORC-12 and ORC-21; who is named besides RXO-14 or RXE-13 stays as information."""
    named_before: dict[str, Any] | None = draft.resource.pop("requester", None)
    requester(session, orc, None, draft)
    asking = draft.resource.get("requester")
    if named_before is None:
        return
    if asking is None:
        draft.resource["requester"] = named_before
    elif asking != named_before:
        session.append(draft, "supportingInformation", named_before)


def _parents(session: Session, orc: Segment) -> list[dict[str, Any]]:
    """ORC-8 → numbers of the order this one belongs to."""
    found = []
    for repetition in orc.repetitions(8):
        for half, kind in zip(repetition[1:3], ("PLAC", "FILL"), strict=False):
            number = eip(session, half, "order")
            if number is not None:
                coding = {"system": V2 + "0203", "code": kind}
                found.append({"type": {"coding": [coding]}, **number})
    return found


def lone(session: Session, orc: Segment, part: str) -> Draft | None:
    """An ORC that nothing follows says what becomes of an order: held, stopped, cancelled."""
    patient, numbers = session.patient, identifiers(session, orc)
    if patient is None or not numbers:
        return None
    system, value = str(numbers[0]["system"]), str(numbers[0]["value"])
    if part:
        system, value = f"{system}/part", f"{value}|{part}"
    draft = session.draft("MedicationRequest", Key("MedicationRequest", system, value))
    if "medicationReference" in draft.resource:
        return draft
    for number in numbers:
        session.append(draft, "identifier", number)
    control(session, orc, draft)
    resource = draft.resource
    resource["intent"] = "filler-order" if part else "original-order"
    resource["subject"] = reference(patient)
    Order(orc, []).requested(session, draft)
    resource["medicationReference"] = {"extension": [_UNKNOWN]}
    draft.weak += ("medicationReference",)
    return draft


_UNKNOWN = {
    "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
    "valueCode": "unknown",
}
