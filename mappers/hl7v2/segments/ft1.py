"""FT1 and BLG → ChargeItem and Account (HL7 v2.5 chapter 6.5.1, 4.5.2).

HL7's guide has no table for FT1: charges, credits and adjustments are ChargeItems of the account,
payments (FT1-6 = PY) are PaymentNotices about it (`payment`). FT1-6 stays beside the status as it
is written.
"""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.converters import quantity
from mappers.hl7v2.datatypes.identifiers import cx, ei
from mappers.hl7v2.datatypes.money import money
from mappers.hl7v2.datatypes.parties import places, practitioner
from mappers.hl7v2.datatypes.periods import ordered
from mappers.hl7v2.segments import gt1, payment
from mappers.hl7v2.segments.clinical import coded
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import ALTERNATE_CODES, V2, Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import DELETE, Repetition, Segment, leaf, sub
from mappers.trace import derived, text

_PRICE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ChargeItem."
_FUNCTION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
#: Amounts beside the price: field → element of R5 and kind of amount (price component type).
_AMOUNTS = (
    (12, "unitPriceComponent", "base"),
    (15, "totalPriceComponent", "deduction"),
    (22, "unitPriceComponent", "informational"),
)
#: Who performed and who ordered: field → kind of participation.
_PERFORMERS = ((20, "PRF"), (21, "REF"))
#: Numbers of other things: field → type of the resource they name, and kind of number.
_ABOUT = (
    (23, "ServiceRequest", "filler"),
    (38, "ServiceRequest", "referral"),
    (42, "MedicationRequest", "prescription"),
)
_PAYMENT = "PY"

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "FT1": ("ChargeItem.subject", "ChargeItem.context", "ChargeItem.account"),
    "FT1-4": ("ChargeItem.occurrence",),
    "FT1-6": ("ChargeItem.status",),
    "FT1-7": ("ChargeItem.code",),
    "FT1-8": ("ChargeItem.code.text",),
    "FT1-10": ("ChargeItem.quantity",),
    "FT1-11": ("ChargeItem.priceOverride",),
    "FT1-12": ("ChargeItem.extension",),
    "FT1-14": ("ChargeItem.supportingInformation",),
    "FT1-15": ("ChargeItem.extension",),
    "FT1-16": ("ChargeItem.supportingInformation",),
    "FT1-17": ("ChargeItem.extension",),
    "FT1-18": ("Encounter.type",),
    "FT1-20": ("ChargeItem.performer",),
    "FT1-21": ("ChargeItem.performer",),
    "FT1-22": ("ChargeItem.extension",),
    "FT1-23": ("ChargeItem.supportingInformation",),
    "FT1-25": ("ChargeItem.code",),
    "FT1-26": ("ChargeItem.note",),
    "FT1-31": ("ChargeItem.partOf",),
    "FT1-38": ("ChargeItem.supportingInformation",),
    "FT1-42": ("ChargeItem.supportingInformation",),
    "FT1-43": ("ChargeItem.quantity",),
    "BLG-2": ("Account.type",),
    "BLG-3": ("Account.identifier",),
}


def transaction(session: Session, segment: Segment) -> Draft | None:
    """FT1 → ChargeItem, or the PaymentNotice of a payment."""
    patient = session.patient
    if patient is None or not any(segment.raw[2:]):
        return None
    if segment.first(6) == _PAYMENT:
        return payment.notice(session, segment, patient)
    code = _code(session, segment)
    if code is None:
        session.issue("required", "the charge says not what is charged", "FT1-7", "101")
        return None
    return _charge(session, segment, patient, code)


def _charge(session: Session, segment: Segment, patient: Draft, code: dict[str, Any]) -> Draft:
    draft = payment.named(session, segment, "ChargeItem", patient)
    resource = draft.resource
    _status(session, segment, resource)
    resource["code"] = code
    resource["subject"] = reference(patient)
    if session.encounter is not None:
        resource["context"] = reference(session.encounter)
    account = gt1.account(session)
    if account is not None:
        resource["account"] = [reference(account)]
    _occurrence(session, segment, resource)
    apply_rows(session, segment, table("ft1_chargeitem"), draft)
    _quantity(session, segment, resource)
    _prices(session, segment, resource)
    for field, function in _PERFORMERS:
        for repetition in segment.repetitions(field):
            _performer(session, repetition, function, resource)
    _about(session, segment, draft)
    _modifiers(segment, resource)
    _kind_of_patient(session, segment)
    return draft


