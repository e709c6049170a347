"""6302 a new examination is asked for, 6303 that is taken back → ServiceRequest."""

from __future__ import annotations

from mappers.base import Action
from mappers.drafts import Draft
from mappers.xdt.datatypes import clean
from mappers.xdt.gdt.examination import examination, named_request, report_key
from mappers.xdt.group import Group
from mappers.xdt.parties import doctor, practitioner
from mappers.xdt.patient import reference
from mappers.xdt.session import Session
from mappers.xdt.table_rows import apply_rows, table


def request(session: Session, asked: Group, body: Group) -> Draft | None:
    """What is to be examined, asked for by whom."""
    patient = session.patient
    if patient is None:
        return None
    draft = named_request(session, asked)
    if draft is None:
        draft = session.natural("ServiceRequest", *report_key(session, asked, body))
    resource = draft.resource
    resource["status"] = "active"
    resource["intent"] = "order"
    code = examination(session, asked)
    if code is None:
        session.issue("required", "it is not said what is to be examined", "FK 8402", "101")
        code = {"text": "Untersuchung"}
    resource["code"] = code
    resource["subject"] = reference(patient)
    authored = session.when(asked.first("6200"), asked.first("6201"))
    if authored is not None:
        resource["authoredOn"] = authored
    _requester(session, body, draft)
    apply_rows(session, asked, table("gdt", "request", "ServiceRequest"), resource)
    apply_rows(session, body, table("gdt", "referral", "ServiceRequest"), resource)
    return draft


def withdrawn(session: Session, asked: Group, body: Group) -> None:
    """6303: nobody is to act on the request any more."""
    draft = request(session, asked, body)
    if draft is not None:
        draft.resource["status"] = "revoked"
        draft.action = Action.CANCEL


def _requester(session: Session, body: Group, draft: Draft) -> None:
    """8491 the doctor who asks, else whoever signs (0212, 8990) or the practice (0201)."""
    named = body.first("8491")
    asking = practitioner(session, None, None, named) if named is not None else None
    who = doctor(session, body)
    if asking is not None and named is not None:
        requester = {**reference(asking), "display": clean(named)}
        draft.resource["requester"] = requester
        if who is not None:
            session.append(draft, "supportingInfo", who)
    elif who is not None:
        draft.resource["requester"] = who
    elif session.sender is not None:
        draft.resource["requester"] = session.sender
