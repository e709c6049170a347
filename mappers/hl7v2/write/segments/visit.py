"""Encounter → PV1, PV2, ROL and ZBE (HL7 v2.5 chapter 3.4.3, 3.4.4; IHE PAM; German use)."""

from __future__ import annotations

from typing import Any

from mappers.base import Resource
from mappers.hl7v2.session import V2
from mappers.hl7v2.write.datatypes.codings import extension, plain
from mappers.hl7v2.write.datatypes.identifiers import cx, own_first
from mappers.hl7v2.write.datatypes.parties import xcn, xon
from mappers.hl7v2.write.er7 import Segment
from mappers.hl7v2.write.rows import fill
from mappers.hl7v2.write.segments.levels import below
from mappers.hl7v2.write.segments.places import Movement, places
from mappers.hl7v2.write.writing import Writing, meaning
from mappers.trace import Text, derived

_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_KONTAKTEBENE = "http://fhir.de/CodeSystem/Kontaktebene"
_KONTAKTART = "http://fhir.de/CodeSystem/kontaktart-de"
_ENTLASSUNGSGRUND = "http://fhir.de/StructureDefinition/Entlassungsgrund"
_CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
#: Kind of participation → PV1 field.
_FIELDS = {"ATND": 7, "REF": 8, "CON": 9, "ADM": 17, "PART": 52}
_NO_VISIT = "N"
#: Status of a visit whose end, if one is stated, still lies ahead.
_UNENDED = frozenset({"planned", "arrived", "triaged", "in-progress", "onleave"})
#: Cancelling event → the event it takes back.
_CORRECTED = {"A11": "A01", "A12": "A02", "A13": "A03"}
#: Event → the status it gives a visit.
_SAID = {
    "A01": "in-progress",
    "A02": "in-progress",
    "A03": "finished",
    "A04": "in-progress",
    "A05": "planned",
    "A11": "cancelled",
    "A13": "in-progress",
}


def no_visit(w: Writing) -> Segment:
    """PV1 of a message about a person: patient class "not applicable"."""
    return w.segment("PV1", "1", _NO_VISIT)


def pv1(w: Writing, visit: Resource, moved: Movement | None = None) -> Segment:
    """Encounter → PV1; with a movement the responsible ward stands in ZBE-7, not in PV1-39."""
    segment = w.segment("PV1", "1")
    segment.put(2, _class(w, visit))
    places(w, segment, visit)
    _numbers(w, segment, visit)
    segment.put(36, _discharge(w, visit))
    skip = {36, 50} | ({39} if moved is not None else set())
    if visit.get("status") in _UNENDED:
        # PV1-45 would say that the patient has gone.
        skip.add(45)
    fill(w, segment, "pv1_encounter", _without_level(w, visit), frozenset(skip))
    for participant in visit.get("participant", ()):
        _participant(w, segment, participant)
    _restricted(w, segment, visit)
    return segment


def _class(w: Writing, visit: Resource) -> str | None:
    """PV1-2: the German Kontaktart where one is stated, else the class of table 0004."""
    given = visit.get("class")
    if given is None:
        return None
    code = w.coded("encounter-class", given, "PV1-2")
    for kind in _codings(visit, _KONTAKTART):
        german = w.coded("kontaktart", kind, "")
        known = meaning("encounter-class", german) if german is not None else None
        if german is not None and known is not None and known.code == given.get("code"):
            w.carried(given.get("display"))
            return derived(w.local(german, "PV1-2"), german, given["code"], given.get("system"))
    if code is not None:
        return code
    if given.get("system") == f"{V2}0004":
        return derived(given.get("code", ""), given.get("code"), given["system"])
    if given.get("code") == "UNK":
        w.carried(given)
    return None


def _codings(visit: Resource, system: str) -> list[dict[str, Any]]:
    return [
        coding
        for concept in visit.get("type", ())
        for coding in concept.get("coding", ())
        if coding.get("system") == system
    ]


def _without_level(w: Writing, visit: Resource) -> Resource:
    """The visit without the types PV1 expresses otherwise: PV1-19 names the whole stay."""
    kept = []
    for concept in visit.get("type", ()):
        systems = {str(coding.get("system")) for coding in concept.get("coding", ())}
        if systems == {_KONTAKTEBENE}:
            codes = [coding.get("code") for coding in concept["coding"]]
            if codes == ["einrichtungskontakt"]:
                w.carried(concept)
        elif systems != {_KONTAKTART}:
            kept.append(concept)
    return {**visit, "type": kept}


def _numbers(w: Writing, segment: Segment, visit: Resource) -> None:
    """PV1-19 visit number, PV1-50 further ones; the account number stands in PID-18."""
    for identifier in own_first(w, visit.get("identifier", ())):
        if is_account(identifier):
            continue
        repetition = cx(w, identifier, "encounter")
        if not segment.add(19, repetition):
            segment.add(50, repetition)


def is_account(identifier: dict[str, Any]) -> bool:
    """Tell an account number (type AN) from a visit number."""
    codes = [str(coding.get("code")) for coding in identifier.get("type", {}).get("coding", ())]
    return codes == ["AN"]


