"""Patients and visits → ADT (HL7 v2.5 chapter 3.3; IHE PAM; German use)."""

from __future__ import annotations

from collections.abc import Callable

from mappers.base import Resource
from mappers.hl7v2.write.er7 import Segment
from mappers.hl7v2.write.plan import Choice, Plan, decisive, only_visit
from mappers.hl7v2.write.segments import clinical, insurance, person, results, visit
from mappers.hl7v2.write.segments.places import movement
from mappers.hl7v2.write.source import Source
from mappers.hl7v2.write.writing import Writing
from profiles.issue import NotSupported

#: Event → structure of MSH-9.3.
_STRUCTURES = {
    "A01": "ADT_A01",
    "A02": "ADT_A02",
    "A03": "ADT_A03",
    "A04": "ADT_A01",
    "A05": "ADT_A05",
    "A08": "ADT_A01",
    "A11": "ADT_A09",
    "A12": "ADT_A12",
    "A13": "ADT_A01",
    "A28": "ADT_A05",
    "A31": "ADT_A05",
}
_FULL = ("PID", "PD1", "NK1", "PV1", "PV2", "ROL", "ZBE", "OBX", "AL1", "DG1", "PR1", "IN1")
#: Structure → its segments in order; what is not there has no place in the message.
_ORDER = {
    "ADT_A01": _FULL,
    "ADT_A05": _FULL,
    "ADT_A03": (*_FULL[:7], "AL1", "DG1", "PR1", "OBX", "IN1"),
    "ADT_A02": ("PID", "PD1", "PV1", "PV2", "ROL", "ZBE", "OBX"),
    "ADT_A09": ("PID", "PD1", "PV1", "PV2", "ZBE", "OBX", "DG1"),
    "ADT_A12": ("PID", "PD1", "PV1", "PV2", "ZBE", "OBX", "DG1"),
}
_CARRIED = frozenset(
    {
        "Encounter",
        "Condition",
        "Procedure",
        "AllergyIntolerance",
        "Coverage",
        "RelatedPerson",
        "Observation",
    }
)
#: Classes of those who come and go the same day.
_OUTPATIENT = frozenset({"AMB", "EMER", "HH", "VR", "FLD"})
#: Events about a person, not about a visit.
_PERSON = frozenset({"A28", "A31"})


def choose_adt(source: Source) -> Choice:
    """Choose ADT; raises NotSupported when it would carry nothing but the patient."""
    kinds = decisive(source)
    if kinds and not kinds & _CARRIED:
        listed = ", ".join(sorted(kinds))
        raise NotSupported(f"No HL7 v2 message carries {listed}.", location="Bundle.entry")
    stay = only_visit(source)
    event = _stated_event(source, stay) or _event(stay)

    def plan(patient: Resource) -> Plan:
        structure = _STRUCTURES[event]
        return Plan("ADT", event, structure, lambda w: _segments(w, patient, stay, event), stay)

    return plan


def _stated_event(source: Source, stay: Resource | None) -> str | None:
    """The event the record of the translation names, where ADT has it and it concerns a visit."""
    event = source.event
    if event not in _STRUCTURES or (stay is None) != (event in _PERSON):
        return None
    return event


def _event(stay: Resource | None) -> str:
    """The event that makes a visit what it is."""
    if stay is None:
        return "A31"
    status = stay.get("status")
    if status in ("in-progress", "arrived", "triaged"):
        return "A04" if stay.get("class", {}).get("code") in _OUTPATIENT else "A01"
    events = {
        "planned": "A05",
        "finished": "A03",
        "cancelled": "A11",
        "entered-in-error": "A11",
    }
    return events.get(status or "", "A08")


def _segments(w: Writing, patient: Resource, stay: Resource | None, event: str) -> list[Segment]:
    pid = person.pid(w, patient)
    moved = movement(w, stay, event) if stay is not None else None
    first = visit.pv1(w, stay, moved) if stay is not None else visit.no_visit()
    if stay is not None:
        visit.account(w, pid, stay)
        visit.status_is_said(w, stay, event, first)
    of = w.source.of
    builders: dict[str, Callable[[], list[Segment]]] = {
        "PID": lambda: [pid],
        "PD1": lambda: person.pd1(w, patient),
        "NK1": lambda: person.nk1(w, patient),
        "PV1": lambda: [first],
        "PV2": lambda: visit.pv2(w, stay, first) if stay is not None else [],
        "ROL": lambda: visit.role_segments(w, stay) if stay is not None else [],
        "ZBE": lambda: visit.zbe(w, stay, event, moved) if stay is not None else [],
        "OBX": lambda: results.observations(w, of("Observation")),
        "AL1": lambda: clinical.al1(w, of("AllergyIntolerance")),
        "DG1": lambda: clinical.dg1(w, of("Condition"), stay),
        "PR1": lambda: clinical.pr1(w, of("Procedure"), stay),
        "IN1": lambda: insurance.in1(w, of("Coverage")),
    }
    return [segment for name in _ORDER[_STRUCTURES[event]] for segment in builders[name]()]
