"""Record: statements become versions; the source stays provable.

Older never overwrites newer: `mappers.apply` decides by the clock of each sending application;
cancels and deletes act whatever their time; equal content makes no new version. One Provenance per
message names all it spoke of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import mappers
from gateway.domain.message import Arrival
from gateway.domain.time import Instant
from gateway.pipeline.book import Book
from gateway.pipeline.clock import (
    application_name,
    base,
    is_plain,
    line_of,
    take_off,
    with_line,
)
from gateway.pipeline.documents import dump, load
from gateway.pipeline.identify import PATIENT, Identified, Known
from gateway.pipeline.origin import targeted
from gateway.pipeline.ports import Current, IndexCoder, NewVersion
from gateway.pipeline.translated import Proof, Statement, Translated
from mappers.base import Action, Change
from mappers.recency import with_clock
from profiles.search import index_terms

#: What is kept of a message that makes no resource of its own is about a whole one.
STATES_CONTENT = frozenset({Action.MERGE.value, Action.REPLACE.value, Action.LINK.value})

#: Where a Current has its recency, and its source behind it.
_RECENCY = Current._fields.index("recency")

#: The resource that says where the others come from.
PROVENANCE = "Provenance"


@dataclass(frozen=True, slots=True)
class Source:
    """The message whose statements are recorded."""

    message: int
    arrival: Arrival
    translated: Translated
    retain_until: Instant


class Target(NamedTuple):
    """A resource the message speaks of, as it stands after it."""

    current: Current
    #: The message made this version.
    changed: bool


def record(book: Book, source: Source, identified: Identified, coder: IndexCoder) -> list[Target]:
    """Apply the statements in order; return what the message speaks of, each resource once."""
    targets: dict[int, Target] = {}
    application = application_name(source.arrival.sender)
    recorder = _Recorder(book, source, identified, coder, application)
    for known in identified.known:
        target = recorder.apply(known)
        if target is not None:
            before = targets.get(known.number)
            if before is not None and before.changed:
                target = Target(target.current, changed=True)
            targets[known.number] = target
    return list(targets.values())


@dataclass(slots=True)
class _Recorder:
    book: Book
    source: Source
    identified: Identified
    coder: IndexCoder
    #: The sending application whose clock counts.
    application: str
    #: Data key of what belongs to no patient, made when needed.
    common: int = 0

    def apply(self, known: Known) -> Target | None:
        current = self.book.resources.get(known.number)
        if current is None:
            return self._first(known)
        statement = known.statement
        own = line_of(current.recency, current.source, self.application)
        if _repeats(current, statement) and is_plain(own) and is_plain(statement.clock):
            return self._unchanged(current, max(own, statement.clock))
        if statement.action == Action.REPLACE and base(statement.clock) < base(own):
            return Target(current, changed=False)
        before = None if current.deleted else load(current.body)
        after = mappers.apply(
            None if before is None else with_clock(before, own), _change(statement)
        )
        if after is None:
            return self._next(current, None, max(own, statement.clock))
        content, clock = take_off(after)
        if content == before:
            return self._unchanged(current, clock)
        if statement.action == Action.MOVE.value and known.patient:
            current = current._replace(patient=known.patient, subject=self._subject(known))
        return self._next(current, content, clock)

    def _first(self, known: Known) -> Target | None:
        statement = known.statement
        if not statement.body:
            return None
        current = Current(
            known.number,
            statement.type,
            known.id,
            self._subject(known),
            known.patient,
            self.source.arrival.organization,
            1,
            statement.clock,
            self.application,
            deleted=False,
            body=statement.body,
        )
        return self._write(current, statement.search_terms)

    def _next(self, current: Current, content: dict[str, Any] | None, clock: str) -> Target:
        if content is None and current.deleted:
            return self._unchanged(current, clock)
        recency, source = with_line(current.recency, current.source, self.application, clock)
        following = current._replace(
            version=current.version + 1,
            recency=recency,
            source=source,
            deleted=content is None,
            body=dump(content) if content is not None else _gravestone(current),
        )
        if content is None:
            return self._write(following, b"")
        return self._write(following, self.coder.encode(current.type, index_terms(content)))

    def _unchanged(self, current: Current, clock: str) -> Target:
        recency, source = with_line(current.recency, current.source, self.application, clock)
        if (recency, source) != (current.recency, current.source):
            # Without _replace: houses, doctors and wards pass here with every message.
            noted = (*current[:_RECENCY], recency, source, *current[_RECENCY + 2 :])
            current = Current._make(noted)
            self.book.put(self.book.resources, current.number, current)
            self.book.rows.recencies.append((current.number, recency, source))
        return Target(current, changed=False)

    def _subject(self, known: Known) -> int:
        """Return the data key: the patient's, else one for all of the message without a patient."""
        if known.patient:
            if known.patient in self.identified.subjects:
                return self.identified.subjects[known.patient]
            return self.book.resources[known.patient].subject
        if not self.common:
            self.common = self.book.next_subject(self.source.retain_until)
        return self.common

    def _write(self, current: Current, index: bytes) -> Target:
        if current.type == PATIENT and current.version == 1:
            self.book.put(self.book.patients, current.id, current.number)
        return write(self.book, self.source, current, index)


