"""One message of a batch, from its translation to its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gateway.domain.message import Arrival, MessageState
from gateway.domain.time import Instant
from gateway.evidence import audit_event
from gateway.evidence.audit_event import Outcome as AuditOutcome
from gateway.evidence.audit_event import Result
from gateway.pipeline import redecide
from gateway.pipeline.book import Book, merged
from gateway.pipeline.contacts import settle
from gateway.pipeline.decide import Answer, Case
from gateway.pipeline.deliveries import Lanes, new_delivery
from gateway.pipeline.documents import dump, load
from gateway.pipeline.identify import PATIENT, Identified, check_owners, identify, moves
from gateway.pipeline.move import follow, former_owners, with_matches
from gateway.pipeline.persons import Event, Persons
from gateway.pipeline.ports import Current, MessageRow, Transaction
from gateway.pipeline.practitioners import stored_practitioners
from gateway.pipeline.record import Source, Target, add_provenance, record
from gateway.pipeline.route import INTENDED, Journey, Routed, unrouted_reason
from gateway.pipeline.site import Site
from gateway.pipeline.trail import Witnessed, identity_rows, message_rows
from gateway.pipeline.translated import Outcome, Translated
from gateway.pipeline.whose import check_persons
from profiles.issue import Issue

CONSENT = "Consent"


class Item(NamedTuple):
    """One message to record."""

    arrival: Arrival
    translated: Translated
    #: Number of a message stored on receipt; 0 for one that is new.
    number: int = 0
    #: An operator says that it is about the persons its patient numbers name.
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of one message."""

    message: int
    outcome: Outcome
    #: Machine-readable reason; "" when there is nothing to say.
    reason: str
    code: str
    answer: bytes
    duplicate: bool = False
    #: Deliveries that may be sent at once.
    queued: int = 0
    #: The control id came before with other bytes.
    reused: bool = False
    issues: tuple[Issue, ...] = ()


