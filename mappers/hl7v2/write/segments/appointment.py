"""Appointment → SCH, TQ1, RGS, AIS, AIG, AIL and AIP (HL7 v2.5 chapter 10.6)."""

from __future__ import annotations

from typing import Any

from mappers.base import Resource
from mappers.hl7v2.write.datatypes import codings
from mappers.hl7v2.write.datatypes.identifiers import ei, own_first
from mappers.hl7v2.write.datatypes.parties import xcn
from mappers.hl7v2.write.er7 import Segment
from mappers.hl7v2.write.rows import number
from mappers.hl7v2.write.segments.places import point
from mappers.hl7v2.write.writing import Writing
from mappers.trace import Text

_TYPES = "http://terminology.hl7.org/CodeSystem/participant-type"
_ENTERER = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
#: (System, code) of a participant's type → field of SCH.
_CONTACTS = {
    (_TYPES, "placer contact"): 12,
    (_TYPES, "filler contact"): 16,
    (_ENTERER, "enterer"): 20,
}
#: Type of an appointment number → field of SCH; one without type is the filler's.
_NUMBERS = {"PLAC": 1, "FILL": 2}
#: FHIR status without a code of its own → the nearest one; the status counts as left out.
_NEAREST = {"proposed": "Pending", "arrived": "Started"}
_MINUTES = ("min", None, "UCUM")
#: Kind of actor → segment and field of its person, place or thing.
_PEOPLE = frozenset({"Practitioner", "PractitionerRole"})
_THINGS = frozenset({"Device", "HealthcareService"})


def sch(w: Writing, found: Resource) -> list[Segment]:
    """Appointment → SCH and, where SCH-11 is gone, TQ1."""
    segment = w.segment("SCH")
    for identifier in own_first(w, found.get("identifier", ())):
        _number(w, segment, identifier)
    segment.make(6, codings.cwe, w, found.get("cancelationReason"))
    for reason in found.get("reasonCode", ())[:1]:
        segment.make(7, codings.cwe, w, reason)
    segment.make(8, codings.cwe, w, found.get("appointmentType"))
    if "minutesDuration" in found and segment.put(9, number(found["minutesDuration"])):
        segment.put(10, *_MINUTES)
    for participant in found.get("participant", ()):
        _contact(w, segment, participant)
    segment.put(25, _status(w, found.get("status")), None, "HL70278")
    for reference in found.get("basedOn", ()):
        _order(w, segment, reference)
    start, end = w.time(found.get("start")), w.time(found.get("end"))
    if segment.put(11, None, None, None, start, end):
        return [segment]
    timing = w.segment("TQ1", "1")
    timing.put(7, start)
    timing.put(8, end)
    return [segment, timing] if timing.has(7, 8) else [segment]


def _number(w: Writing, segment: Segment, identifier: dict[str, Any]) -> None:
    kind = identifier.get("type", {})
    codes = [str(coding.get("code")) for coding in kind.get("coding", ())]
    field = _NUMBERS.get(codes[0], 2) if codes else 2
    if segment.make(field, ei, w, identifier, "appointment") and codes and codes[0] in _NUMBERS:
        w.carried(kind)


def _status(w: Writing, status: Text | None) -> str | None:
    return _NEAREST.get(status or "") or w.code("filler-status", status, "SCH-25")


def _contact(w: Writing, segment: Segment, participant: dict[str, Any]) -> None:
    """SCH-12, -16, -20: who asks for, keeps and enters the appointment."""
    for concept in participant.get("type", ()):
        for coding in concept.get("coding", ()):
            field = _CONTACTS.get((str(coding.get("system")), str(coding.get("code"))))
            if field and segment.make(field, xcn, w, participant.get("actor")):
                w.carried(coding, participant.get("status"))


def _is_contact(participant: dict[str, Any]) -> bool:
    return any(
        (str(coding.get("system")), str(coding.get("code"))) in _CONTACTS
        for concept in participant.get("type", ())
        for coding in concept.get("coding", ())
    )


