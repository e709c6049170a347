"""Patients and visits → ADT (HL7 v2.5 chapter 3.3; IHE PAM; German use)."""

from __future__ import annotations

from collections.abc import Callable

from mappers.base import Resource
from mappers.hl7v2.write.er7 import Segment
from mappers.hl7v2.write.plan import Choice, Plan, decisive, only_visit
from mappers.hl7v2.write.segments import clinical, insurance, person, results, visit
from mappers.hl7v2.write.segments.places import movement
from mappers.hl7v2.write.writing import Writing
from mappers.source import Source
from profiles.issue import NotSupported

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
_VISIT = frozenset(
    {"A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A11", "A12", "A13", "A38"}
)
_BEGUN = frozenset({"in-progress", "arrived", "triaged"})
_VOID = frozenset({"cancelled", "entered-in-error"})
#: Types beside the visit that a transfer has no segments for: news of them are an update.
_NOT_IN_TRANSFERS = frozenset(
    {"Condition", "Procedure", "AllergyIntolerance", "Coverage", "RelatedPerson"}
)


def choose_adt(source: Source) -> Choice:
    """Choose ADT; raises NotSupported when it would carry nothing but the patient."""
    kinds = decisive(source)
    if kinds and not kinds & _CARRIED:
        listed = ", ".join(sorted(kinds))
        raise NotSupported(f"No HL7 v2 message carries {listed}.", location="Bundle.entry")
    stay = only_visit(source)

    def plan(patient: Resource) -> Plan:
        event = _stated_event(source, stay) or _event(source, patient, stay)
        return Plan(f"ADT^{event}", lambda w: _segments(w, patient, stay, event), stay)

    return plan


def _stated_event(source: Source, stay: Resource | None) -> str | None:
    """The event the record of the translation names, where it concerns what is told."""
    return source.event if source.event in (_PERSON if stay is None else _VISIT) else None


def _event(source: Source, patient: Resource, stay: Resource | None) -> str:
    """The event that makes a visit what it is."""
    if stay is None:
        return "A28" if source.is_new(patient) else "A31"
    status = str(stay.get("status", ""))
    before = _before(stay, "statusHistory", "status")
    if status in _VOID:
        return "A38" if before == "planned" else "A11"
    if status == "planned":
        return "A08" if source.is_known(stay) else "A05"
    if status == "finished":
        return "A03"
    return _begun(source, stay, before) if status in _BEGUN else "A08"


def _begun(source: Source, stay: Resource, before: str) -> str:
    """The event of a visit under way: begun, changed in kind, resumed or only told anew."""
    outpatient = stay.get("class", {}).get("code") in _OUTPATIENT
    if before == "finished":
        return "A13"
    earlier = stay.get("classHistory", ())
    if earlier and (earlier[-1].get("class", {}).get("code") in _OUTPATIENT) != outpatient:
        return "A07" if outpatient else "A06"
    if source.is_known(stay) and before != "planned":
        transfer = _has_moved(stay) and not decisive(source) & _NOT_IN_TRANSFERS
        return "A02" if transfer else "A08"
    return "A04" if outpatient else "A01"


def _has_moved(stay: Resource) -> bool:
    """Tell whether the patient left one place when the present one began."""
    left, reached = set(), set()
    for entry in stay.get("location", ()):
        period = entry.get("period", {})
        if entry.get("status") == "completed":
            left.add(period.get("end"))
        elif entry.get("status", "active") == "active":
            reached.add(period.get("start"))
    return bool(left & reached - {None})


def _before(stay: Resource, history: str, element: str) -> str:
    """The state before the present one; empty when none is known."""
    entries = [entry for entry in stay.get(history, ()) if entry.get(element) != stay.get(element)]
    return str(entries[-1][element]) if entries and element in entries[-1] else ""


def _segments(w: Writing, patient: Resource, stay: Resource | None, event: str) -> list[Segment]:
    pid = person.pid(w, patient)
    moved = movement(w, stay, event) if stay is not None else None
    first = visit.pv1(w, stay, moved) if stay is not None else visit.no_visit(w)
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
    return [s for name in w.pen.order if name in builders for s in builders[name]()]