def _status(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    resource["status"] = "unknown"
    for repetition in segment.repetitions(6):
        code = leaf(repetition, 1)
        found = session.lookup("charge-status", code) if code is not None else None
        if code is not None and found is not None:
            resource["status"] = text(found.code, code.source)
        words = concept(session, repetition, default=V2 + "0017")
        if words is not None:
            kept = {"url": ALTERNATE_CODES, "valueCodeableConcept": words}
            resource["_status"] = {"extension": [kept]}
        return


def _code(session: Session, segment: Segment) -> dict[str, Any] | None:
    """FT1-7 with its words in FT1-8; FT1-25 says the same in the codes of procedures."""
    code = coded(session, segment, 7, 8)
    for repetition in segment.repetitions(25):
        also = concept(session, repetition)
        if also is None:
            continue
        if code is None:
            code = also
            continue
        codings = [*code.get("coding", ())]
        for coding in also.get("coding", ()):
            if coding in codings:
                session.echoes.append(coding)
            else:
                codings.append(coding)
        code = {**code, "coding": codings} if codings else {**also, **code}
    return code


def _occurrence(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    """FT1-4, a time or a range of times."""
    for repetition in segment.repetitions(4):
        start, end = (session.date_time(leaf(repetition, n)) for n in (1, 2))
        if start is not None and end is not None:
            resource["occurrencePeriod"] = ordered(session, {"start": start, "end": end})
        elif start is not None:
            resource["occurrenceDateTime"] = start
        return


def _quantity(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    """FT1-10; FT1-43 states it of a drug, with its unit."""
    for field in (43, 10):
        for repetition in segment.repetitions(field):
            number = leaf(repetition, 1)
            value = quantity(session, number) if number is not None else None
            if value is None:
                continue
            unit = sub(repetition, 2, 1)
            stated = {"value": value} if unit is None else {"value": value, "unit": unit}
            resource.setdefault("quantity", stated)


def _prices(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    """FT1-11 is what is charged in all; other amounts say of what kind they are."""
    for repetition in segment.repetitions(11):
        total = money(session, repetition)
        if total is not None:
            resource["priceOverride"] = total
    for field, element, kind in _AMOUNTS:
        for repetition in segment.repetitions(field):
            amount = money(session, repetition)
            if amount is None:
                continue
            parts: list[dict[str, Any]] = [{"url": "type", "valueCode": kind}]
            for fee in segment.repetitions(17) if kind == "base" else ():
                schedule = concept(session, fee, default=V2 + "0024")
                if schedule is not None:
                    parts.append({"url": "code", "valueCodeableConcept": schedule})
            parts.append({"url": "amount", "valueMoney": amount})
            stated = {"url": _PRICE + element, "extension": parts}
            resource.setdefault("extension", []).append(stated)


def _performer(
    session: Session, repetition: Repetition, function: str, resource: dict[str, Any]
) -> None:
    actor = practitioner(session, repetition)
    if actor is not None:
        kind = {"coding": [{"system": _FUNCTION, "code": function}]}
        resource.setdefault("performer", []).append({"function": kind, "actor": actor})


def _about(session: Session, segment: Segment, draft: Draft) -> None:
    """Orders, the insurance and the place a charge belongs to, and the charge it is part of."""
    stated: list[dict[str, Any]] = []
    for field, kind, system in _ABOUT:
        found = [ei(session, repetition, system) for repetition in segment.repetitions(field)]
        stated += [{"type": kind, "identifier": one} for one in found if one is not None]
    for repetition in segment.repetitions(14):
        plan = leaf(repetition, 1)
        if plan is not None and plan != DELETE:
            identifier = {"system": f"{session.namespace}/plan", "value": plan}
            shown = leaf(repetition, 2) or plan
            stated.append({"type": "Coverage", "identifier": identifier, "display": shown})
    for repetition in segment.repetitions(16):
        stated += [place for place, _ in places(session, repetition)[:1]]
    for one in stated:
        session.append(draft, "supportingInformation", one)
    for repetition in segment.repetitions(31):
        whole = cx(session, repetition, "transaction")
        if whole is not None:
            session.append(draft, "partOf", {"type": "ChargeItem", "identifier": whole})


def _modifiers(segment: Segment, resource: dict[str, Any]) -> None:
    """FT1-26: no element takes a modifier of the code; it stands as a note."""
    for repetition in segment.repetitions(26):
        code, words = leaf(repetition, 1), leaf(repetition, 2)
        said = " ".join(part for part in (code, words) if part is not None)
        if said and said != DELETE:
            note = {"text": derived(f"Modifier {said}", code, words)}
            resource.setdefault("note", []).append(note)


def _kind_of_patient(session: Session, segment: Segment) -> None:
    """FT1-18 says of the visit what PV1-18 says."""
    visit = session.encounter
    for repetition in segment.repetitions(18) if visit is not None else ():
        kind = concept(session, repetition, default=V2 + "0018")
        if kind is not None and visit is not None:
            session.append(visit, "type", kind)


def billing(session: Session, segment: Segment) -> Draft | None:
    """BLG → the Account an order is charged to."""
    patient = session.patient
    for repetition in segment.repetitions(3) if patient is not None else ():
        identifier = cx(session, repetition, "account")
        if identifier is None or patient is None:
            continue
        draft = gt1.numbered(session, identifier, patient)
        for kind in segment.repetitions(2):
            if (stated := concept(session, kind, default=V2 + "0122")) is not None:
                session.say(draft, "type", stated)
        return draft
    return None
