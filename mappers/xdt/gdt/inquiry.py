"""6300 and 6311: a system asks another one for something → CommunicationRequest."""

from __future__ import annotations

from typing import Any

from mappers.trace import derived
from mappers.xdt.gdt.examination import examination, report_key
from mappers.xdt.group import Group
from mappers.xdt.patient import reference
from mappers.xdt.results import field_code
from mappers.xdt.session import Session


def inquiry(session: Session, asked: Group, words: str, body: Group | None = None) -> None:
    """What is asked for, about whom; 6311 names the examination it wants to see."""
    patient = session.patient
    if patient is None:
        return
    made: dict[str, Any] = {"status": "active"}
    made["category"] = [field_code(session.event, words)]
    made["subject"] = reference(patient)
    key: tuple[str, ...] = ()
    if body is not None:
        key = report_key(session, asked, body)
        said = [part for fk in ("8402", "6200", "6201") if (part := asked.first(fk)) is not None]
        code = examination(session, asked)
        if code is not None:
            made["reasonCode"] = [code]
        if said:
            identifier = {"system": f"{session.namespace}/report", "value": "|".join(key)}
            shown = {"type": "DiagnosticReport", "identifier": identifier}
            shown["display"] = derived(" ".join(said), *said)
            made["payload"] = [{"contentReference": shown}]
    if session.sender is not None:
        made["requester"] = session.sender
    draft = session.natural("CommunicationRequest", patient.id, session.event, *key)
    draft.resource.update(made)
