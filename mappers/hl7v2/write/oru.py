"""Reports and observations → ORU^R01 (HL7 v2.5 chapter 7.3.1)."""

from __future__ import annotations

from mappers.base import Resource
from mappers.hl7v2.write.er7 import Segment
from mappers.hl7v2.write.plan import Choice, Plan, decisive, only_visit, refuse
from mappers.hl7v2.write.segments import person, results, visit
from mappers.hl7v2.write.writing import Writing
from mappers.source import Source

#: Statements that make observations part of an ADT message.
_ADT_ONLY = frozenset({"Condition", "Procedure", "AllergyIntolerance", "Coverage"})


def choose_oru(source: Source) -> Choice | None:
    """Choose ORU for reports, or observations without other statements."""
    kinds = decisive(source)
    if "DiagnosticReport" in kinds and kinds & _ADT_ONLY:
        raise refuse({"DiagnosticReport", *kinds & _ADT_ONLY})
    if "DiagnosticReport" not in kinds and ("Observation" not in kinds or kinds & _ADT_ONLY):
        return None
    if "DiagnosticReport" not in kinds and source.event.startswith("A"):
        # Observations of an admission or registration stay with it.
        return None
    stay = only_visit(source)

    def plan(patient: Resource) -> Plan:
        return Plan("ORU^R01", lambda w: _segments(w, patient, stay), stay)

    return plan


def _segments(w: Writing, patient: Resource, stay: Resource | None) -> list[Segment]:
    pid = person.pid(w, patient)
    segments = [pid, *person.pd1(w, patient), *person.nk1(w, patient)]
    if stay is not None:
        visit.account(w, pid, stay)
        first = visit.pv1(w, stay)
        visit.status_is_said(w, stay, "R01", first)
        segments += [first, *visit.pv2(w, stay, first)]
    reports = w.source.of("DiagnosticReport")
    reported = {
        id(w.source.resolve(reference))
        for report in reports
        for reference in report.get("result", ())
    }
    count = 0
    for count, report in enumerate(reports, 1):
        segments += results.report(w, report, count)
    for observation in w.source.of("Observation"):
        if id(observation) not in reported:
            count += 1
            segments += results.lone(w, observation, count)
    return segments