def write(book: Book, source: Source, current: Current, index: bytes) -> Target:
    """Put the version `current` into the book, with its index terms."""
    book.put(book.resources, current.number, current)
    book.rows.versions.append(
        NewVersion(
            current.number,
            current.type,
            current.id,
            current.subject,
            current.patient,
            current.organization,
            current.version,
            current.body,
            current.recency,
            current.source,
            source.message,
            current.deleted,
            index,
            source.retain_until,
        )
    )
    return Target(current, changed=True)


def _repeats(current: Current, statement: Statement) -> bool:
    """Say whether the statement is word for word what is stored."""
    return (
        statement.action in STATES_CONTENT
        and not current.deleted
        and not statement.resource
        and statement.body == current.body
    )


def _change(statement: Statement) -> Change:
    return Change(
        Action(statement.action),
        statement.type,
        statement.id,
        (),
        with_clock(load(statement.resource or statement.body), statement.clock),
        statement.cleared,
        base(statement.clock),
        statement.subject,
        historic=statement.historic,
        partial=statement.partial,
    )


def _gravestone(current: Current) -> bytes:
    return dump({"resourceType": current.type, "id": current.id})


def add_provenance(
    book: Book, source: Source, targets: Sequence[Target], coder: IndexCoder
) -> list[Target]:
    """Write the message's Provenance beside what it made; sealed with its first patient's key.

    Returns it as one more target, none when the message made nothing.
    """
    proof = source.translated.provenance
    if proof is None or not targets:
        return []
    body, index = _proved(proof, targets, coder)
    first = next((t.current for t in targets if t.current.patient), targets[0].current)
    current = Current(
        book.next_resource(),
        PROVENANCE,
        proof.id,
        first.subject,
        first.patient,
        source.arrival.organization,
        1,
        "",
        "",
        deleted=False,
        body=body,
    )
    book.rows.versions.append(
        NewVersion(
            current.number,
            current.type,
            current.id,
            current.subject,
            current.patient,
            current.organization,
            1,
            body,
            "",
            "",
            source.message,
            terms=index,
            retain_until=source.retain_until,
        )
    )
    return [Target(current, changed=True)]


def _proved(proof: Proof, targets: Sequence[Target], coder: IndexCoder) -> tuple[bytes, bytes]:
    """Let the worker's Provenance name the versions; its index terms hold while ids are kept."""
    versions = [(t.current.type, t.current.id, t.current.version) for t in targets]
    body = targeted(proof.head, versions, proof.tail)
    if proof.targets == tuple([f"{kind}/{name}" for kind, name, _ in versions]):
        return body, proof.search_terms
    return body, coder.encode(PROVENANCE, index_terms(load(body)))
