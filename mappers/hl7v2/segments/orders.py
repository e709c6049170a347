"""ORC and OBR → ServiceRequest (HL7 v2.5 chapter 4.5.1, 4.5.3)."""

from __future__ import annotations

from typing import Any

from mappers.base import Key
from mappers.hl7v2.datatypes.codings import concept, token
from mappers.hl7v2.datatypes.identifiers import cx, ei, eip
from mappers.hl7v2.segments import notes
from mappers.hl7v2.segments.copies import copies
from mappers.hl7v2.segments.order_event import event
from mappers.hl7v2.segments.order_timing import quantity_timing, settle
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.segments.requester import requester
from mappers.hl7v2.session import ALTERNATE_CODES, V2, Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment, leaf
from mappers.trace import Text, text

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "ORC-1": ("ServiceRequest.status", "ServiceRequest.intent"),
    "ORC-2": ("ServiceRequest.identifier", "DiagnosticReport.identifier"),
    "ORC-3": ("ServiceRequest.identifier", "DiagnosticReport.identifier"),
    "ORC-4": ("ServiceRequest.requisition", "ServiceRequest.identifier"),
    "ORC-5": ("ServiceRequest.status",),
    "ORC-8": ("ServiceRequest.basedOn",),
    "ORC-28": ("ServiceRequest.meta.security", "DiagnosticReport.meta.security"),
    "ORC-33": ("ServiceRequest.identifier",),
    "ORC-38": ("ServiceRequest.identifier",),
    "OBR-2": ("ServiceRequest.identifier",),
    "OBR-3": ("ServiceRequest.identifier",),
    "OBR-11": ("ServiceRequest.intent",),
    "OBR-25": ("ServiceRequest.status",),
    "OBR-29": ("ServiceRequest.basedOn",),
    "OBR-53": ("ServiceRequest.identifier",),
    "OBR-54": ("ServiceRequest.basedOn",),
    "ORC": ("ServiceRequest.intent", "ServiceRequest.subject", "ServiceRequest.encounter"),
    "OBR": ("ServiceRequest.intent",),
}
#: Control codes of an order that begins: ORC-9 says when.
_NEW = frozenset({None, "NW", "RO"})
#: Where an order says which it is a part of.
_PARENTS = (("OBR", 29), ("OBR", 54), ("ORC", 8))


def requests(session: Session, segments: list[Segment]) -> None:
    """ORC/OBR pairs of a message that is no result, with their notes."""
    orc: Segment | None = None
    current: Draft | None = None
    for segment in segments:
        if segment.name == "ORC":
            orc = segment
        elif segment.name == "OBR":
            current, orc = service_request(session, orc, segment), None
        elif segment.name == "TXA":
            break
        elif segment.name == "NTE" and current is not None:
            notes.on(session, current, segment)
    if orc is not None:
        service_request(session, orc, None)


def order_identifiers(
    session: Session, orc: Segment | None, obr: Segment | None
) -> list[dict[str, Any]]:
    """Placer and filler numbers of OBR-2/-3, else of ORC-2/-3."""
    found: list[dict[str, Any]] = []
    for field, kind in ((2, "PLAC"), (3, "FILL")):
        for segment in (obr, orc):
            if segment is None:
                continue
            for repetition in segment.repetitions(field):
                identifier = ei(session, repetition, "order")
                if identifier is None:
                    continue
                session.add(found, _typed(identifier, kind))
    return found


def _typed(identifier: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"type": {"coding": [{"system": V2 + "0203", "code": kind}]}, **identifier}


def service_request(session: Session, orc: Segment | None, obr: Segment | None) -> Draft | None:
    """One order; None where the segments name none."""
    patient = session.patient
    identifiers = order_identifiers(session, orc, obr)
    if patient is None or not (identifiers or orc is not None):
        return None
    draft = _named(session, identifiers, orc, obr, patient)
    resource = draft.resource
    for identifier in identifiers:
        session.append(draft, "identifier", identifier)
    _status(session, orc, obr, draft)
    resource["intent"] = _intent(session, obr)
    resource["subject"] = reference(patient)
    if session.encounter is not None:
        resource["encounter"] = reference(session.encounter)
    requester(session, orc, obr, draft)
    _further_numbers(session, orc, obr, draft)
    if orc is not None:
        _control(session, orc, draft)
    if obr is not None:
        apply_rows(session, obr, table("obr_servicerequest"), draft)
        apply_rows(session, obr, table("obr_servicerequest_details"), draft)
        settle(session, draft)
        copies(session, obr, draft)
    _parents(session, orc, obr, draft)
    quantity_timing(session, orc, obr, draft)
    return draft


def _control(session: Session, orc: Segment, draft: Draft) -> None:
    """What ORC says of the order itself, and who entered, verified and did it."""
    apply_rows(session, orc, table("orc_servicerequest"), draft)
    apply_rows(session, orc, table("orc_servicerequest_details"), draft)
    if orc.first(1) not in _NEW:
        # Of what happens later ORC-9 says when, and no longer when the order was made.
        draft.weak += ("authoredOn",)
    labels(session, orc, draft)
    event(session, orc, draft)


