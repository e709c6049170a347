"""RXO, RXE and RXG, with their ORC → MedicationRequest (HL7 v2.5 chapter 4.14.1, 4.14.4, 4.14.6).

RXO is what was asked for (original-order), RXE what the pharmacy made of it (filler-order, based
on the former), RXG one giving of it (instance-order).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mappers.hl7v2.datatypes.annotations import coded_note
from mappers.hl7v2.datatypes.contacts import of_house, xad, xtn
from mappers.hl7v2.datatypes.houses import coded_organization
from mappers.hl7v2.datatypes.parties import places
from mappers.hl7v2.datatypes.units import cq, measured
from mappers.hl7v2.segments import dosage
from mappers.hl7v2.segments.medication import medication
from mappers.hl7v2.segments.pharmacy_order import Order, control, named
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.segments.timing import set_priority
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf
from mappers.trace import Text, Value

DELETE = '""'
_INTENTS = {"RXO": "original-order", "RXE": "filler-order", "RXG": "instance-order"}


class Supply(NamedTuple):
    """Fields that speak of the dispensing; 0: the segment has none for it."""

    amount: int
    units: int
    refills: int = 0
    first_fill: int = 0
    pharmacy: int = 0
    address: int = 0
    phone: int = 0
    #: Where it is to be brought, as places of PL.
    deliver: tuple[int, ...] = ()
    #: Addresses it is to be brought to.
    deliver_address: int = 0
    #: Instructions to the pharmacy.
    notes: tuple[int, ...] = ()
    prescription: int = 0


_SUPPLIES = {
    "RXO": Supply(11, 12, 13, 0, 32, 33, 36, (8, 34), 35, (6,)),
    "RXE": Supply(10, 11, 12, 39, 40, 41, 45, (8, 42), 43, (21,), 15),
    "RXG": Supply(32, 33, 0, 0, 27, 28, 0, (11, 29), 30),
}
_ELEMENTS = {
    "amount": "dispenseRequest.quantity",
    "units": "dispenseRequest.quantity",
    "refills": "dispenseRequest.numberOfRepeatsAllowed",
    "first_fill": "dispenseRequest.initialFill.quantity",
    "pharmacy": "dispenseRequest.performer",
    "address": "dispenseRequest.performer",
    "phone": "dispenseRequest.performer",
    "deliver_address": "supportingInformation",
    "prescription": "identifier",
}

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    **{
        f"{name}-{field}": (f"MedicationRequest.{element}",)
        for name, supply in _SUPPLIES.items()
        for part, element in _ELEMENTS.items()
        if (field := getattr(supply, part))
    },
    **{
        f"{name}-{field}": (f"MedicationRequest.{element}",)
        for name, supply in _SUPPLIES.items()
        for element, fields in (("note", supply.notes), ("supportingInformation", supply.deliver))
        for field in fields
    },
    **dict.fromkeys(
        _INTENTS,
        (
            "MedicationRequest.intent",
            "MedicationRequest.status",
            "MedicationRequest.subject",
            "MedicationRequest.dosageInstruction",
        ),
    ),
}


def prescription(
    session: Session, order: Order, segment: Segment, original: Draft | None
) -> Draft | None:
    """Read RXO, RXE or RXG; `original` is the order it carries out."""
    patient = session.patient
    if patient is None:
        return None
    draft = _draft(session, order, segment)
    resource = draft.resource
    control(session, order.orc, draft)
    resource["intent"] = _INTENTS[segment.name]
    resource["subject"] = reference(patient)
    if session.encounter is not None:
        resource["encounter"] = reference(session.encounter)
    if original is not None and original is not draft:
        session.append(draft, "basedOn", reference(original))
    components = [s for s in order.around if s.name == "RXC"]
    resource["medicationReference"] = medication(session, segment, draft, components)
    apply_rows(session, segment, table(f"{segment.name.lower()}_medicationrequest"), draft)
    order.requested(session, draft)
    _supply(session, segment, draft)
    _timed(session, order, segment, draft)
    return draft


def _draft(session: Session, order: Order, segment: Segment) -> Draft:
    if segment.name == "RXG":
        counters = "|".join(str(segment.first(n) or "") for n in (1, 2))
        return named(session, "MedicationRequest", order, segment, f"give|{counters}")
    part = "encoded" if segment.name == "RXE" else ""
    return named(session, "MedicationRequest", order, segment, part)


def _timed(session: Session, order: Order, segment: Segment, draft: Draft) -> None:
    """Dosages, with the timing of TQ1, else of the segment's own field, else of ORC-7."""
    fields: list[Repetition] = []
    if segment.name in ("RXE", "RXG"):
        fields = segment.repetitions(1 if segment.name == "RXE" else 3)
    if not fields and order.orc is not None:
        fields = order.orc.repetitions(7)
    planned = dosage.plans(session, order.around, fields)
    made = dosage.dosages(session, segment, planned, order.around)
    if made:
        draft.resource["dosageInstruction"] = made
    for plan in planned:
        set_priority(session, draft.resource, plan.schedule.priority)


