"""OBR → DiagnosticReport (HL7 v2.5 chapter 7.4.1)."""

from __future__ import annotations

from typing import Any

from mappers.base import Key
from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.periods import ordered
from mappers.hl7v2.segments.interpreters import interpreters
from mappers.hl7v2.segments.orders import labels, order_identifiers
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import V2, Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment
from mappers.trace import text

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "OBR": ("DiagnosticReport.subject", "DiagnosticReport.encounter"),
    "OBR-2": ("DiagnosticReport.identifier",),
    "OBR-3": ("DiagnosticReport.identifier",),
    "OBR-7": (
        "DiagnosticReport.effectivePeriod",
        "DiagnosticReport.effective",
    ),
    "OBR-8": ("DiagnosticReport.effectivePeriod", "DiagnosticReport.effective"),
    "OBR-24": ("DiagnosticReport.category", "Observation.category"),
    "OBR-25": ("DiagnosticReport.status",),
}


def report(
    session: Session, orc: Segment | None, obr: Segment, request: Draft | None
) -> Draft | None:
    """OBR → DiagnosticReport."""
    patient = session.patient
    if patient is None:
        return None
    identifiers = order_identifiers(session, orc, obr)
    draft = _named(session, obr, identifiers, patient)
    resource = draft.resource
    for identifier in identifiers:
        session.append(draft, "identifier", identifier)
    if request is not None:
        session.say(draft, "basedOn", [reference(request)])
    stated = obr.first(25)
    status = session.code("report-status", stated)
    if status is None:
        draft.weak += ("status",)
    resource["status"] = status or "unknown"
    _category(session, obr, resource)
    resource["subject"] = reference(patient)
    if session.encounter is not None:
        resource["encounter"] = reference(session.encounter)
    apply_rows(session, obr, table("obr_diagnosticreport"), draft)
    if orc is not None:
        apply_rows(session, orc, table("orc_diagnosticreport"), draft)
        labels(session, orc, draft)
    resource.setdefault("code", {"text": "unbekannt"})
    _effective_period(session, obr, resource)
    interpreters(session, obr, draft)
    return draft


def _named(
    session: Session, obr: Segment, identifiers: list[dict[str, Any]], patient: Draft
) -> Draft:
    """Name a report by filler (or placer) number and service: panels share the number."""
    code = str(obr.first(4) or obr.component(4, 2) or "")
    fillers = [i for i in identifiers if i["type"]["coding"][0]["code"] == "FILL"]
    for identifier in (*fillers, *identifiers):
        system = f"{identifier['system']}/report"
        value = f"{identifier['value']}|{code}"
        return session.draft("DiagnosticReport", Key("DiagnosticReport", system, value))
    return session.natural("DiagnosticReport", patient.id, code, str(obr.first(7) or ""))


def _category(session: Session, obr: Segment, resource: dict[str, Any]) -> None:
    for repetition in obr.repetitions(24):
        found = concept(session, repetition, "diagnostic-section", "OBR-24", V2 + "0074")
        if found is not None:
            resource["category"] = [found]


def observation_category(session: Session, obr: Segment | None) -> dict[str, Any] | None:
    """Category of the observations below a report, from OBR-24."""
    section = obr.first(24) if obr is not None else None
    found = session.lookup("observation-category", section) if section is not None else None
    if section is None or found is None:
        return None
    coding = {"system": found.system, "code": text(found.code, section.source)}
    coding["display"] = found.display
    return {"coding": [coding]}


def _effective_period(session: Session, obr: Segment, resource: dict[str, Any]) -> None:
    """OBR-7 to -8; where two OBR tell of one report, the one that says more holds."""
    if not obr.has(8):
        if "effectivePeriod" in resource and "effectiveDateTime" in resource:
            session.echoes.append(resource.pop("effectiveDateTime"))
        return
    start, end = session.date_time(obr.first(7)), session.date_time(obr.first(8))
    period = {k: v for k, v in (("start", start), ("end", end)) if v is not None}
    if period:
        resource["effectivePeriod"] = ordered(session, period)
        session.echoes.append(resource.pop("effectiveDateTime", None))