def labels(session: Session, orc: Segment | None, draft: Draft) -> None:
    """ORC-28 → security labels."""
    for repetition in orc.repetitions(28) if orc is not None else ():
        code = leaf(repetition, 1)
        if code is None or code == '""':
            continue
        found = session.lookup("order-confidentiality", code)
        system = found.system if found is not None else V2 + "0177"
        label: dict[str, Any] = {"system": system}
        label["code"] = text(found.code if found else code, code.source)
        whole = concept(session, repetition, default=V2 + "0177") if len(repetition) > 2 else None
        if whole is not None:
            label["extension"] = [{"url": ALTERNATE_CODES, "valueCodeableConcept": whole}]
        held = draft.resource.setdefault("meta", {}).setdefault("security", [])
        if label not in held:
            held.append(label)


def _named(
    session: Session,
    identifiers: list[dict[str, Any]],
    orc: Segment | None,
    obr: Segment | None,
    patient: Draft,
) -> Draft:
    code = (obr.first(4) if obr is not None else None) or ""
    if identifiers:
        first = identifiers[0]
        value = f"{first['value']}|{code}" if code else str(first["value"])
        system = f"{first['system']}/order" if code else str(first["system"])
        return session.draft("ServiceRequest", Key("ServiceRequest", system, value))
    when = (orc.first(9) if orc is not None else None) or session.message.header.control_id
    return session.natural("ServiceRequest", patient.id, code, when)


def _status(session: Session, orc: Segment | None, obr: Segment | None, draft: Draft) -> None:
    """ORC-5, else what ORC-1 asks for or tells; a result tells what became of its request."""
    stated = orc.first(5) if orc is not None else None
    control = orc.first(1) if orc is not None else None
    result = obr.first(25) if obr is not None else None
    status: str | None = None
    if stated is not None and stated != '""':
        status = session.code("order-status", stated)
    elif control is not None and (found := session.lookup("order-control", control)) is not None:
        status = text(found.code, control.source)
    if status is None:
        draft.weak += ("status",)
        done = session.lookup("result-order-status", result) if result is not None else None
        status = text(done.code, result.source) if done is not None and result else None
    draft.resource["status"] = status or "unknown"
    if control is not None and control != '""' and _source(status) != control.source:
        coding = {"system": V2 + "0119", "code": token(control)}
        beside = {"url": ALTERNATE_CODES, "valueCodeableConcept": {"coding": [coding]}}
        draft.resource["_status"] = {"extension": [beside]}


def _source(status: str | None) -> object:
    """The leaf a status was taken from."""
    return status.source if isinstance(status, Text) else None


def _intent(session: Session, obr: Segment | None) -> str:
    """OBR-11: a reflex test follows from another; one added on is an order all the same."""
    action = obr.first(11) if obr is not None else None
    if action is None or action == '""':
        return "order"
    found = session.lookup("specimen-action", action)
    if found is None:
        session.unknown(action)
        return "order"
    return text(found.code, action.source)


def _parents(session: Session, orc: Segment | None, obr: Segment | None, draft: Draft) -> None:
    """OBR-29, OBR-54 and ORC-8 → the order this one belongs to, by its numbers."""
    for name, field in _PARENTS:
        segment = obr if name == "OBR" else orc
        for repetition in segment.repetitions(field) if segment is not None else ():
            for half, kind in zip(repetition[1:3], ("PLAC", "FILL"), strict=False):
                number = eip(session, half, "order")
                if number is not None:
                    parent = {"type": "ServiceRequest", "identifier": _typed(number, kind)}
                    session.append(draft, "basedOn", parent)


def _further_numbers(
    session: Session, orc: Segment | None, obr: Segment | None, draft: Draft
) -> None:
    """ORC-4 and ORC-38 number groups; ORC-33 and OBR-53 are other numbers of the placer."""
    for repetition in orc.repetitions(4) if orc is not None else ():
        _group(session, draft, repetition)
    for repetition in orc.repetitions(38) if orc is not None else ():
        filler = ei(session, repetition, "order-group")
        if filler is not None:
            session.append(draft, "identifier", _typed(filler, "FGN"))
    for segment, field in ((obr, 53), (orc, 33)):
        for repetition in segment.repetitions(field) if segment is not None else ():
            other = cx(session, repetition, "order")
            if other is not None:
                other.pop("type", None)
                session.append(draft, "identifier", _typed(other, "PLAC"))


def _group(session: Session, draft: Draft, repetition: Any) -> None:
    """ORC-4: an EI, or (v2.8) an EIP whose halves are lists of subcomponents."""
    halves = repetition[1:3]
    if not any(type(half) is list for half in halves):
        number = ei(session, repetition, "order-group")
        if number is not None:
            session.say(draft, "requisition", _typed(number, "PGN"))
        return
    placer = eip(session, halves[0], "order-group")
    if placer is not None:
        session.say(draft, "requisition", _typed(placer, "PGN"))
    filler = eip(session, halves[1], "order-group") if len(halves) > 1 else None
    if filler is not None:
        session.append(draft, "identifier", _typed(filler, "FGN"))