def _order(w: Writing, segment: Segment, reference: dict[str, Any]) -> None:
    """SCH-26 placer and SCH-27 filler number of the order the appointment answers."""
    order = w.source.resolve(reference)
    stated = reference.get("identifier")
    numbers = own_first(w, (order or {}).get("identifier", [stated] if stated else []))
    for identifier in numbers:
        kind = identifier.get("type", {})
        codes = [str(coding.get("code")) for coding in kind.get("coding", ())]
        field = 26 if codes == ["PLAC"] else 27
        if segment.make(field, ei, w, identifier, "order"):
            w.carried(kind if codes in (["PLAC"], ["FILL"]) else None)
            w.carried(reference.get("reference"), reference.get("type"))


def resources(w: Writing, found: Resource, patient: Resource) -> list[Segment]:
    """RGS and what is booked: services, things, places, people."""
    segments = [w.segment("RGS", "1", "A" if w.source.is_new(found) else None)]
    for service in found.get("serviceType", ()):
        segment = w.segment("AIS", str(_count(segments, "AIS")))
        if segment.make(3, codings.cwe, w, service):
            segments.append(segment)
    for name in ("AIG", "AIL", "AIP"):
        for participant in found.get("participant", ()):
            segment = w.segment(name, str(_count(segments, name)))
            if _resource(w, segment, participant, patient):
                segments.append(segment)
    return segments


def _count(segments: list[Segment], name: str) -> int:
    return sum(segment.name == name for segment in segments) + 1


def _resource(w: Writing, segment: Segment, participant: dict[str, Any], patient: Resource) -> bool:
    """One participant as the segment of its kind; False when it is none of that kind."""
    actor = participant.get("actor", {})
    target = w.source.resolve(actor)
    if target is patient or _is_contact(participant):
        if segment.name == "AIP" and target is patient:
            _patient(w, participant)
        return False
    kind = str(target["resourceType"]) if target is not None else _stated(actor)
    if segment.name != _segment_of(kind) or not _actor(w, segment, actor, target):
        return False
    kinds = participant.get("type", ())
    segment.add(4, codings.cwe(w, kinds[0]) if kinds else None)
    _period(w, segment, participant.get("period", {}))
    status = w.code("participation-status", participant.get("status"))
    segment.put(14 if segment.name == "AIG" else 12, status, None, "HL70278")
    return True


def _stated(actor: dict[str, Any]) -> str:
    written = str(actor.get("reference", ""))
    return str(actor.get("type") or (written.split("/")[-2] if "/" in written else ""))


def _segment_of(kind: str) -> str:
    if kind in _PEOPLE:
        return "AIP"
    return "AIL" if kind == "Location" else "AIG" if kind in _THINGS else ""


def _patient(w: Writing, participant: dict[str, Any]) -> None:
    """PID names the patient, who takes part without saying so."""
    w.carried(participant["actor"])
    if participant.get("status") == "accepted":
        w.carried(participant["status"])


def _actor(
    w: Writing, segment: Segment, actor: dict[str, Any], target: dict[str, Any] | None
) -> bool:
    if segment.name == "AIP":
        return segment.make(3, xcn, w, actor)
    if segment.name == "AIL":
        return segment.make(3, point, w, actor)
    known = own_first(w, (target or {}).get("identifier", ()))
    identifier = known[0] if known else actor.get("identifier", {})
    name = (target or {}).get("name") or (target or {}).get("type", {}).get("text")
    shown = name if isinstance(name, Text) else actor.get("display")
    system = identifier.get("system")
    named = codings.system_name(w, system) if system is not None else None
    if not segment.put(3, identifier.get("value"), shown, named):
        return False
    if target is not None:
        w.carried(actor["reference"], actor.get("type"), actor.get("display"))
    return True


def _period(w: Writing, segment: Segment, period: dict[str, Any]) -> None:
    """Start of one resource; only what the appointment itself does not say."""
    if "start" in period:
        field = 8 if segment.name == "AIG" else 6
        segment.put(field, w.time(period["start"]))
