"""MSH and EVN → Provenance of the translation (HL7 v2.5 chapter 2.15.9, 3.4.1).

There is no MessageHeader: it belongs to FHIR messaging, the output is a transaction. What MSH
and EVN say about who, when and why stands in Provenance.
"""

from __future__ import annotations

import hashlib
from typing import Any

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.identifiers import assigner
from mappers.hl7v2.datatypes.parties import organization, practitioner
from mappers.hl7v2.session import V2, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment, leaf, leaves_of
from mappers.identity import mint
from mappers.trace import derived

_AGENT_TYPE = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
#: Object identifier of SHA-256 (NIST), the system of a digest.
SHA_256 = "urn:oid:2.16.840.1.101.3.4.2.1"


#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "EVN-2": ("Provenance.recorded",),
    "EVN-4": ("Provenance.reason",),
    "EVN-5": ("Provenance.agent",),
    "EVN-6": ("Provenance.occurred",),
    "EVN-7": ("Provenance.location",),
    "MSH-3": ("Provenance.agent",),
    "MSH-4": ("Provenance.agent",),
    "MSH-7": ("Provenance.recorded", "Bundle.timestamp"),
    "MSH-8": ("Provenance.meta.security",),
    "MSH-9": ("Provenance.activity",),
    "MSH-10": ("Provenance.entity",),
    "MSH-22": ("Provenance.agent",),
    "MSH-24": ("Provenance.agent",),
    "MSH-11": ("Provenance.meta.tag",),
}


def provenance(session: Session, data: bytes) -> dict[str, Any]:
    """MSH and EVN → Provenance without targets."""
    msh = session.message.segments[0]
    evn = session.message.get("EVN")
    digest = hashlib.sha256(data).hexdigest()
    made: dict[str, Any] = {"resourceType": "Provenance"}
    made["id"] = mint(session.context.region_key, "Provenance", session.namespace, digest)
    processing = msh.first(11)
    if processing is not None:
        found = session.code("processing-id", processing)
        if found is not None:
            made["meta"] = {"tag": [{"system": V2 + "0103", "code": found}]}
    security = msh.first(8)
    if security is not None and security != '""':
        made.setdefault("meta", {})["security"] = [{"display": security}]
    made["target"] = []
    recorded = _event(session, evn, made) if evn is not None else None
    _recorded(made, recorded or session.instant(msh.first(7)))
    made["activity"] = _activity(msh)
    made["agent"] = _agents(session, msh, evn)
    made["entity"] = _entities(session, msh, digest)
    return made


def _event(session: Session, evn: Segment, made: dict[str, Any]) -> str | None:
    occurred = session.date_time(evn.first(6))
    if occurred is not None:
        made["occurredDateTime"] = occurred
    for repetition in evn.repetitions(4):
        reason = concept(session, repetition, "event-reason", default=V2 + "0062")
        if reason is not None:
            made["reason"] = [reason]
    for repetition in evn.repetitions(7):
        place = leaf(repetition, 1)
        if place is not None:
            system: str = f"{session.namespace}/location/facility"
            if (universal := leaf(repetition, 2)) is not None:
                parts = [None, universal, leaf(repetition, 3)]
                system, _ = assigner(session, parts, "location", None)
            identifier = {"system": system, "value": place}
            made["location"] = {"identifier": identifier, "display": place}
    return session.instant(evn.first(2))


def _recorded(made: dict[str, Any], when: str | None) -> None:
    if when is not None:
        made["recorded"] = when
        return
    absent = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
    made["_recorded"] = {"extension": [{"url": absent, "valueCode": "unknown"}]}


def _activity(msh: Segment) -> dict[str, Any]:
    code, trigger, structure = (msh.component(9, n) for n in (1, 2, 3))
    shown = "^".join(part for part in (code, trigger, structure) if part)
    activity: dict[str, Any] = {"text": derived(shown or "unknown", code, trigger, structure)}
    if trigger is not None:
        activity = {"coding": [{"system": V2 + "0003", "code": trigger}], **activity}
    return activity


def _agents(session: Session, msh: Segment, evn: Segment | None) -> list[dict[str, Any]]:
    agents = [{"type": _agent_type("author"), "who": _sender(session, msh)}]
    agents += _houses(session, msh)
    if evn is not None:
        for repetition in evn.repetitions(5):
            operator = practitioner(session, repetition)
            if operator is not None:
                agents.append({"type": _agent_type("enterer"), "who": operator})
    return agents


def _houses(session: Session, msh: Segment) -> list[dict[str, Any]]:
    """MSH-22: the house answerable for the content; MSH-24: where it was sent from."""
    agents = []
    for repetition in msh.repetitions(22):
        house = organization(session, repetition)
        if house is not None:
            agents.append({"type": _agent_type("custodian"), "who": house})
    for repetition in msh.repetitions(24):
        parts = leaves_of(repetition)
        if parts:
            identifier = {
                "system": f"{session.namespace}/network-address",
                "value": derived(" ".join(parts), *parts),
            }
            who = {"type": "Device", "identifier": identifier}
            agents.append({"type": _agent_type("transmitter"), "who": who})
    return agents


def _agent_type(code: str) -> dict[str, Any]:
    return {"coding": [{"system": _AGENT_TYPE, "code": code}]}


def _sender(session: Session, msh: Segment) -> dict[str, Any]:
    """MSH-3 and MSH-4 as the house and system that sent."""
    system = f"{session.namespace}/organization"
    names = []
    parts = []
    for field in (4, 3):
        for repetition in msh.repetitions(field):
            hd = [leaf(repetition, n) for n in (1, 2, 3)]
            parts += [part for part in hd if part is not None]
            names.append(str(hd[0] or hd[1] or ""))
    if not parts:
        return {"type": "Organization", "display": "unbekannt"}
    value = derived(" / ".join(names), *parts)
    return {"type": "Organization", "identifier": {"system": system, "value": value}}


def _entities(session: Session, msh: Segment, digest: str) -> list[dict[str, Any]]:
    control = msh.first(10)
    whats = [{"system": SHA_256, "value": digest}]
    if control is not None:
        whats.append({"system": f"{session.namespace}/message", "value": control})
    return [{"role": "source", "what": {"identifier": what}} for what in whats]