def account(w: Writing, pid: Segment, visit: Resource) -> None:
    """Account number of the visit → PID-18."""
    for identifier in visit.get("identifier", ()):
        if is_account(identifier):
            pid.make(18, cx, w, identifier, "account")


def _discharge(w: Writing, visit: Resource) -> str | None:
    """PV1-36: the Entlassungsgrund of §301, else the sender's code."""
    disposition = visit.get("hospitalization", {}).get("dischargeDisposition")
    reason = extension(disposition or {}, _ENTLASSUNGSGRUND)
    if disposition is None or reason is None:
        return plain(w, disposition, "", "PV1-36", f"{V2}0112")
    digits: list[Text] = []
    for part in reason.get("extension", ()):
        coding = part.get("valueCoding", {})
        if "code" in coding:
            digits.append(coding["code"])
            w.carried(part)
    w.carried(reason["url"])
    code = derived(w.local("".join(digits), "PV1-36"), *digits)
    for coding in disposition.get("coding", ()):
        if coding.get("code") == code:
            w.carried(coding)
    return code or None


def _participant(w: Writing, segment: Segment, participant: dict[str, Any]) -> None:
    for concept in participant.get("type", ()):
        for coding in concept.get("coding", ()):
            field = _FIELDS.get(str(coding.get("code")))
            if field is None or coding.get("system") != _PARTICIPATION:
                continue
            if segment.make(field, xcn, w, participant.get("individual")):
                w.carried(coding, concept.get("text"))


def role_segments(w: Writing, visit: Resource) -> list[Segment]:
    """Participants PV1 has no field for → ROL."""
    segments: list[Segment] = []
    for participant in visit.get("participant", ()):
        concepts = participant.get("type", ())
        codes = {str(c.get("code")) for concept in concepts for c in concept.get("coding", ())}
        if codes & set(_FIELDS):
            continue
        segment = w.segment("ROL", str(len(segments) + 1), "UC")
        segment.put(3, *(_role(w, concepts)))
        if segment.make(4, xcn, w, participant.get("individual")):
            segments.append(segment)
    return segments


def _role(w: Writing, concepts: Any) -> tuple[str | None, ...]:
    for concept in concepts:
        for coding in concept.get("coding", ()):
            if (code := w.coded("provider-role", coding)) is not None:
                return code, None, "HL70443"
        if "text" in concept:
            return None, concept["text"]
    return (None,)


def _restricted(w: Writing, segment: Segment, visit: Resource) -> None:
    """A restricted visit shows as VIP (PV1-16) where PV1 already says so."""
    for label in visit.get("meta", {}).get("security", ()):
        if _is_restriction(label) and segment.has(16):
            w.carried(label)


def _is_restriction(label: dict[str, Any]) -> bool:
    return bool(label.get("system") == _CONFIDENTIALITY and label.get("code") == "R")


def pv2(w: Writing, visit: Resource, first: Segment) -> list[Segment]:
    """Encounter → PV2; a restricted visit without VIP mark is protected (PV2-22)."""
    segment = w.segment("PV2")
    fill(w, segment, "pv2_encounter", visit)
    for label in visit.get("meta", {}).get("security", ()):
        if _is_restriction(label) and not first.has(16):
            segment.put(22, derived("Y", label["code"], label["system"]))
    return [segment] if segment.fields else []


def zbe(w: Writing, visit: Resource, event: str, found: Movement | None) -> list[Segment]:
    """The movement a visit names → ZBE; none where no movement is known."""
    if found is None:
        return []
    segment = w.segment("ZBE")
    segment.add(1, found.number)
    start, end = _movement_times(found, visit, event)
    segment.put(2, w.time(start))
    segment.put(3, w.time(end))
    action = "UPDATE" if event == "A08" else "CANCEL" if found.cancelled else "INSERT"
    segment.put(4, action)
    segment.put(5, "N")
    if action != "INSERT":
        segment.put(6, _CORRECTED.get(event, "A01"))
    below(w, visit, found)
    segment.make(7, xon, w, visit.get("serviceProvider"))
    return [segment]


def _movement_times(
    found: Movement, visit: Resource, event: str
) -> tuple[Text | None, Text | None]:
    period = visit.get("period", {})
    if event == "A03" and not found.period:
        return period.get("end"), None
    stated = found.period or {"start": period.get("start")}
    return stated.get("start"), stated.get("end")


def status_is_said(w: Writing, visit: Resource, event: str, first: Segment) -> None:
    """The event, PV1-45 or the patient class expresses the status."""
    status = visit.get("status")
    kind = first.fields[2][0][0] if first.has(2) else None
    known = meaning("encounter-status", str(kind))
    implied = "finished" if first.has(45) else known.code if known is not None else None
    if status is not None and status == _SAID.get(event, implied):
        w.carried(status)


def occurred(visit: Resource | None, event: str) -> Text | None:
    """EVN-6: when the event took place."""
    period = (visit or {}).get("period", {})
    if event == "A03":
        return period.get("end")  # type: ignore[no-any-return]  # traced JSON
    return period.get("start") if event in {"A01", "A04"} else None
