"""PV1, PV2 and ZBE together → Encounter, its status as the event decides (chapter 3.3, 3.4.3)."""

from __future__ import annotations

from mappers.base import Action
from mappers.hl7v2.segments import movement, pv1
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.tokenizer import Segment

#: Events that say themselves what becomes of the visit; others leave its status alone.
_STATUS = {"A02": "in-progress", "A03": "finished", "A11": "cancelled", "A13": "in-progress"}
#: What the cancel of a discharge takes back.
_DISCHARGE = (
    "period.end",
    "hospitalization.dischargeDisposition",
    "hospitalization.destination",
)
_FROM_CLASS = frozenset({"A01", "A04"})
#: Events about a person, merges included: a PV1 that only fills the structure says nothing.
_PERSON = frozenset({"A28", "A31", "A40"})


def read_visit(session: Session, segment: Segment) -> None:
    """PV1 and ZBE → Encounter."""
    adt = session.message.header.message_code == "ADT"
    if adt and session.event in _PERSON and not segment.has(19):
        return
    draft = pv1.encounter(session, segment)
    if draft is None:
        return
    _status(session, segment, draft)
    movement.locations(session, segment, _movement(session, segment), draft)


def read_more(session: Session, segment: Segment) -> None:
    """PV2 → the same Encounter."""
    pv1.pv2(session, segment)


def _movement(session: Session, visit: Segment) -> Segment | None:
    """The ZBE of this visit: the first one behind its PV1, else any."""
    found = session.all("ZBE")
    return next((zbe for zbe in found if zbe.index > visit.index), found[0] if found else None)


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
