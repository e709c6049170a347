"""The audit trail of a message: received, translated, and what it changed about identities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import mappers
from gateway.domain.time import Instant
from gateway.evidence import audit_event
from gateway.evidence.audit_event import Account, MessageFacts, Result
from gateway.evidence.event_class import EventClass
from gateway.evidence.parts import Party
from gateway.pipeline.audit import Auditor
from gateway.pipeline.persons import Event
from gateway.pipeline.ports import AuditRow
from gateway.pipeline.translated import Translated

#: Link events that are acts of their own in the log; cases are only noted with the patient.
ACTS: dict[str, Any] = {
    "linked": "link",
    "unlinked": "unlink",
    "merged": "merge",
    "unmerged": "unmerge",
}


@dataclass(frozen=True, slots=True)
class Witnessed:
    """The message an event is about."""

    number: int
    #: Organization that sent it.
    organization: str
    translated: Translated
    #: Logical ids of its Patients.
    patients: tuple[str, ...]


def message_rows(
    auditor: Auditor,
    now: Instant,
    message: Witnessed,
    result: Result,
    *,
    received: bool,
    translated: bool,
) -> Iterator[AuditRow]:
    """Make the events of a message: that it came, and that it was translated."""
    done = message.translated
    facts = MessageFacts(str(message.number), done.sha256, done.message_type)
    if received:
        event = audit_event.received(
            auditor.stamp(now),
            message=facts,
            sender=Party(reference=f"Organization/{message.organization}"),
            patients=message.patients,
            result=result,
        )
        yield auditor.row(EventClass.RECEIVED, now, event)
    if translated:
        account = Account(mappers.MAPPING_VERSION, done.fields, done.mapped, done.ignored)
        event = audit_event.translated(
            auditor.stamp(now),
            message=facts,
            account=account,
            patients=message.patients,
            result=result,
        )
        yield auditor.row(EventClass.TRANSLATED, now, event)


def identity_rows(auditor: Auditor, now: Instant, event: Event, message: int) -> Iterator[AuditRow]:
    """Make the event of a link, a merge, or the end of one."""
    act = ACTS.get(event.kind.value)
    if act is not None:
        made = audit_event.identity(
            auditor.stamp(now), act=act, patients=event.ids, rule=event.rule, message=str(message)
        )
        yield auditor.row(EventClass.IDENTITY, now, made)
