"""GT1 → RelatedPerson and Account.guarantor; the patient's account (chapter 6.5.5, FHIR Account).

An Account exists where a message says more about it than its number: who pays, its status, its
class, or that it was merged.
"""

from __future__ import annotations

from typing import Any

from mappers.base import Key
from mappers.hl7v2.datatypes.identifiers import cx
from mappers.hl7v2.segments import facts
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment

_SELF = frozenset({"SEL", "SE", "ONESELF", "SELF", "18", "01"})

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "GT1": ("RelatedPerson.patient", "Account.guarantor"),
    "PID-18": ("Account.identifier", "Account.status"),
    "PID": ("Account.status", "Account.subject"),
}


def guarantor(session: Session, segment: Segment) -> Draft | None:
    """GT1 → who pays: a RelatedPerson, or the patient."""
    patient = session.patient
    if patient is None or not segment.states():
        return None
    named = [str(segment.first(n) or "") for n in (2, 3, 21, 12)]
    draft = session.natural("RelatedPerson", patient.id, "guarantor", *named)
    if "patient" not in draft.resource:
        draft.resource["patient"] = reference(patient)
        apply_rows(session, segment, table("gt1_relatedperson"), draft)
    facts.about(session, segment, draft)
    holder = account(session)
    if holder is not None:
        is_self = (segment.first(11) or "").upper() in _SELF
        stated: dict[str, Any] = {"party": reference(patient if is_self else draft)}
        session.append(holder, "guarantor", stated)
    return draft


def account(session: Session) -> Draft | None:
    """The account of PID-18, without a number that of the visit or patient."""
    patient = session.patient
    if patient is None:
        return None
    pid = session.get("PID")
    for repetition in pid.repetitions(18) if pid is not None else ():
        identifier = cx(session, repetition, "account")
        if identifier is not None:
            return numbered(session, identifier, patient)
    visit = session.encounter
    draft = session.natural("Account", (visit or patient).id)
    return _begun(draft, patient)


def numbered(session: Session, identifier: dict[str, Any], patient: Draft) -> Draft:
    """The account with this number."""
    key = Key("Account", str(identifier["system"]), str(identifier["value"]))
    draft = session.draft("Account", key)
    session.append(draft, "identifier", identifier)
    return _begun(draft, patient)


def _begun(draft: Draft, patient: Draft) -> Draft:
    resource = draft.resource
    if "status" not in resource:
        resource["status"] = "active"
        draft.weak += ("status",)
        resource["subject"] = [reference(patient)]
    return draft
