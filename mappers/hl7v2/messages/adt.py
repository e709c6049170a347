"""ADT messages: patients and their visits (HL7 v2.5 chapter 3)."""

from __future__ import annotations

from mappers.base import Action
from mappers.hl7v2.segments import (
    clinical,
    consent,
    insurance,
    movement,
    mrg,
    nk1,
    obx,
    pid,
    pv1,
    roles,
)
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.tokenizer import Segment
from profiles.issue import Issue, NotConformant

#: Events that say themselves what becomes of the visit; others leave its status alone.
_STATUS = {"A02": "in-progress", "A03": "finished", "A11": "cancelled", "A13": "in-progress"}
#: What the cancel of a discharge takes back.
_DISCHARGE = (
    "period.end",
    "hospitalization.dischargeDisposition",
    "hospitalization.destination",
)
_FROM_CLASS = frozenset({"A01", "A04"})


def visit(session: Session) -> None:
    """A01 to A04, A08, A11 to A13: patient, visit and what belongs to them."""
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
    if found is None or not (any(found.raw[2:]) or session.context.lenient):
        issue = Issue("error", "required", "the message holds no PID segment", "PID", "100")
        raise NotConformant(issue.text, location="PID", issues=(issue,))
    pid.patient(session, found)
    pid.mother(session, found)


def read_visit(session: Session, segment: Segment) -> None:
    """PV1, PV2 and ZBE → Encounter with its status as the event decides."""
    draft = pv1.encounter(session, segment)
    if draft is None:
        return
    _status(session, segment, draft)
    movement.locations(session, segment, session.message.get("ZBE"), draft)
    for pv2 in session.message.all("PV2"):
        pv1.pv2(session, pv2)


def _status(session: Session, segment: Segment, draft: Draft) -> None:
    event = session.event
    stated = pv1.status(session, segment)
    if event in ("A11", "A12", "A13"):
        draft.action = Action.CANCEL
    if event in ("A11", "A13"):
        draft.resource["status"] = _STATUS[event]
    elif stated == "finished" or event in _FROM_CLASS:
        draft.resource["status"] = stated
    elif event in _STATUS:
        draft.resource["status"] = _STATUS[event]
    else:
        draft.resource["status"] = stated
        draft.weak += ("status",)
    if event == "A13":
        draft.cleared += _DISCHARGE


def merge(session: Session) -> None:
    """A40: the record in MRG-1 is merged into that of the PID before it; pairs may repeat."""
    if not session.message.all("PID"):
        read_patient(session)
    for segment in session.message.segments:
        if segment.name == "PID":
            read_patient(session, segment)
        elif segment.name == "PD1":
            pid.pd1(session, segment)
        elif segment.name == "MRG":
            mrg.merged(session, segment)
    if session.message.get("MRG") is None:
        issue = Issue("error", "required", "the message holds no MRG segment", "MRG", "100")
        raise NotConformant(issue.text, location="MRG", issues=(issue,))


def _everything_else(session: Session) -> None:
    handlers = {
        "PD1": pid.pd1,
        "NK1": nk1.next_of_kin,
        "DG1": clinical.diagnosis,
        "PR1": clinical.procedure,
        "AL1": clinical.allergy,
        "IN1": insurance.coverage,
        "OBX": _observation,
    }
    for segment in session.message.segments:
        handler = handlers.get(segment.name)
        if handler is not None:
            handler(session, segment)
    roles.role_segments(session, session.message.all("ROL", "PRT"))
    roles.general_practitioner(session)
    consent.attested_consent(session)


def _observation(session: Session, segment: Segment) -> None:
    """OBX in ADT: height, weight and the like belong to the visit, else to the patient."""
    parent = session.encounter or session.patient
    if parent is not None:
        obx.observation(session, segment, parent, None)
