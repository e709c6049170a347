"""RF1 → ServiceRequest and, in an answer, the Task of a referral (HL7 v2.5 chapter 11.6.1).

The official guide has no table for RF1. The referral is named by RF1-6, the number of who refers.
"""

from __future__ import annotations

from typing import Any

from mappers.base import Key
from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.identifiers import ei
from mappers.hl7v2.datatypes.periods import ordered
from mappers.hl7v2.datatypes.units import cq
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import ALTERNATE_CODES, V2, Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment
from mappers.trace import derived, text

_SNOMED = "http://snomed.info/sct"
_REFERRAL = {"system": _SNOMED, "code": "3457005", "display": "Patient referral (procedure)"}
#: REF^I14 takes a referral back.
_CANCELS = "I14"

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "RF1": (
        *("ServiceRequest.intent", "ServiceRequest.subject", "ServiceRequest.category"),
        "Task.focus",
    ),
    "RF1-1": ("ServiceRequest.status", "Task.status"),
    "RF1-2": ("ServiceRequest.priority",),
    "RF1-6": ("ServiceRequest.identifier",),
    "RF1-7": ("ServiceRequest.occurrence",),
    "RF1-8": ("ServiceRequest.occurrence",),
    "RF1-11": ("ServiceRequest.identifier",),
    "RF1-13": ("ServiceRequest.occurrence",),
    "RF1-15": ("ServiceRequest.quantity",),
}


def numbers(session: Session, segment: Segment) -> list[dict[str, Any]]:
    """RF1-6 and -11 → Identifiers."""
    found = []
    for field, kind in ((6, "PLAC"), (11, "FILL")):
        coding = {"system": V2 + "0203", "code": kind}
        stated = [ei(session, repetition, "order") for repetition in segment.repetitions(field)]
        found += [{"type": {"coding": [coding]}, **one} for one in stated if one is not None]
    return found


def referral(session: Session, segment: Segment) -> Draft | None:
    """RF1 → ServiceRequest."""
    patient = session.patient
    if patient is None:
        return None
    named = numbers(session, segment)
    draft = _named(session, segment, named, patient)
    if not named:
        session.issue("incomplete", "the referral has no number", "RF1-6")
    for identifier in named:
        session.append(draft, "identifier", identifier)
    resource = draft.resource
    resource["intent"] = "order"
    resource["subject"] = reference(patient)
    if session.encounter is not None:
        resource["encounter"] = reference(session.encounter)
    apply_rows(session, segment, table("rf1_servicerequest"), draft)
    _priority(session, segment, resource)
    for repetition in segment.repetitions(15):
        amount = cq(session, repetition)
        if amount is not None:
            resource["quantityQuantity"] = amount
    return draft


def known(session: Session, segment: Segment) -> Draft | None:
    """The referral of this message."""
    patient = session.patient
    return _named(session, segment, numbers(session, segment), patient) if patient else None


def _named(
    session: Session, segment: Segment, named: list[dict[str, Any]], patient: Draft
) -> Draft:
    if named:
        keys = [Key("ServiceRequest", str(one["system"]), str(one["value"])) for one in named]
        return session.draft("ServiceRequest", *keys)
    parts = [str(segment.first(field) or "") for field in (7, 9, 3)]
    return session.natural("ServiceRequest", patient.id, "referral", *parts)


def settle(session: Session, segment: Segment, draft: Draft) -> None:
    """What holds whatever an OBR has said: status, time, code, who pays."""
    resource = draft.resource
    stated = segment.first(1)
    status = session.code("referral-status", stated) if stated not in (None, '""') else None
    if session.event == _CANCELS:
        status = text("revoked", stated.source if stated is not None else ())
    resource["status"] = status or "active"
    for repetition in segment.repetitions(1):
        if len(repetition) > 2 or status is None:
            beside = concept(session, repetition, default=V2 + "0283")
            extension = {"url": ALTERNATE_CODES, "valueCodeableConcept": beside}
            resource["_status"] = {"extension": [extension]}
    _said_once(session, resource)
    if status is None:
        draft.weak += ("status",)
    _occurrence(session, segment, resource)
    _is_referral(session, draft)
    for other in list(session.drafts.values()):
        if other.resource["resourceType"] in ("Coverage", "ClaimResponse"):
            session.append(draft, "insurance", reference(other))


def _is_referral(session: Session, draft: Draft) -> None:
    """Say that it is a referral: as what is asked, or beside it as its category."""
    resource = draft.resource
    coded = [coding.get("code") for coding in resource.get("code", {}).get("coding", ())]
    if "code" not in resource:
        resource["code"] = {"coding": [dict(_REFERRAL)]}
        draft.weak += ("code",)
    elif _REFERRAL["code"] not in coded:
        session.append(draft, "category", {"coding": [dict(_REFERRAL)]})


def _said_once(session: Session, resource: dict[str, Any]) -> None:
    """RF1-10 and OBR-31 give the same reasons."""
    reasons = resource.get("reasonCode", [])
    kept = [reason for n, reason in enumerate(reasons) if reason not in reasons[:n]]
    if len(kept) < len(reasons):
        session.echoes.append(reasons)
        resource["reasonCode"] = kept


def _priority(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    """RF1-2 (table 0280); words that say the same are said with it."""
    code, words, table_name = (segment.component(2, number) for number in (1, 2, 3))
    known = session.lookup("order-priority", code) if code is not None else None
    if code is None or code == '""':
        return
    session.coded(resource, "priority", "order-priority", code)
    if known is not None:
        same = words is not None and words.lower() == known.display.lower()
        resource["priority"] = derived(known.code, code, table_name, words if same else None)


def _occurrence(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    """RF1-7, -8: from when to when it holds; without an end a time of an OBR counts."""
    start = session.date_time(segment.first(7))
    end = session.date_time(segment.first(8) or segment.first(13))
    if end is not None:
        said = resource.pop("occurrenceDateTime", None)
        if said is not None:
            session.echoes.append(said)
        period = {k: v for k, v in (("start", start), ("end", end)) if v is not None}
        resource["occurrencePeriod"] = ordered(session, period)
    elif start is not None and "occurrencePeriod" not in resource:
        session.say(session.drafts[resource["id"]], "occurrenceDateTime", start)


def answer(session: Session, segment: Segment, draft: Draft) -> None:
    """RRI: whether who was asked takes the referral on → Task."""
    stated, patient = segment.first(1), session.patient
    found = session.lookup("referral-answer", stated) if stated is not None else None
    if stated is None or found is None or patient is None:
        return
    task = session.natural("Task", draft.id, "referral")
    resource = task.resource
    resource["status"] = text(found.code, stated.source)
    resource["intent"] = "order"
    resource["code"] = {"coding": [dict(_REFERRAL)]}
    resource["focus"] = reference(draft)
    resource["for"] = reference(patient)
    reasons = draft.resource.get("reasonCode") or [{"text": "not said"}]
    if found.code in ("rejected", "cancelled"):
        resource["statusReason"] = reasons[0]
    for element, source in (("requester", "requester"), ("owner", "performer")):
        who = draft.resource.get(source)
        if who:
            resource[element] = who[0] if isinstance(who, list) else who
