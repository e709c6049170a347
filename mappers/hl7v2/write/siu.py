"""An appointment → SIU (HL7 v2.5 chapter 10.4; structure SIU_S12)."""

from __future__ import annotations

from mappers.base import Resource
from mappers.hl7v2.write.er7 import Segment
from mappers.hl7v2.write.plan import Choice, Plan, decisive, only_visit, refuse
from mappers.hl7v2.write.segments import appointment, clinical, notes, person, results, visit
from mappers.hl7v2.write.writing import Writing
from mappers.source import Source
from profiles.issue import NotSupported

#: Status → event; what is not here is booked or planned.
_EVENTS = {
    "cancelled": "S15",
    "noshow": "S26",
    "entered-in-error": "S17",
}
#: Events a message may have stated that hold for an appointment that stands.
_STATED = frozenset({"S12", "S13", "S14"})
#: Types of which another message is made.
_OTHERS = frozenset({"DiagnosticReport", "Procedure", "AllergyIntolerance", "Coverage"})


def choose_siu(source: Source) -> Choice | None:
    """Choose SIU when the Bundle holds an appointment; raises NotSupported beside other content."""
    found = source.of("Appointment")
    if not found:
        return None
    others = decisive(source) & _OTHERS
    if others:
        raise refuse({"Appointment", *others})
    if len(found) > 1:
        raise NotSupported("One SIU message carries one appointment.", location="Bundle.entry")
    stay = only_visit(source)
    event = _event(source, found[0])

    def plan(patient: Resource) -> Plan:
        return Plan(f"SIU^{event}", lambda w: _segments(w, patient, stay, found[0]), stay)

    return plan


def _event(source: Source, found: Resource) -> str:
    event = _EVENTS.get(str(found.get("status")))
    if event is not None:
        return event
    if source.event in _STATED:
        return source.event
    return "S14" if source.is_known(found) else "S12"


def _segments(
    w: Writing, patient: Resource, stay: Resource | None, found: Resource
) -> list[Segment]:
    pid = person.pid(w, patient)
    segments = [
        *appointment.sch(w, found),
        *notes.comment(w, found),
        pid,
        *person.pd1(w, patient),
    ]
    if stay is not None:
        first = visit.pv1(w, stay)
        visit.account(w, pid, stay)
        visit.status_is_said(w, stay, "", first)
        segments += [first, *visit.pv2(w, stay, first)]
    segments += results.observations(w, w.source.of("Observation"))
    segments += clinical.dg1(w, w.source.of("Condition"), stay)
    return segments + appointment.resources(w, found, patient)
