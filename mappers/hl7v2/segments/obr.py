"""OBR → DiagnosticReport and Specimen (HL7 v2.5 chapter 7.4.1, 7.4.3)."""

from __future__ import annotations

from typing import Any

from mappers.base import Key
from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.converters import quantity
from mappers.hl7v2.datatypes.identifiers import eip
from mappers.hl7v2.datatypes.parties import practitioner
from mappers.hl7v2.datatypes.periods import ordered
from mappers.hl7v2.segments.orders import order_identifiers
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import V2, Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf, leaves_of
from mappers.trace import Text, derived, text

#: OBR fields of type NDL: interpreter, assistant, technician, transcriptionist.
_INTERPRETERS = (32, 33)
_PERFORMERS = (34, 35)


#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "OBR": ("DiagnosticReport.subject", "DiagnosticReport.encounter"),
    "OBR-2": ("DiagnosticReport.identifier",),
    "OBR-3": ("DiagnosticReport.identifier",),
    "OBR-7": (
        "DiagnosticReport.effectivePeriod",
        "DiagnosticReport.effective",
        "Specimen.collection.collectedDateTime",
    ),
    "OBR-8": ("DiagnosticReport.effectivePeriod", "DiagnosticReport.effective"),
    "OBR-9": ("Specimen.collection.quantity",),
    "OBR-10": ("Specimen.collection.collector",),
    "OBR-15": ("Specimen.type",),
    "OBR-24": ("DiagnosticReport.category", "Observation.category"),
    "OBR-25": ("DiagnosticReport.status",),
    "OBR-32": ("DiagnosticReport.resultsInterpreter",),
    "OBR-33": ("DiagnosticReport.resultsInterpreter",),
    "OBR-34": ("DiagnosticReport.performer",),
    "OBR-35": ("DiagnosticReport.performer",),
    "SPM-2": ("Specimen.identifier",),
    "SPM-7": ("Specimen.collection.method",),
    "SPM-8": ("Specimen.collection.bodySite",),
    "SPM-17": ("Specimen.collection.collected",),
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
    resource.setdefault("code", {"text": "unbekannt"})
    _effective_period(session, obr, resource)
    _people(session, obr, draft)
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
    if not obr.has(8):
        return
    start, end = session.date_time(obr.first(7)), session.date_time(obr.first(8))
    period = {k: v for k, v in (("start", start), ("end", end)) if v is not None}
    if period:
        resource["effectivePeriod"] = ordered(session, period)


def _people(session: Session, obr: Segment, draft: Draft) -> None:
    for fields, element in ((_INTERPRETERS, "resultsInterpreter"), (_PERFORMERS, "performer")):
        for field in fields:
            for repetition in obr.repetitions(field):
                person = practitioner(session, _person_of(repetition))
                if person is not None:
                    session.append(draft, element, person)


def _person_of(repetition: Repetition) -> Repetition:
    """NDL.1 is a CNN whose parts are subcomponents: shift them into an XCN."""
    first = repetition[1] if len(repetition) > 1 else None
    if type(first) is not list:
        return repetition[:3] if len(repetition) > 2 else repetition
    parts: list[Text | None] = [*first, *([None] * (11 - len(first)))]
    shifted: Repetition = [None, *parts[:7]]
    return [*shifted, None, parts[8]]


def specimen(session: Session, obr: Segment, draft: Draft) -> None:
    """OBR-15 (before SPM) and the collection fields of OBR → Specimen."""
    patient = session.patient
    kind = None
    for repetition in obr.repetitions(15):
        kind = _specimen_type(session, repetition)
        break
    if patient is None or not (kind or obr.has(14) or obr.has(10) or obr.has(39)):
        return
    named = (kind or {}).get("text") or (kind or {}).get("coding", [{}])[0].get("code", "")
    made = session.natural("Specimen", draft.id, named or "")
    resource = made.resource
    if kind:
        resource["type"] = kind
    resource["subject"] = reference(patient)
    apply_rows(session, obr, table("obr_specimen"), made)
    _collection(session, obr, resource)
    session.append(draft, "specimen", reference(made))


def _specimen_type(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """SPS.1 is a CE whose parts are subcomponents."""
    first = repetition[1] if len(repetition) > 1 else None
    parts: Repetition = [None, *first] if type(first) is list else [None, first]
    said = leaves_of(repetition[2:3])
    words = derived(", ".join(dict.fromkeys(said)), *said) if said else None
    made = concept(session, parts, default=V2 + "0487")
    if made is None:
        return {"text": words} if words is not None else None
    if words is not None and made.get("coding") and "display" not in made["coding"][0]:
        made["coding"][0]["display"] = words
    elif words is not None:
        made["text"] = words
    return made


def _collection(session: Session, obr: Segment, resource: dict[str, Any]) -> None:
    collected: dict[str, Any] = {}
    when = session.date_time(obr.first(7))
    if when is not None:
        collected["collectedDateTime"] = when
    for repetition in obr.repetitions(10):
        collector = practitioner(session, repetition)
        if collector is not None:
            collected["collector"] = collector
        break
    for repetition in obr.repetitions(9):
        number = leaf(repetition, 1)
        value = quantity(session, number) if number is not None else None
        unit = leaf(repetition, 2)
        if value is not None:
            collected["quantity"] = {"value": value, **({"unit": unit} if unit else {})}
    if collected:
        resource["collection"] = collected


def spm(session: Session, segment: Segment, draft: Draft) -> Draft | None:
    """SPM → Specimen of the report."""
    patient = session.patient
    if patient is None:
        return None
    numbers = [
        identifier
        for repetition in segment.repetitions(2)
        for half in repetition[1:3]
        if (identifier := eip(session, half, "specimen")) is not None
    ]
    named = [str(n["value"]) for n in numbers] or [str(segment.first(4) or "")]
    made = session.natural("Specimen", draft.id, *named)
    made.resource["subject"] = reference(patient)
    for identifier in numbers:
        session.append(made, "identifier", identifier)
    apply_rows(session, segment, table("spm_specimen"), made)
    _spm_collection(session, segment, made.resource)
    session.append(draft, "specimen", reference(made))
    return made


def _spm_collection(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    collected: dict[str, Any] = {}
    for repetition in segment.repetitions(17):
        start = session.date_time(leaf(repetition, 1))
        end = session.date_time(leaf(repetition, 2))
        if end is not None:
            period = {k: v for k, v in (("start", start), ("end", end)) if v is not None}
            collected["collectedPeriod"] = ordered(session, period)
        elif start is not None:
            collected["collectedDateTime"] = start
    for field, element in ((7, "method"), (8, "bodySite")):
        for repetition in segment.repetitions(field):
            found = concept(session, repetition)
            if found is not None:
                collected[element] = found
            break
    if collected:
        resource["collection"] = collected
