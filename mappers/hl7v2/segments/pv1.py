"""PV1 and PV2 → Encounter (HL7 v2.5 chapter 3.4.3 and 3.4.4; §301 codes, Kontaktebene)."""

from __future__ import annotations

from typing import Any

from mappers.base import Key
from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.identifiers import cx
from mappers.hl7v2.datatypes.parties import practitioner
from mappers.hl7v2.datatypes.periods import settle
from mappers.hl7v2.segments import gt1, movement
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import ALTERNATE_CODES, V2, Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment, leaf
from mappers.trace import Text, text

_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_KONTAKTEBENE = "http://fhir.de/CodeSystem/Kontaktebene"
_ENTLASSUNGSGRUND = "http://fhir.de/StructureDefinition/Entlassungsgrund"
#: PV1 field → kind of participation.
#: Field → how somebody takes part (v3-ParticipationType).
_PARTICIPANTS = (
    (7, "ATND", "attender"),
    (8, "REF", "referrer"),
    (9, "CON", "consultant"),
    (17, "ADM", "admitter"),
    (52, "PART", "Participation"),
)
_DEGREES = {"N": "normal", "R": "restricted"}
_IMPORTANCE = "http://hl7.org/fhir/StructureDefinition/patient-importance"
_UNKNOWN_CLASS = {"system": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "code": "UNK"}
STAY = {"system": _KONTAKTEBENE, "code": "einrichtungskontakt", "display": "Einrichtungskontakt"}


#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "PV1": ("Encounter.subject",),
    "PV1-2": ("Encounter.class", "Encounter.status", "Encounter.type"),
    "PV1-7": ("Encounter.participant", "Practitioner"),
    "PV1-8": ("Encounter.participant", "Practitioner"),
    "PV1-9": ("Encounter.participant", "Practitioner"),
    "PV1-16": ("Encounter.meta.security", "Patient.extension"),
    "PV1-17": ("Encounter.participant", "Practitioner"),
    "PV1-19": ("Encounter.identifier",),
    "PV1-36": ("Encounter.hospitalization.dischargeDisposition",),
    "PV1-20": ("Account.type",),
    "PV1-41": ("Account.status",),
    "PV1-45": ("Encounter.status",),
    "PV1-52": ("Encounter.participant", "Practitioner"),
    "PV2-13": ("Encounter.participant",),
    "PV2-22": ("Encounter.meta.security",),
}


def encounter(session: Session, segment: Segment) -> Draft | None:
    """PV1 → Encounter, None when the segment says nothing about a visit."""
    patient = session.patient
    if patient is None or not any(segment.raw[2:]):
        return None
    identifiers = _identifiers(session, segment)
    draft = session.draft("Encounter", _key(session, segment, identifiers, patient))
    resource = draft.resource
    if identifiers:
        resource["identifier"] = identifiers
    _class(session, segment, draft)
    resource["subject"] = reference(patient)
    resource["type"] = [{"coding": [dict(STAY)]}]
    _kontaktart(session, segment, resource)
    _discharge_disposition(session, segment, resource)
    apply_rows(session, segment, table("pv1_encounter"), draft)
    settle(session, resource)
    _participants(session, segment, resource)
    _confidential(session, segment, resource)
    session.encounter = draft
    _billing(session, segment)
    session.encounters.append(draft)
    return draft


def pv2(session: Session, segment: Segment) -> None:
    """PV2 → Encounter."""
    draft = session.encounter
    if draft is None:
        return
    apply_rows(session, segment, table("pv2_encounter"), draft)
    movement.prior_pending(session, segment, draft)
    for repetition in segment.repetitions(13):
        _participant(session, repetition, _kind("REF", "referrer"), draft.resource)
    protected = segment.first(22)
    if protected is not None and protected.upper() in {"Y", "J"}:
        _restrict(session, draft.resource, protected)
    elif protected is not None and protected.upper() == "N":
        _restrict(session, draft.resource, protected, "N")


def _identifiers(session: Session, segment: Segment) -> list[dict[str, Any]]:
    found = []
    for repetition in segment.repetitions(19):
        identifier = cx(session, repetition, "encounter")
        if identifier is not None:
            kind = identifier.get("type", {"coding": [{"system": V2 + "0203", "code": "VN"}]})
            found.append({**identifier, "type": {"text": "visit number", **kind}})
    pid = session.get("PID")
    account = pid.repetitions(18) if pid is not None else []
    for repetition in account:
        identifier = cx(session, repetition, "account" if found else "encounter")
        if identifier is not None:
            identifier.setdefault("type", {"coding": [{"system": V2 + "0203", "code": "AN"}]})
            found.append(identifier)
    return found


def _key(
    session: Session, segment: Segment, identifiers: list[dict[str, Any]], patient: Draft
) -> Key:
    """Name the visit: its number, else patient, class and the time it began."""
    if identifiers:
        first = identifiers[0]
        return Key("Encounter", str(first["system"]), str(first["value"]))
    session.issue("incomplete", "the visit has no number", "PV1-19")
    began = segment.first(44) or _event_time(session) or session.message.header.time
    value = "|".join((patient.id, segment.first(2) or "", began))
    return Key("Encounter", f"{session.namespace}/key/Encounter", value)


