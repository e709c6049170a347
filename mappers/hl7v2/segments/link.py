"""A24, A37 and A29: what is said about whole records (HL7 v2.5 chapter 3.3.24, 3.3.37)."""

from __future__ import annotations

from mappers.base import Action
from mappers.hl7v2 import events
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import Session


def linked(session: Session) -> None:
    """A24: both records are of one person; A37 takes that back. Each keeps what it says."""
    named = session.event in events.LINKS
    if not (named or session.event in events.UNLINKS):
        return
    records = [d for d in session.drafts.values() if d.resource["resourceType"] == "Patient"]
    if len(records) < 2:
        return
    for one, other in (records[:2], records[1::-1]):
        one.action = Action.LINK
        if named:
            one.resource["link"] = [{"other": reference(other), "type": "seealso"}]
        else:
            one.cleared.append("link")
            # A merge taken back (A37 after A40): both are in use again.
            one.resource["active"] = True


def deleted(session: Session) -> None:
    """A29: the person is no longer kept by the sender; what was said stays readable."""
    if session.event in events.DELETED and session.patient is not None:
        session.patient.resource["active"] = False