@dataclass(slots=True)
class Recording:
    """Records one message into the book."""

    tx: Transaction
    book: Book
    site: Site
    item: Item
    number: int
    reused: bool
    queued: int = 0
    #: Patients of the message, in its order.
    patients: list[Current] = field(default_factory=list)
    #: Patients it takes something away from: what it says is not theirs.
    former: set[int] = field(default_factory=set)

    @property
    def translated(self) -> Translated:
        """The message's translation."""
        return self.item.translated

    @property
    def arrival(self) -> Arrival:
        """The message's arrival."""
        return self.item.arrival

    def run(self) -> Recorded:
        """Record the message according to its outcome."""
        if self.translated.outcome is Outcome.STORED:
            return self._stored()
        if self.translated.outcome is Outcome.REJECTED and not self.item.number:
            return self._ended(MessageState.REJECTED, self.translated.reason)
        # A positive answer was given on receipt: what cannot be processed is ours now.
        return self.quarantine(self.translated.reason)

    def quarantine(self, reason: str) -> Recorded:
        """Keep the message for a person: our fault."""
        self.patients = []
        return self._ended(MessageState.QUARANTINED, reason)

    def _ended(self, state: MessageState, reason: str) -> Recorded:
        self._audit(Result(AuditOutcome.SERIOUS_FAILURE, reason), translated=False)
        self._row(state, reason)
        outcome = Outcome.REJECTED if state is MessageState.REJECTED else Outcome.QUARANTINED
        return self._recorded(outcome, reason)

    def _stored(self) -> Recorded:
        retain_until = self.site.retain_until(self.arrival.organization, self.arrival.received_at)
        identified = identify(
            self.book, self.translated, self.site.coder, retain_until=retain_until
        )
        check_owners(self.book, identified)
        if not self.item.confirmed:
            check_persons(self.book, identified, self.translated, self.arrival.format)
        owned = {k.number: r for k in moves(identified) if (r := self.book.resources.get(k.number))}
        before = {n: self.book.resources.get(n) for n in identified.patients.values()}
        source = Source(self.number, self.arrival, self.translated, retain_until)
        targets = record(self.book, source, identified, self.site.coder)
        if owned:
            targets += self._move(source, identified, owned)
        again = settle(self.tx, self.book, source, targets, self.site.coder)
        targets = list({t.current.number: t for t in (*targets, *again)}.values())
        self.patients = [t.current for t in targets if t.current.type == PATIENT]
        proof = add_provenance(self.book, source, targets, self.site.coder)
        self._audit(audit_event.SUCCESS, translated=True)
        changed = self._follow(identified, targets, before)
        routed = self._route()
        self._decide(routed, identified, targets)
        reason = unrouted_reason(routed)
        state = MessageState.UNROUTED if reason else MessageState.ROUTED
        self._row(state, reason or _intended(routed), [*targets, *proof], identified)
        if changed:
            self._decide_again(changed)
        return self._recorded(Outcome.STORED, reason)

    def _move(
        self, source: Source, identified: Identified, owned: dict[int, Current]
    ) -> list[Target]:
        """Let what belongs to a visit follow it to its patient, and go where it goes there."""
        self.former = former_owners(identified, owned)
        moved = follow(self.tx, self.book, source, identified, owned, self.site.coder)
        bodies = [target.current.body for target in moved]
        routed = with_matches(self.translated, self.site, self.arrival.endpoint, bodies)
        self.item = self.item._replace(translated=routed)
        return moved

    # identity and consent ------------------------------------------------------------
    def _follow(
        self, identified: Identified, targets: Sequence[Target], before: dict[int, Current | None]
    ) -> set[int]:
        """Follow changed links and consents; return the Patients whose deliveries they concern."""
        events = self._persons(identified, targets, before)
        concerned = self.former | {n for event in events for n in (event.patient, event.other)}
        for target in targets:
            if target.changed and target.current.type == CONSENT:
                concerned |= self._consent(target.current, before)
        if concerned:
            self.book.flush(self.tx)
            self.book.read_persons(self.tx, merged([concerned, before]), consents=True)
        return concerned

    def _persons(
        self, identified: Identified, targets: Sequence[Target], before: dict[int, Current | None]
    ) -> list[Event]:
        if not identified.patients:
            return []
        numbers = identified.patients
        stated = {numbers[p.id]: p for p in self.translated.patients if p.id in numbers}
        persons = Persons(self.tx, self.book, self.site.coder, self.number, stated)
        events = persons.settle(identified, targets, before)
        for event in events:
            self.book.rows.audit += identity_rows(
                self.site.auditor, self.tx.now, event, self.number
            )
        return events

    def _consent(self, consent: Current, before: dict[int, Current | None]) -> set[int]:
        """Note a Consent; only of a Patient known before can deliveries already wait."""
        patient = consent.patient
        if consent.version == 1:
            self.book.rows.consents.append((patient, consent.number))
            if before.get(patient, consent) is None:
                known = self.book.consents.get(patient, ())
                stamped = _with_version(consent.body, consent.version)
                self.book.put(self.book.consents, patient, (*known, stamped))
                return set()
        return {patient}

    def _decide_again(self, changed: set[int]) -> None:
        """Decide again about what waits for the patients concerned, in the same transaction."""
        self.book.flush(self.tx)
        concerned = merged(self.book.person(patient) for patient in changed)
        self.queued += redecide.patients(
            self.tx, self.book, self.site, concerned, except_message=self.number
        )

    # routing and deciding ------------------------------------------------------------
    def _route(self) -> list[Routed]:
        routes = self.site.routes
        stored: tuple[tuple[str, str], ...] = ()
        if routes.asks_stored_patient(self.translated):
            stored = stored_practitioners(self.tx, self.book, self._whose())
        endpoint = self.site.region.endpoints.get(self.arrival.endpoint)
        test = self.arrival.processing_id != "P" or (
            endpoint is not None and endpoint.mode == "test"
        )
        return routes.route(self.translated, Journey(self.arrival.endpoint, test, stored))

    def _decide(
        self, routed: Sequence[Routed], identified: Identified, targets: Sequence[Target]
    ) -> None:
        """Enqueue one delivery an endpoint; of several routes the first one permitted counts."""
        going = [one for one in routed if one.endpoint]
        if not going:
            return
        ids = {minted: known for _, minted, known in identified.exchanged}
        matters = {
            match.route: tuple(_exchanged(name, ids) for name in match.resources)
            for match in self.translated.matches
        }
        resources = [target.current.body for target in targets]
        subjects = redecide.subjects(self.book, [p.number for p in self._whose()])
        chosen: dict[str, tuple[Routed, Answer]] = {}
        for one in going:
            if one.endpoint in chosen and chosen[one.endpoint][1].state == "queued":
                continue
            case = Case(
                one.organization,
                self.site.region.routes[one.route].purpose,
                self.arrival.organization,
                matters.get(one.route, ()),
                self.translated.hold,
            )
            answer = self.site.desk.answer(case, subjects, resources, self.tx.now)
            if one.endpoint not in chosen or answer.state == "queued":
                chosen[one.endpoint] = (one, answer)
        for one, answer in chosen.values():
            self._enqueue(one, answer)

    def _whose(self) -> list[Current]:
        """The Patients whose data the message holds, whose consent is asked."""
        return [patient for patient in self.patients if patient.number not in self.former]

    def _enqueue(self, routed: Routed, answer: Answer) -> None:
        route = self.site.region.routes[routed.route]
        patients = self._whose()
        self.queued += answer.state == "queued"
        self.book.rows.deliveries.append(
            new_delivery(
                self.number,
                self.arrival,
                routed,
                answer,
                Lanes(
                    patients[0].number if patients else 0,
                    merged(self.book.person(p.number) for p in patients) or (0,),
                    patients[0].subject if patients else 0,
                ),
                expires_at=self.arrival.received_at + route.wait,
                retain_until=self._retain_until(),
            )
        )
        self.book.rows.audit.extend(
            redecide.decided_rows(
                self.site,
                answer.decision,
                redecide.Destination(
                    routed.endpoint, routed.organization, routed.route, self.number
                ),
                [patient.id for patient in patients],
                self.tx.now,
            )
        )

    # rows ------------------------------------------------------------------------
    def _subject(self) -> int:
        return self.patients[0].subject if self.patients else 0

    def _retain_until(self) -> Instant:
        return self.site.retain_until(self.arrival.organization, self.arrival.received_at)

    def _row(
        self,
        state: MessageState,
        reason: str,
        targets: Sequence[Target] = (),
        identified: Identified | None = None,
    ) -> None:
        translated = self.translated
        subject = self._subject() or (targets[0].current.subject if targets else 0)
        row = MessageRow(
            number=self.number,
            arrival=self.arrival,
            state=state,
            reason=reason,
            message_type=translated.message_type,
            patient=self.patients[0].number if self.patients else 0,
            subject=subject,
            fields=translated.fields,
            mapped=translated.mapped,
            ignored=translated.ignored,
            unmapped=translated.unmapped,
            issues=len(translated.issues) + self.reused,
            report=self._report(identified),
            targets=tuple((t.current.number, t.current.version) for t in targets),
            answer_code=translated.answer_code,
            answer=translated.answer,
            retain_until=self._retain_until(),
        )
        rows = self.book.rows
        (rows.finished if self.item.number else rows.messages).append(row)

    def _report(self, identified: Identified | None) -> bytes:
        """Add to the loss report what only the store could know."""
        more: dict[str, Any] = {}
        if self.reused:
            more["warnings"] = ["control-id-reused"]
        if identified is not None and identified.exchanged:
            more["exchanged"] = [
                {"minted": f"{kind}/{minted}", "known": f"{kind}/{known}"}
                for kind, minted, known in dict.fromkeys(identified.exchanged)
            ]
        report = self.translated.report
        if not more:
            return report
        return report[:-1] + b"," + dump(more)[1:] if len(report) > 2 else dump(more)

    def _audit(self, result: Result, *, translated: bool) -> None:
        self.book.rows.audit += message_rows(
            self.site.auditor,
            self.tx.now,
            Witnessed(
                self.number,
                self.arrival.organization,
                self.translated,
                tuple(patient.id for patient in self.patients),
            ),
            result,
            received=not self.item.number,
            translated=translated or bool(self.item.number),
        )

    def _recorded(self, outcome: Outcome, reason: str) -> Recorded:
        return Recorded(
            self.number,
            outcome,
            reason,
            self.translated.answer_code,
            self.translated.answer,
            queued=self.queued,
            reused=self.reused,
            issues=self.translated.issues,
        )


def _intended(routed: Sequence[Routed]) -> str:
    """Return why a message that went nowhere on purpose did so."""
    if any(one.endpoint for one in routed):
        return ""
    return next((one.reason for one in routed if one.reason in INTENDED), "")


def _exchanged(name: str, ids: dict[str, str]) -> str:
    kind, _, minted = name.partition("/")
    return f"{kind}/{ids.get(minted, minted)}"


def _with_version(body: bytes, version: int) -> bytes:
    """Give a Consent the version the engine names in its decision."""
    resource = load(body)
    resource["meta"] = {**resource.get("meta", {}), "versionId": str(version)}
    return dump(resource)
