"""MDM messages: documents and what becomes of them (HL7 v2.5 chapter 9)."""

from __future__ import annotations

from mappers.hl7v2.messages.adt import read_patient, read_visit
from mappers.hl7v2.segments import consent, notes, orders, pid, roles, txa
from mappers.hl7v2.session import Session
from profiles.issue import Issue, NotConformant


def document(session: Session) -> None:
    """T01, T02, T08, T11 and their like: patient, visit, orders and one document."""
    message = session.message
    read_patient(session)
    pv1 = message.get("PV1")
    if pv1 is not None:
        read_visit(session, pv1)
    for segment in message.all("PD1"):
        pid.pd1(session, segment)
    orders.requests(session, message.segments)
    header = message.get("TXA")
    if header is None:
        issue = Issue("error", "required", "the message holds no TXA segment", "TXA", "100")
        raise NotConformant(issue.text, location="TXA", issues=(issue,))
    after = [s for s in message.segments if s.index > header.index]
    draft = txa.document(session, header, [s for s in after if s.name == "OBX"])
    if draft is not None:
        notes.on_document(draft, [s for s in after if s.name == "NTE"])
    roles.role_segments(session, message.all("ROL", "PRT"))
    roles.general_practitioner(session)
    roles.document_recipients(session)
    consent.attested_consent(session)
