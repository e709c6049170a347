"""Receipt: store the raw bytes of inputs acknowledged before they are processed (on_receipt)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.domain.message import Arrival, MessageState
from gateway.evidence import audit_event
from gateway.evidence.audit_event import MessageFacts
from gateway.evidence.event_class import EventClass
from gateway.evidence.parts import Party
from gateway.pipeline.batch import Earlier, again
from gateway.pipeline.message import Recorded
from gateway.pipeline.ports import AuditRow, MessageRow, Transaction
from gateway.pipeline.site import Site
from gateway.pipeline.translated import Outcome, Translated


@dataclass(frozen=True, slots=True)
class Receipt:
    """One input to store as it is, with the answer that says so."""

    arrival: Arrival
    #: Carries the acknowledgement and the digest; nothing is translated yet.
    answered: Translated


def store_receipts(tx: Transaction, receipts: Sequence[Receipt], site: Site) -> list[Recorded]:
    """Store inputs unprocessed; an input that came before gets the answer it got then."""
    earlier = Earlier.read(tx, [receipt.arrival for receipt in receipts])
    numbers = iter(tx.reserve("message", len(receipts)))
    done: list[Recorded] = []
    rows, audit = [], []
    for receipt in receipts:
        answer = earlier.answer(receipt.arrival)
        if answer is not None:
            done.append(again(answer))
            continue
        row = _row(next(numbers), receipt, site)
        rows.append(row)
        audit.append(_audit(tx, row, receipt, site))
        recorded = Recorded(row.number, Outcome.STORED, "", row.answer_code, row.answer)
        earlier.remember(receipt.arrival, recorded)
        done.append(recorded)
    if rows:
        tx.add_messages(rows)
        tx.add_audit(audit)
    return done


def _row(number: int, receipt: Receipt, site: Site) -> MessageRow:
    arrival = receipt.arrival
    return MessageRow(
        number=number,
        arrival=arrival,
        state=MessageState.RECEIVED,
        answer_code=receipt.answered.answer_code,
        answer=receipt.answered.answer,
        retain_until=site.retain_until(arrival.organization, arrival.received_at),
    )


def _audit(tx: Transaction, row: MessageRow, receipt: Receipt, site: Site) -> AuditRow:
    event = audit_event.received(
        site.auditor.stamp(tx.now),
        message=MessageFacts(str(row.number), receipt.answered.sha256),
        sender=Party(reference=f"Organization/{row.arrival.organization}"),
    )
    return site.auditor.row(EventClass.RECEIVED, tx.now, event)
