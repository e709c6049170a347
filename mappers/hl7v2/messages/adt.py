"""ADT messages: patients and their visits (HL7 v2.5 chapter 3)."""

from __future__ import annotations

from mappers.hl7v2.segments import clinical, consent, insurance, movement, nk1, pid, pv1, roles
from mappers.hl7v2.session import Session
from mappers.hl7v2.tokenizer import Segment
from profiles.issue import Issue, NotConformant

#: Events that say themselves what becomes of the visit; others leave its status alone.
_STATUS = {"A02": "in-progress", "A03": "finished"}
_FROM_CLASS = frozenset({"A01", "A04"})


def visit(session: Session) -> None:
    """A01, A02, A03, A04, A08: patient, visit and what belongs to them."""
    message = session.message
    read_patient(session)
    pv1_segment = message.get("PV1")
    if pv1_segment is not None:
        read_visit(session, pv1_segment)
    _everything_else(session)


def person(session: Session) -> None:
    """A28, A31: a person without a visit; a PV1 that only fills the structure says nothing."""
    read_patient(session)
    pv1_segment = session.message.get("PV1")
    if pv1_segment is not None and pv1_segment.has(19):
        read_visit(session, pv1_segment)
    _everything_else(session)


def read_patient(session: Session, segment: Segment | None = None) -> None:
    """PID, PD1 and NK1; raises NotConformant when PID is missing."""
    message = session.message
    found = segment if segment is not None else message.get("PID")
    if found is None or not any(found.raw[2:]):
        issue = Issue("error", "required", "the message holds no PID segment", "PID", "100")
        raise NotConformant(issue.text, location="PID", issues=(issue,))
    pid.patient(session, found)
    pid.mother(session, found)


def read_visit(session: Session, segment: Segment) -> None:
    """PV1, PV2 and ZBE → Encounter with its status as the event decides."""
    draft = pv1.encounter(session, segment)
    if draft is None:
        return
    event = session.event
    stated = pv1.status(session, segment)
    if stated == "finished" or event in _FROM_CLASS:
        draft.resource["status"] = stated
    elif event in _STATUS:
        draft.resource["status"] = _STATUS[event]
    else:
        draft.resource["status"] = stated
        draft.weak += ("status",)
    movement.locations(session, segment, session.message.get("ZBE"), draft)
    for pv2 in session.message.all("PV2"):
        pv1.pv2(session, pv2)


def _everything_else(session: Session) -> None:
    handlers = {
        "PD1": pid.pd1,
        "NK1": nk1.next_of_kin,
        "DG1": clinical.diagnosis,
        "PR1": clinical.procedure,
        "AL1": clinical.allergy,
        "IN1": insurance.coverage,
    }
    for segment in session.message.segments:
        handler = handlers.get(segment.name)
        if handler is not None:
            handler(session, segment)
    roles.role_segments(session, session.message.all("ROL", "PRT"))
    roles.general_practitioner(session)
    consent.attested_consent(session)
