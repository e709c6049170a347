"""One batch in one transaction: stored answers, identify, record, route, decide, evidence.

A batch equals its messages one after another, whatever the split: everything a message needs to
know of an earlier one stands in the book. A message that fails is quarantined; its neighbours are
not touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.domain.message import Arrival
from gateway.pipeline.book import Book
from gateway.pipeline.identify import PATIENT, OtherPatient
from gateway.pipeline.message import Item, Recorded, Recording
from gateway.pipeline.ports import StoredAnswer, Transaction
from gateway.pipeline.refusal import fault
from gateway.pipeline.site import Site
from gateway.pipeline.translated import Outcome, Statement
from gateway.pipeline.whose import OtherPerson
from profiles.issue import GatewayError

#: Identity of an input: endpoint, control id, digest of the body.
Identity = tuple[str, str, bytes]
#: Reason of a message that names another person's visit, order or document: a person has to look.
OTHER_PATIENT = "other-patient"
#: Reason of a message that states a known patient number with somebody else's name and birth date.
OTHER_PERSON = "other-person"
#: What wrong data or wrong code raises; faults of the database are none of these and undo the
#: whole job.
FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    GatewayError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


def record_batch(tx: Transaction, items: Sequence[Item], site: Site) -> list[Recorded]:
    """Record messages in order; return what became of each, in the same order.

    Whatever it raises undoes the whole batch: the store failed, or a message failed after a part
    of it was written.
    """
    arrivals = [item.arrival for item in items if not item.number]
    before = Earlier.read(tx, arrivals)
    open_numbers = _still_received(tx, items)
    book = _open(tx, items)
    numbers = iter(tx.reserve("message", len(arrivals)))
    done: list[Recorded] = []
    for item in items:
        if item.number and item.number not in open_numbers:
            done.append(_elsewhere(item))
            continue
        earlier = None if item.number else before.answer(item.arrival)
        if earlier is not None:
            done.append(again(earlier))
            continue
        number = item.number or next(numbers)
        reused = not item.number and before.reused(item.arrival)
        recorded = _record(Recording(tx, book, site, item, number, reused))
        before.remember(item.arrival, recorded)
        done.append(recorded)
    book.flush(tx)
    return done


def _record(recording: Recording) -> Recorded:
    """Record one message; a fault of ours, or of identity, quarantines it instead."""
    book = recording.book
    book.begin()
    try:
        return recording.run()
    except FAULTS as error:
        if book.flushed:
            raise
        book.take_back()
        return recording.quarantine(_reason(error))


def _reason(error: BaseException) -> str:
    """Say why a message waits for a person."""
    if isinstance(error, OtherPatient):
        return OTHER_PATIENT
    return OTHER_PERSON if isinstance(error, OtherPerson) else f"recording-failed: {fault(error)}"


def again(answer: StoredAnswer) -> Recorded:
    """Answer an input that came before as it was answered then."""
    return Recorded(
        answer.message_id, Outcome.STORED, "duplicate", answer.code, answer.answer, duplicate=True
    )


def _still_received(tx: Transaction, items: Sequence[Item]) -> set[int]:
    numbers = [item.number for item in items if item.number]
    return tx.still_received(numbers) if numbers else set()


def _elsewhere(item: Item) -> Recorded:
    """Another process has processed it meanwhile."""
    return Recorded(item.number, Outcome.STORED, "processed-elsewhere", "", b"", duplicate=True)


@dataclass(slots=True)
class Earlier:
    """Inputs that came before, in the store or earlier in the batch."""

    answers: dict[Identity, StoredAnswer]
    control_ids: set[tuple[str, str]]

    @classmethod
    def read(cls, tx: Transaction, arrivals: Sequence[Arrival]) -> Earlier:
        """Ask the store about all of them at once."""
        if not arrivals:
            return cls({}, set())
        answers = tx.stored_answers([_identity(arrival) for arrival in arrivals])
        named = {(a.endpoint, a.control_id) for a in arrivals if a.control_id}
        return cls(answers, set(tx.same_control_id(sorted(named))))

    def answer(self, arrival: Arrival) -> StoredAnswer | None:
        """Return the answer given to the same input."""
        return self.answers.get(_identity(arrival))

    def reused(self, arrival: Arrival) -> bool:
        """Say whether the control id came before with other bytes."""
        return (arrival.endpoint, arrival.control_id) in self.control_ids

    def remember(self, arrival: Arrival, recorded: Recorded) -> None:
        """Note a message of this batch; a rejected one may come again."""
        if recorded.outcome is Outcome.REJECTED:
            return
        answer = StoredAnswer(recorded.message, recorded.code, recorded.answer)
        self.answers[_identity(arrival)] = answer
        if arrival.control_id:
            self.control_ids.add((arrival.endpoint, arrival.control_id))


def _identity(arrival: Arrival) -> Identity:
    return arrival.endpoint, arrival.control_id, arrival.digest


def _open(tx: Transaction, items: Sequence[Item]) -> Book:
    """Lock the patients, then read everything the messages speak of."""
    book = Book()
    statements = [statement for item in items for statement in item.translated.statements]
    patients = [statement for statement in statements if statement.type == PATIENT]
    kvnrs = {p.kvnr for item in items for p in item.translated.patients if p.kvnr}
    tx.lock(sorted({term for one in patients for term in one.terms} | kvnrs))
    _read_resources(tx, book, statements)
    if kvnrs:
        found = tx.patients_by_kvnr(kvnrs)
        book.kvnr.update({term: tuple(found.get(term, ())) for term in kvnrs})
    _read_persons(tx, book, items)
    _reserve(tx, book, statements, len(items))
    return book


def _read_resources(tx: Transaction, book: Book, statements: Sequence[Statement]) -> None:
    terms = {term for statement in statements for term in statement.terms}
    if not terms:
        return
    book.names = tx.resources_by_identifier(terms)
    if book.names:
        book.resources = tx.current_by_number(set(book.names.values()))
    stated = {statement.id for statement in statements if statement.type == PATIENT}
    outside = {s.subject for s in statements if s.subject} - stated
    if outside:
        found = tx.current([(PATIENT, name) for name in sorted(outside)])
        book.resources.update({current.number: current for current in found.values()})
    for current in book.resources.values():
        if current.type == PATIENT:
            book.patients[current.id] = current.number


def _read_persons(tx: Transaction, book: Book, items: Sequence[Item]) -> None:
    known = set(book.patients.values()).union(*book.kvnr.values())
    if known:
        asks = any(item.translated.matches for item in items) or any(
            statement.type == "Consent"
            for item in items
            for statement in item.translated.statements
        )
        book.read_persons(tx, known, consents=asks)


def _reserve(tx: Transaction, book: Book, statements: Iterable[Statement], messages: int) -> None:
    """Reserve a number for each unknown resource and each Provenance, and their data keys."""
    names = book.names.keys()
    unknown = [s for s in statements if names.isdisjoint(s.terms)]
    patients = sum(
        statement.type == PATIENT
        and not any(book.names.get(term) in book.resources for term in statement.terms)
        for statement in statements
    )
    book.resource_numbers = tx.reserve("resource", len(unknown) + messages)[::-1]
    book.subject_numbers = tx.reserve("subject", patients + messages)[::-1]
