"""Identify: the identifier table decides which resource a statement is about.

Translation minted ids from business identifiers. Where the table knows one of them under another
id, the minted id is exchanged for the known one in the bytes; new identifiers are registered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.domain.time import Instant
from gateway.pipeline.book import Book
from gateway.pipeline.documents import load
from gateway.pipeline.ports import IndexCoder
from gateway.pipeline.translated import Statement, Translated
from mappers.base import Action
from profiles.issue import GatewayError
from profiles.search import index_terms

PATIENT = "Patient"
MOVE = Action.MOVE.value


class Known(NamedTuple):
    """A statement and the resource it is about."""

    #: With the ids of the identifier table in its bytes.
    statement: Statement
    number: int
    id: str
    #: Store number of its Patient (its own for a Patient), 0 for none.
    patient: int


@dataclass(slots=True)
class Identified:
    """Who and what a message speaks of."""

    known: list[Known] = field(default_factory=list)
    #: Minted id of each Patient of the message → its number.
    patients: dict[str, int] = field(default_factory=dict)
    #: Patient number → data key, for Patients new with this message.
    subjects: dict[int, int] = field(default_factory=dict)
    #: Number → logical id of every resource the message speaks of.
    ids: dict[int, str] = field(default_factory=dict)
    #: (type, minted id, known id) of every exchange.
    exchanged: list[tuple[str, str, str]] = field(default_factory=list)


def identify(
    book: Book, translated: Translated, coder: IndexCoder, *, retain_until: Instant
) -> Identified:
    """Find or register every resource the message speaks of, Patients first."""
    found = Identified()
    numbers = [_number(book, one, found) for one in translated.statements]
    for statement, number in zip(translated.statements, numbers, strict=True):
        if statement.type == PATIENT:
            found.patients[statement.id] = number
            if number not in book.resources and number not in found.subjects:
                found.subjects[number] = book.next_subject(retain_until)
    ids = {minted: known for _, minted, known in found.exchanged}
    for statement, number in zip(translated.statements, numbers, strict=True):
        patient = number if statement.type == PATIENT else _patient(book, statement, found)
        exchanged = exchange(statement, ids, coder) if ids else statement
        found.known.append(Known(exchanged, number, exchanged.id, patient))
    return found


def _number(book: Book, statement: Statement, found: Identified) -> int:
    """Return the resource that carries the first identifier known; register the others."""
    names, terms = book.names, statement.terms
    registered = [names[term] for term in terms if term in names]
    number = registered[0] if registered else book.next_resource()
    current = book.resources.get(number)
    known = found.ids.setdefault(number, current.id if current is not None else statement.id)
    if known != statement.id:
        found.exchanged.append((statement.type, statement.id, known))
    if len(registered) < len(terms):
        for term in terms:
            if term not in names:
                book.put(names, term, number)
                book.rows.identifiers.append((term, number))
    return number


def _patient(book: Book, statement: Statement, found: Identified) -> int:
    if not statement.subject:
        return 0
    return found.patients.get(statement.subject) or book.patients.get(statement.subject, 0)


class OtherPatient(GatewayError):
    """A visit, order or document of one person is stated to be another's."""


def check_owners(book: Book, identified: Identified) -> None:
    """Raise OtherPatient where an identifier names what belongs to another person.

    A sender that uses an order number twice must not move a result from one patient to another;
    records of one person (linked, merged) may hand theirs over, and so does a stated move (HL7 v2
    A44, A45), where the message names whose it was.
    """
    for known in identified.known:
        current = book.resources.get(known.number) if known.patient else None
        if current is None or not current.patient:
            continue
        if current.patient in book.person(known.patient):
            continue
        named = identified.patients.values() if known.statement.action == MOVE else ()
        if not any(current.patient in book.person(patient) for patient in named):
            raise OtherPatient


def moves(identified: Identified) -> list[Known]:
    """Return what the message says has changed its patient."""
    return [known for known in identified.known if known.statement.action == MOVE]


def exchange(statement: Statement, ids: Mapping[str, str], coder: IndexCoder) -> Statement:
    """Put known ids in the place of minted ones; terms are made anew where the body changed."""
    pattern = re.compile("|".join(map(re.escape, ids)).encode())

    def known(match: re.Match[bytes]) -> bytes:
        return ids[match[0].decode()].encode()

    body = pattern.sub(known, statement.body)
    index = statement.search_terms
    if body != statement.body:
        index = coder.encode(statement.type, index_terms(load(body)))
    return statement._replace(
        id=ids.get(statement.id, statement.id),
        subject=ids.get(statement.subject, statement.subject),
        body=body,
        search_terms=index,
        resource=pattern.sub(known, statement.resource),
    )
