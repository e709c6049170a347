"""Decide again: when a patient's consents or links change, and right before each send.

What waits is released, what is queued is cancelled on withdrawal, in the transaction of the change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gateway.consent import Decision
from gateway.consent.decision import REDACT, Reason
from gateway.domain.delivery import CANCELLABLE, ENDED, Delivery, DeliveryState, may_become
from gateway.domain.time import Instant
from gateway.evidence import audit_event
from gateway.evidence.audit_event import Asked, DeliveryFacts, Result
from gateway.evidence.event_class import EventClass
from gateway.evidence.parts import Party
from gateway.pipeline.book import Book, merged
from gateway.pipeline.criteria import BUNDLE, Criterion
from gateway.pipeline.decide import (
    LABEL_RULE,
    NO_ROUTE_ANY_MORE,
    Answer,
    Case,
    Subjects,
    decision_bytes,
)
from gateway.pipeline.documents import look
from gateway.pipeline.ports import AuditRow, Current, Settled, Transaction
from gateway.pipeline.record import PROVENANCE
from gateway.pipeline.site import Site

PATIENT = "Patient"
#: States of a delivery that consent has permitted and that has not left yet.
RELEASED = frozenset({DeliveryState.QUEUED, DeliveryState.CLAIMED, DeliveryState.RETRY})
#: Denials for want of a consent.
WANTING = frozenset({Reason.NO_CONSENT, Reason.NOT_COVERED})
#: Why a released delivery is cancelled although nothing denies it.
WITHDRAWN = "consent-withdrawn"
#: Why a delivery ends whose message says of one person what has turned out to be another's.
CORRECTED = "patient-corrected"


def subjects(book: Book, patients: Sequence[int]) -> Subjects:
    """Collect what is known about the persons behind some Patients."""
    persons = {book.person(patient) for patient in patients}
    everybody = merged(persons)
    return Subjects(
        tuple(consent for number in everybody for consent in book.consents.get(number, ())),
        tuple(
            tuple(f"{PATIENT}/{book.resources[number].id}" for number in person)
            for person in sorted(persons)
            if len(person) > 1
        ),
        any(book.cases.get(number, False) for number in everybody),
        len(persons),
    )


def patients(
    tx: Transaction, book: Book, site: Site, concerned: Iterable[int], *, except_message: int
) -> int:
    """Decide again about everything undone for some Patients; return how many became sendable."""
    undone = tx.deliveries(state=CANCELLABLE, patients=sorted(concerned))
    undone = [delivery for delivery in undone if delivery.message_id != except_message]
    if not undone:
        return 0
    answers = _answers(tx, book, site, undone)
    settled, audit, released = [], [], 0
    for delivery, answer in zip(undone, answers, strict=True):
        state = _next_state(delivery, answer)
        if state is None:
            continue
        released += state is DeliveryState.QUEUED
        settled.append(
            Settled(
                delivery.id,
                delivery.fence,
                state,
                answer.reason,
                tx.now,
                decision=decision_bytes(answer.decision),
            )
        )
        audit += decided_rows(
            site,
            answer.decision,
            destination_of(delivery),
            _ids(book, delivery),
            tx.now,
        )
        audit.append(_state_row(site, delivery, state, answer.reason, _ids(book, delivery), tx.now))
    if settled:
        tx.settle(settled)
        tx.add_audit(audit)
    return released


def _next_state(delivery: Delivery, answer: Answer) -> DeliveryState | None:
    """Return where the delivery goes, None to leave it where it is."""
    present, state = delivery.state, answer.state
    if present is DeliveryState.HELD and delivery.reason == LABEL_RULE and state not in ENDED:
        # A label is a person's to set; only a denial ends the wait for it.
        return None
    if present is DeliveryState.RETRY and state is DeliveryState.QUEUED:
        return None
    if state is present or not may_become(present, state):
        return None
    return state


def _answers(tx: Transaction, book: Book, site: Site, undone: Sequence[Delivery]) -> list[Answer]:
    contents = tx.contents({delivery.message_id for delivery in undone})
    known = {number for delivery in undone for number in delivery.patients if number}
    unread = known - book.consents.keys()
    if unread:
        book.read_persons(tx, unread, consents=True)
    return [
        answer_for(tx, book, site, delivery, contents.get(delivery.message_id, []))
        for delivery in undone
    ]


def answer_for(
    tx: Transaction, book: Book, site: Site, delivery: Delivery, contents: Sequence[Current]
) -> Answer:
    """Decide about one delivery as things stand now."""
    resources = [current.body for current in contents if current.type != PROVENANCE]
    route = site.region.routes.get(delivery.route)
    if route is None:
        decision = Decision("deny", "route removed", NO_ROUTE_ANY_MORE)
        return Answer(DeliveryState.HELD, NO_ROUTE_ANY_MORE, decision)
    if _is_corrected(tx, book, delivery, contents):
        decision = Decision("deny", "part of it belongs to another patient", CORRECTED)
        return Answer(DeliveryState.DEAD, CORRECTED, decision)
    criteria = site.criteria[delivery.route]
    custodian = contents[0].organization if contents else ""
    case = Case(delivery.organization, route.purpose, custodian)
    known = subjects(book, [number for number in delivery.patients if number])
    decision = site.desk.decide(case, known, resources, tx.now)
    if decision.outcome == REDACT:
        case = replace(case, subject_matter=_matter(criteria, resources))
    answer = site.desk.place(case, known, decision)
    waits = answer.state is DeliveryState.WAITING_FOR_CONSENT and answer.reason in WANTING
    if delivery.state in RELEASED and waits and known.consents:
        # What was permitted before does not wait for another consent: this one was taken back.
        return replace(answer, state=DeliveryState.CANCELLED_BY_CONSENT, reason=WITHDRAWN)
    return answer


def _is_corrected(
    tx: Transaction, book: Book, delivery: Delivery, contents: Sequence[Current]
) -> bool:
    """Tell whether part of the message has since been moved to another person (HL7 v2 A44, A45).

    What the message says then names the wrong patient, and what moved is told anew.
    """
    everybody = merged(book.person(number) for number in delivery.patients)
    elsewhere = [
        one
        for one in contents
        if one.type != PATIENT and one.patient and one.patient not in everybody
    ]
    if not elsewhere:
        return False
    owners = tx.current_by_number({one.patient for one in elsewhere}, bodies=False)
    return any(
        f'"{PATIENT}/{owners[one.patient].id}"'.encode() not in one.body for one in elsewhere
    )


def _matter(criterion: Criterion, resources: Sequence[bytes]) -> tuple[str, ...]:
    """Find what the route is about; one that asks for the Bundle they came in is about all."""
    return tuple(
        f"{one['resourceType']}/{one['id']}"
        for one in map(look, resources)
        if criterion.resource_type == BUNDLE or criterion.matches(one)
    )


@dataclass(frozen=True, slots=True)
class Destination:
    """What was asked for: who would receive which message, on which route."""

    endpoint: str
    organization: str
    route: str
    message: int
    #: 0 while it has no number yet.
    delivery: int = 0


def decided_rows(
    site: Site, decision: Decision, to: Destination, patients: Sequence[str], now: Instant
) -> list[AuditRow]:
    """Make the evidence of a decision, one event a patient."""
    destination = site.region.endpoints.get(to.endpoint)
    registered = site.region.routes.get(to.route)
    party = Party(reference=f"Organization/{to.organization}")
    asked = Asked(
        recipient=party,
        organization=party,
        client=Party(
            # No reference: an Endpoint is none of the agents FHIR R4 knows.
            value=f"endpoint/{to.endpoint}",
            address=destination.address if destination is not None else "",
        ),
        purposes=(registered.purpose,) if registered is not None else (),
        message=str(to.message),
        delivery=str(to.delivery) if to.delivery else "",
        route=to.route,
    )
    auditor = site.auditor
    return [
        auditor.row(
            EventClass.DECIDED,
            now,
            audit_event.decided(
                auditor.stamp(now), patient=patient, decision=decision, asked=asked
            ),
        )
        for patient in patients
    ]


def destination_of(delivery: Delivery) -> Destination:
    """Describe where a delivery goes."""
    return Destination(
        delivery.endpoint,
        delivery.organization,
        delivery.route,
        delivery.message_id,
        delivery.id,
    )


def _state_row(
    site: Site,
    delivery: Delivery,
    state: DeliveryState,
    reason: str,
    patient_ids: Sequence[str],
    now: Instant,
) -> AuditRow:
    auditor = site.auditor
    event = audit_event.delivery_state(
        auditor.stamp(now),
        delivery=DeliveryFacts(
            str(delivery.id), state.value, Party(reference=f"Organization/{delivery.organization}")
        ),
        patients=patient_ids,
        result=Result(reason=reason),
    )
    return auditor.row(EventClass.DELIVERY_STATE, now, event)


def _ids(book: Book, delivery: Delivery) -> list[str]:
    return [book.resources[number].id for number in delivery.patients if number]
