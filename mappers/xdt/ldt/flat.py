"""LDT 2 (LDT1014.01): flat reports 8201 to 8204 and orders 8218, 8219 → the same resources.

A test and what follows it belong together (8410 to the next, 8434 in microbiology); before the
first stands what is true of the whole record, 8490 closes it.
"""

from __future__ import annotations

from typing import Any

from mappers.base import Key
from mappers.drafts import Draft
from mappers.trace import text
from mappers.uris import V2
from mappers.xdt.group import Group
from mappers.xdt.insurance import coverage
from mappers.xdt.ldt.charges import charges
from mappers.xdt.ldt.flat_microbiology import culture
from mappers.xdt.ldt.head import Head, order_by
from mappers.xdt.ldt.measured import value
from mappers.xdt.ldt.objects import note
from mappers.xdt.ldt.orders import order, request
from mappers.xdt.ldt.reports import REPORT
from mappers.xdt.ldt.results import LABORATORY
from mappers.xdt.ldt.specimens import specimen
from mappers.xdt.ldt.values import concept
from mappers.xdt.patient import patient, reference
from mappers.xdt.results import RESULT_FIELDS, observation, read_result
from mappers.xdt.session import Session
from mappers.xdt.table_rows import apply_rows, table
from profiles.issue import Issue, NotConformant

#: 8401 → status of the report.
_STATUS = {"E": "final", "T": "partial", "V": "preliminary", "A": "final", "N": "appended"}
#: Fields of a test.
_TEST = (*RESULT_FIELDS, "5001", "8406", "5005", "5009", "8614", "7303", "8412", "8490")
_MICROBIOLOGY = "8203"
#: Coded fields of the order → list of their values.
_LISTED = {"8609": "8609", "8403": "4121", "4221": "4221", "4239": "4239"}
_CHARGES = ("8406", "5005", "5009", "8614")


def flat_report(session: Session, record: Group, head: Head) -> None:
    """8201 to 8204 → DiagnosticReport, its results and the order behind it."""
    day, clock = record.first("8302"), record.first("8303")
    issued = session.instant_of(day, clock) if day is not None else None
    order_by(session, session.recency)
    number, whole = _ordered(session, record, head, "completed")
    draft = session.draft(
        "DiagnosticReport", Key("DiagnosticReport", f"{session.namespace}/report", number)
    )
    resource = draft.resource
    resource["identifier"] = [*whole.resource["identifier"]]
    resource["basedOn"] = [reference(whole)]
    _status(session, record, draft)
    resource["code"] = REPORT
    resource["subject"] = whole.resource["subject"]
    if head.laboratory is not None:
        resource["performer"] = [head.laboratory]
    if issued is not None:
        resource["issued"] = issued
    received = session.when(record.first("8301"))
    if received is not None:
        session.say(whole, "occurrenceDateTime", received)
    made = _results(session, record, head, draft)
    for result in made:
        session.append(draft, "result", reference(result))
    section = "MB" if record.name == _MICROBIOLOGY else "LAB"
    resource["category"] = [{"coding": [{"system": f"{V2}0074", "code": section}]}]
    conclusion = session.lines(record, "8490")
    if conclusion is not None:
        resource["conclusion"] = conclusion


def flat_order(session: Session, record: Group, head: Head) -> None:
    """8218 and 8219 → ServiceRequests."""
    number, whole = _ordered(session, record, head, "active")
    for section in record.sections("8410", "8434", within=_TEST):
        asked = request(session, section, whole, {})
        if section.has("8428", "8429", "8430", "8431"):
            made = specimen(session, section, number)
            if made is not None:
                session.append(asked, "specimen", reference(made))
    conclusion = session.lines(record, "8490")
    note(session, whole, conclusion)


def _ordered(session: Session, record: Group, head: Head, status: str) -> tuple[str, Draft]:
    """The patient and the order as a whole."""
    number = str(record.first("8310") or record.first("8311") or "").strip()
    if not number:
        sentence = "the record has no number (FK 8310, 8311)"
        issue = Issue("error", "required", sentence, "FK 8310", "101")
        raise NotConformant(sentence, location="FK 8310", issues=(issue,))
    person = Group(record.name, record.line)
    person.entries = [
        ("3110" if fk == "8407" and not record.has("3110") else fk, leaf)
        for fk, leaf in record.entries
    ]
    otherwise = Key("Patient", f"{session.namespace}/order-patient{session.scope}", number)
    patient(session, person, otherwise)
    whole = order(session, record, head.practice, status)
    if whole is None:
        raise NotConformant("the record has no number (FK 8310)", location="FK 8310")
    received = session.when(record.first("8301"))
    if received is not None and status == "active":
        session.say(whole, "authoredOn", received)
    apply_rows(session, record, table("ldt", "closing", "ServiceRequest"), whole.resource)
    for fk, values in _LISTED.items():
        for leaf in record.all(fk):
            session.append(whole, "category", concept(session, fk, leaf, values))
    insured = coverage(session, record)
    if insured is not None:
        session.append(whole, "insurance", reference(insured))
        billing = table("ldt", "billing", "Coverage")
        apply_rows(session, record, billing, insured.resource)
    return number, whole


def _status(session: Session, record: Group, draft: Draft) -> None:
    stated = record.first("8401")
    known = _STATUS.get(stated.strip()) if stated is not None else None
    if stated is not None and known is None:
        session.unknown(stated)
    draft.resource["status"] = text(known, stated.source) if known and stated else "unknown"


def _results(session: Session, record: Group, head: Head, draft: Draft) -> list[Draft]:
    if record.name == _MICROBIOLOGY:
        return culture(session, record, draft)
    made = []
    for section in record.sections("8410", within=_TEST):
        result = observation(session, read_result(session, _without_charges(section)), (draft.id,))
        result.resource["category"] = [LABORATORY]
        if head.laboratory is not None:
            result.resource["performer"] = [head.laboratory]
        _compared(session, section, result)
        _missing(section, result)
        charges(session, section, result)
        made.append(result)
    return made


def _without_charges(section: Group) -> Group:
    made = Group(section.name, section.line)
    made.entries = [entry for entry in section.entries if entry[0] not in _CHARGES]
    return made


def _compared(session: Session, section: Group, result: Draft) -> None:
    """8420 with a sign (<5, >1000) is a quantity too; 8480 is then a note."""
    said = value(session, section, None)
    if "valueQuantity" not in said or "valueString" not in result.resource:
        return
    del result.resource["valueString"]
    result.resource.update(said)
    note(session, result, session.lines(section, "8480"))


def _missing(section: Group, result: Draft) -> None:
    """A result that is missing (8418 F) has no value, and says so."""
    stated = section.first("8418")
    if stated is None or stated.strip() != "F" or "dataAbsentReason" not in result.resource:
        return
    system = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
    coding: dict[str, Any] = {"system": system, "code": text("temp-unknown", stated.source)}
    result.resource["dataAbsentReason"] = {"coding": [coding]}
