"""ORC and OBR → ServiceRequest (HL7 v2.5 chapter 4.5.1, 4.5.3)."""

from __future__ import annotations

from typing import Any

from mappers.base import Key
from mappers.hl7v2.datatypes.contacts import xad
from mappers.hl7v2.datatypes.identifiers import ei
from mappers.hl7v2.datatypes.parties import organization_at, practitioner
from mappers.hl7v2.segments import notes
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import V2, Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment
from mappers.trace import text

#: The house that orders, beside the person in ServiceRequest.requester.
_FACILITY = "https://region-gateway.example/fhir/StructureDefinition/ordering-facility"


#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "ORC-1": ("ServiceRequest.status",),
    "ORC-2": ("ServiceRequest.identifier", "DiagnosticReport.identifier"),
    "ORC-3": ("ServiceRequest.identifier", "DiagnosticReport.identifier"),
    "ORC-5": ("ServiceRequest.status",),
    "ORC-21": ("ServiceRequest.requester", "Organization.name"),
    "ORC-22": ("Organization.address",),
    "ORC-23": ("Organization.telecom",),
    "ORC-24": ("Practitioner.address",),
    "OBR-2": ("ServiceRequest.identifier",),
    "OBR-3": ("ServiceRequest.identifier",),
    "ORC": ("ServiceRequest.intent", "ServiceRequest.subject", "ServiceRequest.encounter"),
}


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
                coding = {"system": V2 + "0203", "code": kind}
                identifier = {"type": {"coding": [coding]}, **identifier}
                if identifier in found:
                    session.echoes.append(identifier)
                else:
                    found.append(identifier)
    return found


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
    _status(session, orc, draft)
    resource["intent"] = "order"
    resource["subject"] = reference(patient)
    if session.encounter is not None:
        resource["encounter"] = reference(session.encounter)
    if orc is not None:
        apply_rows(session, orc, table("orc_servicerequest"), draft)
        _ordering_facility(session, orc, resource)
    if obr is not None:
        apply_rows(session, obr, table("obr_servicerequest"), draft)
    return draft


def _ordering_facility(session: Session, orc: Segment, resource: dict[str, Any]) -> None:
    """ORC-21 to -23: the house that orders, the requester where ORC-12 names nobody."""
    house = organization_at(session, orc.repetitions(21), orc.repetitions(22), orc.repetitions(23))
    if house is None:
        return
    if "requester" not in resource:
        resource["requester"] = house
    else:
        extension = {"url": _FACILITY, "valueReference": house}
        resource.setdefault("extension", []).append(extension)
    for repetition in orc.repetitions(12):
        person = practitioner(session, repetition)
        draft = session.drafts.get((person or {}).get("reference", "").partition("/")[2])
        for place in orc.repetitions(24) if draft is not None else ():
            address = xad(session, place)
            if address is not None and draft is not None:
                session.append(draft, "address", address)
        return


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


def _status(session: Session, orc: Segment | None, draft: Draft) -> None:
    stated = orc.first(5) if orc is not None else None
    control = orc.first(1) if orc is not None else None
    status: str | None = None
    if stated is not None and stated != '""':
        status = session.code("order-status", stated)
    elif control is not None and (found := session.lookup("order-control", control)) is not None:
        status = text(found.code, control.source)
    if status is None:
        draft.weak += ("status",)
    draft.resource["status"] = status or "unknown"
