"""6310 examination data → DiagnosticReport, its Observations, documents and diagnoses."""

from __future__ import annotations

from typing import Any

from mappers.drafts import Draft
from mappers.xdt.attachments import FILE_FIELDS, attachment, text_form
from mappers.xdt.datatypes import clean
from mappers.xdt.gdt.examination import examination, named_request, report_key, section
from mappers.xdt.gdt.facts import fact, free_categories
from mappers.xdt.group import Group
from mappers.xdt.panels import observations
from mappers.xdt.parties import doctor, practitioner
from mappers.xdt.patient import reference
from mappers.xdt.results import RESULT_FIELDS, category_of_section, read_result
from mappers.xdt.session import Session

#: R5's DiagnosticReport.note, for R4.
REPORT_NOTE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-DiagnosticReport.note"
_RESULTS = ("Obj_Laborergebnis", "Obj_0057")
_FILES = ("Obj_Anhang", "Obj_0010")


def report(session: Session, asked: Group, body: Group, record: Group) -> None:
    """The examination as a whole, and what was found."""
    patient = session.patient
    if patient is None:
        return
    key = report_key(session, asked, body)
    draft = session.natural("DiagnosticReport", *key)
    resource = draft.resource
    resource["identifier"] = [{"system": f"{session.namespace}/report", "value": "|".join(key)}]
    _based_on(session, asked, body, resource)
    resource["status"] = "final"
    code = section(session, asked)
    if code:
        resource["category"] = [category_of_section(code)]
    resource["code"] = examination(session, asked) or {"text": "Untersuchung"}
    resource["subject"] = reference(patient)
    effective = _effective(session, asked, body)
    if effective is not None:
        resource["effectiveDateTime"] = effective
    _people(session, body, draft)
    _results(session, draft, body, record, effective)
    _words(session, body, draft)
    _files(session, draft, key, (body, record), effective)


def _based_on(session: Session, asked: Group, body: Group, resource: dict[str, Any]) -> None:
    """8310 and 8314 name the request the report answers; of it no more is known."""
    order = named_request(session, asked)
    patient = session.patient
    if order is None or patient is None:
        return
    order.resource["status"] = "unknown"
    order.resource["intent"] = "order"
    order.resource["code"] = examination(session, asked) or {"text": "Untersuchung"}
    order.resource["subject"] = reference(patient)
    order.weak = ("status", "intent")
    if body.has("6200") and asked is not body:
        authored = session.when(asked.first("6200"), asked.first("6201"))
        if authored is not None:
            order.resource["authoredOn"] = authored
    resource["basedOn"] = [reference(order)]


def _effective(session: Session, asked: Group, body: Group) -> str | None:
    """6200 and 6201: when the examination was; in GDT 3 they may name the request as well."""
    day, clock = body.first("6200"), body.first("6201")
    if day is None:
        day, clock = asked.first("6200"), asked.first("6201")
    return session.when(day, clock)


def _people(session: Session, body: Group, draft: Draft) -> None:
    """8990, 0212 and 0201 who did it; 8491 the doctor responsible."""
    who = doctor(session, body)
    if who is not None:
        draft.resource["performer"] = [who]
    elif session.sender is not None:
        draft.resource["performer"] = [{"display": session.sender["display"]}]
    named = body.first("8491")
    responsible = practitioner(session, None, None, named) if named is not None else None
    if responsible is not None and named is not None:
        shown = {**reference(responsible), "display": clean(named)}
        draft.resource["resultsInterpreter"] = [shown]


def _results(
    session: Session, draft: Draft, body: Group, record: Group, effective: str | None
) -> None:
    """8410 begins a test; blood pressures of one moment are one panel."""
    held = record.find_all(*_RESULTS)
    groups = [group.merged() for group in held] or [body]
    read = [
        read_result(session, section_)
        for group in groups
        for section_ in group.sections("8410", within=RESULT_FIELDS)
    ]
    key = (draft.id,)
    made = observations(session, read, key, effective)
    made += [one for one in (fact(session, body, "6221", key, effective),) if one is not None]
    made += free_categories(session, body, key, effective)
    for one in made:
        if session.sender is not None and "device" not in one.resource:
            one.resource["device"] = session.sender
        session.append(draft, "result", reference(one))
    if any(one.resource["status"] == "corrected" for one in made):
        draft.resource["status"] = "corrected"


def _words(session: Session, body: Group, draft: Draft) -> None:
    """6220 findings, 6227 comments, 6228 the table the device prints."""
    conclusion, comment = session.lines(body, "6220"), session.lines(body, "6227")
    if conclusion is not None:
        draft.resource["conclusion"] = conclusion
    if comment is not None:
        note = {"url": REPORT_NOTE, "valueAnnotation": {"text": comment}}
        session.append(draft, "extension", note)
    lines = [content for fk, content in body.entries if fk == "6228"] if body.has("6228") else []
    if lines:
        session.append(draft, "presentedForm", text_form(session, lines, draft))


def _files(
    session: Session,
    draft: Draft,
    key: tuple[str, ...],
    groups: tuple[Group, Group],
    effective: str | None,
) -> None:
    """6302 begins a file; without it 6303 to 6305 are one."""
    body, record = groups
    held = [group.merged() for group in record.find_all(*_FILES)] or [body]
    for group in held:
        if not group.has(*FILE_FIELDS):
            continue
        leading = next((fk for fk in FILE_FIELDS if group.has(fk)), "6302")
        for one in group.sections(leading, within=FILE_FIELDS):
            document = attachment(session, one, key, effective)
            if document is not None:
                related = {"related": [reference(draft)]}
                session.say(document, "context", related)
