"""GDT 2.1, 3.0 and 3.5 (QMS): devices and practice systems exchange patients, orders, results."""

from __future__ import annotations

from mappers.xdt.gdt.record import read_record
from mappers.xdt.message import Message
from mappers.xdt.session import Session
from profiles.issue import Issue, NotConformant


def read(session: Session, message: Message) -> None:
    """Read the one record of a message; raises NotConformant when it holds several."""
    record, *others = message.items
    if others:
        place = message.path(others[0].line)
        issue = Issue("error", "structure", "a message holds one record of GDT", place)
        raise NotConformant(issue.text, location=place, issues=(issue,))
    read_record(session, record)
