"""PV1, PV2 and ZBE together → Encounter, its status as the event decides (chapter 3.3, 3.4.3)."""

from __future__ import annotations

from mappers.base import Action
from mappers.hl7v2.events import EVENTS, NOTHING, PERSON
from mappers.hl7v2.segments import facts, movement, pv1
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.tokenizer import Segment


def read_visit(session: Session, segment: Segment) -> None:
    """PV1 and ZBE → Encounter."""
    adt = session.message.header.message_code == "ADT"
    if adt and session.event in PERSON and not segment.has(19):
        if (kind := segment.first(2)) == "N":
            session.ignored.append((kind, "not applicable: there is no visit"))
        return
    draft = pv1.encounter(session, segment)
    if draft is None:
        return
    _status(session, segment, draft)
    facts.about(session, segment, draft)
    movement.locations(session, segment, _movement(session, segment), draft)


def read_more(session: Session, segment: Segment) -> None:
    """PV2 → the same Encounter."""
    pv1.pv2(session, segment)
    facts.about(session, segment, session.encounter)


def _movement(session: Session, visit: Segment) -> Segment | None:
    """The ZBE of this visit: the first one behind its PV1, else any."""
    found = session.all("ZBE")
    return next((zbe for zbe in found if zbe.index > visit.index), found[0] if found else None)


def _status(session: Session, segment: Segment, draft: Draft) -> None:
    adt = session.message.header.message_code == "ADT"
    event = EVENTS.get(session.event, NOTHING) if adt else NOTHING
    stated = pv1.status(session, segment)
    if event.cancels:
        draft.action = Action.CANCEL
    if event.cancels and event.status:
        draft.resource["status"] = event.status
    elif stated == "finished" or event.status == "class":
        draft.resource["status"] = stated
    elif event.status:
        draft.resource["status"] = event.status
    else:
        draft.resource["status"] = stated
        draft.weak += ("status",)
    draft.cleared += event.cleared
