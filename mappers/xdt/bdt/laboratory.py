"""Results of a laboratory or device kept with a day (FK 8401 to 8490) → DiagnosticReport."""

from __future__ import annotations

from mappers.drafts import Draft
from mappers.trace import text
from mappers.xdt.gdt.examination import examination, request_identifiers
from mappers.xdt.gdt.report import REPORT_NOTE
from mappers.xdt.group import Group
from mappers.xdt.panels import observations
from mappers.xdt.patient import reference
from mappers.xdt.results import RESULT_FIELDS, category_of_section, read_result
from mappers.xdt.session import Session

#: Letter of the kind of report.
_STATUS = {"E": "final", "T": "partial", "V": "preliminary", "N": "corrected"}


def laboratory(
    session: Session, key: tuple[str, ...], when: str | None, group: Group
) -> list[Draft]:
    """8401 kind of report, 8402 what was examined, 8410 begins each test, 8490 ends with words."""
    patient = session.patient
    if patient is None:
        return []
    draft = session.natural("DiagnosticReport", *key)
    resource = draft.resource
    identifiers = request_identifiers(session, group)
    if identifiers:
        resource["identifier"] = identifiers
    _status(session, group, draft)
    resource["category"] = [category_of_section("LAB")]
    resource["code"] = examination(session, group) or {"text": "Laborbefund"}
    resource["subject"] = reference(patient)
    if when is not None:
        resource["effectiveDateTime"] = when
    made = _results(session, group, draft, when)
    words = session.lines(group, "8490")
    if words is not None:
        note = {"url": REPORT_NOTE, "valueAnnotation": {"text": words}}
        session.append(draft, "extension", note)
    return [draft, *made]


def _results(session: Session, group: Group, draft: Draft, when: str | None) -> list[Draft]:
    read = [
        read_result(session, section) for section in group.sections("8410", within=RESULT_FIELDS)
    ]
    made = observations(session, read, (draft.id,), when)
    if made:
        draft.resource["result"] = [reference(one) for one in made]
    return made


def _status(session: Session, group: Group, draft: Draft) -> None:
    stated = group.first("8401")
    draft.resource["status"] = "final"
    if stated is None:
        return
    known = _STATUS.get(stated.strip().upper())
    if known is None:
        session.unknown(stated)
        return
    draft.resource["status"] = text(known, stated.source)