def _event_time(session: Session) -> str | None:
    evn = session.message.get("EVN")
    return (evn.first(6) or evn.first(2)) if evn is not None else None


def _class(session: Session, segment: Segment, draft: Draft) -> None:
    code = segment.first(2)
    if code is None or code == '""':
        draft.resource["class"] = dict(_UNKNOWN_CLASS)
        draft.weak += ("class",)
        return
    found = session.lookup("encounter-class", code, "PV1-2")
    if found is None:
        session.unknown(code)
        draft.resource["class"] = {"system": V2 + "0004", "code": code}
        return
    made = {"system": found.system, "code": text(found.code, code.source)}
    words = segment.component(2, 2)
    if words is not None or found.display:
        made["display"] = words or found.display
    draft.resource["class"] = made


def status(session: Session, segment: Segment) -> str:
    """Encounter.status as PV1 says it."""
    if (ended := segment.first(45)) is not None and ended != '""':
        return text("finished", ended.source)
    code = segment.first(2)
    found = session.lookup("encounter-status", code, "PV1-2") if code is not None else None
    if code is None or found is None:
        return "unknown"
    return text(found.code, code.source)


def _kontaktart(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    code = segment.first(2)
    found = session.lookup("kontaktart", code) if code is not None else None
    if code is not None and found is not None:
        coding = {"system": found.system, "code": text(found.code, code.source)}
        coding["display"] = found.display
        resource["type"].append({"coding": [coding]})


def _discharge_disposition(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    """PV1-36: the Entlassungsgrund of §301 (2 or 3 digits), else what the sender writes."""
    for repetition in segment.repetitions(36):
        code = leaf(repetition, 1)
        if code is None or code == '""':
            return
        reason = _entlassungsgrund(session, code)
        disposition = concept(session, repetition, default=V2 + "0112") or {}
        if reason:
            disposition["extension"] = [{"url": _ENTLASSUNGSGRUND, "extension": reason}]
        resource.setdefault("hospitalization", {})["dischargeDisposition"] = disposition
        return


def _entlassungsgrund(session: Session, code: Text) -> list[dict[str, Any]]:
    first = session.lookup("entlassungsgrund", text(code[:2], code.source), "PV1-36")
    if first is None or len(code) > 3:
        return []
    coding = {"system": first.system, "code": text(first.code, code.source)}
    coding["display"] = first.display
    parts: list[dict[str, Any]] = [{"url": "ErsteUndZweiteStelle", "valueCoding": coding}]
    third = session.lookup("entlassungsgrund-dritte-stelle", text(code[2:], code.source))
    if third is not None:
        coding = {"system": third.system, "code": text(third.code, code.source)}
        coding["display"] = third.display
        parts.append({"url": "DritteStelle", "valueCoding": coding})
    return parts


def _participants(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    for field, code, shown in _PARTICIPANTS:
        if segment.has(field):
            kind = _kind(code, shown)
            for repetition in segment.repetitions(field):
                _participant(session, repetition, kind, resource)


def _kind(code: str, shown: str) -> dict[str, Any]:
    coding = {"system": _PARTICIPATION, "code": code, "display": shown}
    return {"coding": [coding], "text": shown}


def _participant(
    session: Session, repetition: Any, kind: dict[str, Any], resource: dict[str, Any]
) -> None:
    individual = practitioner(session, repetition)
    if individual is None:
        return
    participant = {"type": [kind], "individual": individual}
    session.add(resource.setdefault("participant", []), participant)


def _confidential(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    """PV1-16: a VIP's visit is restricted, and the person is one on every visit."""
    vip = segment.first(16)
    if vip is None or vip == '""' or vip.upper() in {"N", "0"}:
        return
    _restrict(session, resource, vip)
    for repetition in segment.repetitions(16)[:1]:
        kind = concept(session, repetition, default=V2 + "0099")
        if kind is not None and session.patient is not None:
            extension = {"url": _IMPORTANCE, "valueCodeableConcept": kind}
            session.append(session.patient, "extension", extension)


def _billing(session: Session, segment: Segment) -> None:
    """PV1-20 and PV1-41: class and status of the patient's account."""
    stated = segment.first(41)
    if stated is None and not segment.has(20):
        return
    account = gt1.account(session)
    if account is None:
        return
    resource = account.resource
    for repetition in segment.repetitions(20):
        kind = concept(session, repetition, default=V2 + "0064")
        if kind is not None:
            session.say(account, "type", kind)
    if stated is not None and stated != '""':
        session.coded(resource, "status", "account-status", stated)
        if "_status" in resource:
            resource["status"] = "unknown"
        stated_whole = segment.repetitions(41)[0]
        whole = concept(session, stated_whole, default=V2 + "0117")
        if whole is not None and len(stated_whole) > 2:
            extension = {"url": ALTERNATE_CODES, "valueCodeableConcept": whole}
            resource.setdefault("_status", {}).setdefault("extension", []).append(extension)
        account.weak = ()


def _restrict(session: Session, resource: dict[str, Any], cause: Text, code: str = "R") -> None:
    label = {
        "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
        "code": text(code, cause.source),
        "display": _DEGREES[code],
    }
    security = resource.setdefault("meta", {}).setdefault("security", [])
    if label in security:
        session.echoes.append(label)
    else:
        security.append(label)
