"""ARV → Flag: a restriction of access to a record (HL7 v2.6 chapter 3.4.14)."""

from __future__ import annotations

from mappers.base import Action
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment
from mappers.trace import derived, text

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "ARV": ("Flag.subject", "Flag.encounter"),
    "ARV-2": ("Flag.status",),
    "ARV-5": ("Flag.code.text",),
}


def restriction(session: Session, segment: Segment) -> Draft | None:
    """ARV → Flag; ARV-2 says whether it is added (A), changed (U) or taken back (D)."""
    patient = session.patient
    if patient is None or not segment.has(3):
        return None
    visit = session.encounter
    parent = visit or patient
    draft = session.natural("Flag", parent.id, segment.first(3) or "", segment.first(4) or "")
    resource = draft.resource
    resource["subject"] = reference(patient)
    if visit is not None:
        resource["encounter"] = reference(visit)
    action = segment.first(2)
    resource["status"] = "active"
    if action is not None and action.upper() == "D":
        draft.action = Action.CANCEL
        resource["status"] = text("entered-in-error", action.source)
    elif action is not None:
        resource["status"] = text("active", action.source)
    apply_rows(session, segment, table("arv_flag"), draft)
    words = [line for line in segment.texts(5) if line != '""']
    if words:
        said = resource.get("code", {})
        resource["code"] = {**said, "text": derived("\n".join(words), *words)}
    resource.setdefault("code", {"text": "unknown"})
    return draft
