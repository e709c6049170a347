"""Disclose: the last question before data leave, and the evidence that they did.

Consent is asked in the transaction that marks a delivery inflight; the disclosure is an audit event
of the same transaction, with the hash of the bytes about to be sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from gateway.consent import Decision
from gateway.domain.delivery import Delivery, DeliveryState
from gateway.domain.log import log
from gateway.domain.region import Region
from gateway.domain.time import Instant
from gateway.evidence import audit_event
from gateway.evidence.audit_event import DeliveryFacts, Disclosure, Result
from gateway.evidence.audit_event import Outcome as AuditOutcome
from gateway.evidence.event_class import EventClass
from gateway.evidence.parts import Party
from gateway.pipeline.batch import FAULTS
from gateway.pipeline.book import Book
from gateway.pipeline.encode import Source, Written
from gateway.pipeline.ports import AuditRow, Settled, Transaction
from gateway.pipeline.redecide import answer_for, decided_rows, destination_of
from gateway.pipeline.site import Site

_log = log("disclose")

#: Reason of a delivery about which our own code could not decide.
DECISION_FAILED = "decision-failed"
#: States in which something went wrong, for the event's outcome.
_FAILED = frozenset({DeliveryState.RETRY, DeliveryState.AMBIGUOUS, DeliveryState.EXPIRED})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What consent says about one delivery at the time of sending."""

    #: INFLIGHT: may be sent; any other state is where the delivery goes instead.
    state: DeliveryState
    reason: str
    decision: Decision
    #: `Type/id` that the recipient must not see.
    hidden: frozenset[str]
    #: Evidence of a refusal; a permit's evidence is the disclosure.
    audit: tuple[AuditRow, ...] = ()


def verdicts(tx: Transaction, site: Site, rows: Sequence[tuple[Delivery, Source]]) -> list[Verdict]:
    """Decide about deliveries as things stand now, one verdict a row."""
    book = Book()
    known = {number for delivery, _ in rows for number in delivery.patients if number}
    book.resources.update(tx.current_by_number(known, bodies=False))
    book.read_persons(tx, known, consents=True)
    return [_guarded(tx, site, book, delivery, source) for delivery, source in rows]


def _guarded(
    tx: Transaction, site: Site, book: Book, delivery: Delivery, source: Source
) -> Verdict:
    """A decision that cannot be made holds its own delivery, not the others."""
    try:
        return _verdict(tx, site, book, delivery, source)
    except FAULTS as error:
        _log.error("decision_failed", delivery=delivery.id, error=type(error).__name__)
        decision = Decision("deny", "decision failed", DECISION_FAILED)
        return Verdict(DeliveryState.HELD, DECISION_FAILED, decision, frozenset())


def _verdict(
    tx: Transaction, site: Site, book: Book, delivery: Delivery, source: Source
) -> Verdict:
    answer = answer_for(tx, book, site, delivery, source.contents)
    decision = answer.decision
    if answer.state is DeliveryState.QUEUED:
        return Verdict(DeliveryState.INFLIGHT, answer.reason, decision, answer.hidden)
    patients = patient_ids(delivery, source)
    audit = decided_rows(site, decision, destination_of(delivery), patients, tx.now)
    return Verdict(answer.state, answer.reason, decision, answer.hidden, tuple(audit))


def patient_ids(delivery: Delivery, source: Source) -> tuple[str, ...]:
    """Return the logical ids of the delivery's Patients that its message speaks of."""
    named = {current.number: current.id for current in source.contents if current.type == "Patient"}
    return tuple(named[number] for number in delivery.patients if number in named)


def disclosed(
    site: Site,
    delivery: Delivery,
    source: Source,
    verdict: Verdict,
    written: Written,
    now: Instant,
) -> list[AuditRow]:
    """Make the evidence that bytes are about to leave: one event a patient, at least one."""
    region = site.region
    route = region.routes.get(delivery.route)
    disclosure = Disclosure(
        delivery=str(delivery.id),
        recipient=_recipient(region, delivery),
        resources=tuple(
            f"{c.type}/{c.id}/_history/{c.version}"
            for c in source.contents
            if f"{c.type}/{c.id}" not in verdict.hidden
        ),
        sha256=sha256(written.data).hexdigest(),
        purposes=(route.purpose,) if route is not None else (),
        legal_basis=route.legal_basis if route is not None else "",
        controller=Party(reference=f"Organization/{route.controller}") if route else None,
        left_out=len(written.left_out),
    )
    return [
        site.auditor.row(
            EventClass.DISCLOSED,
            now,
            audit_event.disclosed(site.auditor.stamp(now), patient=patient, disclosure=disclosure),
        )
        for patient in patient_ids(delivery, source) or ("",)
    ]


def _recipient(region: Region, delivery: Delivery) -> Party:
    endpoint = region.endpoints.get(delivery.endpoint)
    return Party(
        reference=f"Organization/{delivery.organization}",
        address=endpoint.address if endpoint is not None else "",
    )


def state_row(
    site: Site, delivery: Delivery, settled: Settled, patients: Sequence[str], now: Instant
) -> AuditRow:
    """Make the evidence of a delivery's new state."""
    failed = settled.state in _FAILED or settled.state is DeliveryState.DEAD
    outcome = AuditOutcome.MINOR_FAILURE if failed else AuditOutcome.SUCCESS
    event = audit_event.delivery_state(
        site.auditor.stamp(now),
        delivery=DeliveryFacts(
            str(delivery.id),
            settled.state.value,
            _recipient(site.region, delivery),
            settled.attempt,
            sha256(settled.answer).hexdigest() if settled.answer else "",
        ),
        patients=patients,
        result=Result(outcome, settled.reason if failed else ""),
    )
    return site.auditor.row(EventClass.DELIVERY_STATE, now, event)