def _supply(session: Session, segment: Segment, draft: Draft) -> None:
    """How much, how often and by whom it is dispensed, and where it goes."""
    supply = _SUPPLIES[segment.name]
    units = segment.repetitions(supply.units)
    wanted: dict[str, Any] = {
        "quantity": measured(session, segment.first(supply.amount), units),
        "numberOfRepeatsAllowed": _count(segment.first(supply.refills) if supply.refills else None),
        "initialFill": _first_fill(session, segment, supply, units),
        "performer": _pharmacy(session, segment, supply),
    }
    request = {name: value for name, value in wanted.items() if value is not None}
    if request:
        draft.resource.setdefault("dispenseRequest", {}).update(request)
    for field in supply.notes:
        _notes(session, segment.repetitions(field), draft)
    for field in supply.deliver:
        for repetition in segment.repetitions(field):
            for place, _ in places(session, repetition[:9])[:1]:
                session.append(draft, "supportingInformation", place)
    number = segment.first(supply.prescription) if supply.prescription else None
    if number is not None and number != DELETE:
        system = f"{session.namespace}/prescription"
        session.append(draft, "identifier", {"system": system, "value": number})


def _count(stated: Text | None) -> Value | None:
    if stated is None or not (stated.isdecimal() and len(stated) <= 10) or int(stated) >= 2**31:
        return None
    return Value(int(stated), stated.source)


def _first_fill(
    session: Session, segment: Segment, supply: Supply, units: list[Repetition]
) -> dict[str, Any] | None:
    """RXE-39 is a CQ; its unit may be that of the whole."""
    for repetition in segment.repetitions(supply.first_fill) if supply.first_fill else ():
        own = cq(session, repetition)
        whole = measured(session, leaf(repetition, 1), units)
        found = own if own is not None and len(own) > 1 else whole
        return {"quantity": found} if found is not None else None
    return None


def _pharmacy(session: Session, segment: Segment, supply: Supply) -> dict[str, Any] | None:
    """The pharmacy with its address and telephone."""
    house = None
    for repetition in segment.repetitions(supply.pharmacy) if supply.pharmacy else ():
        house = coded_organization(session, repetition)
        break
    if house is None:
        return None
    draft = session.drafts.get(str(house.get("reference", "")).partition("/")[2])
    addresses = segment.repetitions(supply.address) if supply.address else []
    phones = segment.repetitions(supply.phone) if supply.phone else []
    found = [("address", xad(session, one)) for one in addresses]
    found += [("telecom", xtn(session, one, "work")) for one in phones]
    for element, value in found:
        if value is not None and draft is not None:
            session.append(draft, element, of_house(value))
    return house


def _notes(session: Session, stated: list[Repetition], draft: Draft) -> None:
    """Instructions to the pharmacy in words, codes with them."""
    for repetition in stated:
        note = coded_note(session, repetition)
        if note is not None:
            session.append(draft, "note", note)
