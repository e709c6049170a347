"""Record: statements become versions; the source stays provable.

Older never overwrites newer, by recency per sending application and resource; cancels and deletes
act whatever their time; equal content makes no new version. One Provenance per message names all
it spoke of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import mappers
from gateway.domain.message import Arrival
from gateway.domain.time import Instant, fhir_instant
from gateway.evidence import provenance
from gateway.pipeline.book import Book
from gateway.pipeline.documents import dump, load
from gateway.pipeline.identify import PATIENT, Identified, Known
from gateway.pipeline.ports import Current, IndexCoder, NewVersion
from gateway.pipeline.recency import application_name, last_said, said
from gateway.pipeline.translated import Statement, Translated
from mappers.base import Action, Change
from profiles.search import index_terms

#: What is kept of a message that makes no resource of its own is about a whole one.
STATES_CONTENT = frozenset({Action.MERGE.value, Action.REPLACE.value, Action.LINK.value})
#: Elements of a Patient that a merge of records is about.
LINKING = ("active", "link")


@dataclass(frozen=True, slots=True)
class Source:
    """The message whose statements are recorded."""

    message: int
    arrival: Arrival
    translated: Translated
    retain_until: Instant
    #: Goes into the Provenance: the gateway's build.
    build: str


@dataclass(frozen=True, slots=True)
class Target:
    """A resource the message speaks of, as it stands after it."""

    current: Current
    #: The message made this version.
    changed: bool


def record(book: Book, source: Source, identified: Identified, coder: IndexCoder) -> list[Target]:
    """Apply the statements in order; return what the message speaks of, each resource once."""
    targets: dict[int, Target] = {}
    recorder = _Recorder(book, source, identified, coder)
    for known in identified.known:
        target = recorder.apply(known)
        if target is not None:
            before = targets.get(known.number)
            changed = target.changed or (before is not None and before.changed)
            targets[known.number] = Target(target.current, changed)
    return list(targets.values())


@dataclass(slots=True)
class _Recorder:
    book: Book
    source: Source
    identified: Identified
    coder: IndexCoder
    #: Data key of what belongs to no patient, made when needed.
    common: int = 0

    def apply(self, known: Known) -> Target | None:
        current = self.book.resources.get(known.number)
        if current is None:
            return self._first(known)
        statement = known.statement
        if _repeats(current, statement):
            return self._unchanged(current, statement)
        before = None if current.deleted else load(current.body)
        change = self._change(statement)
        if change.action is Action.LINK or self._is_older(current, statement):
            after = None if before is None else belated(before, change)
        else:
            after = mappers.apply(before, change)
        if after == before:
            return self._unchanged(current, statement)
        return self._next(current, statement, after)

    def _change(self, statement: Statement) -> Change:
        return Change(
            Action(statement.action),
            statement.type,
            statement.id,
            (),
            load(statement.resource or statement.body),
            statement.cleared,
            statement.recency,
            statement.subject,
            historic=statement.historic,
            weak=statement.weak,
            partial=statement.partial,
        )

    def _is_older(self, current: Current, statement: Statement) -> bool:
        """Say whether this application said something newer; cancels act whatever their time."""
        if not statement.recency or statement.action not in STATES_CONTENT:
            return False
        application = application_name(self.source.arrival.sender)
        return statement.recency < last_said(current.recency, current.source, application)

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
            *said("", "", application_name(self.source.arrival.sender), statement.recency),
            deleted=False,
            body=statement.body,
        )
        return self._write(current, statement.index)

    def _next(self, current: Current, statement: Statement, after: dict[str, Any] | None) -> Target:
        body = dump(after) if after is not None else _gravestone(current)
        application = application_name(self.source.arrival.sender)
        recency, source = said(current.recency, current.source, application, statement.recency)
        following = replace(
            current,
            version=current.version + 1,
            recency=recency,
            source=source,
            deleted=after is None,
            body=body,
        )
        index = b"" if after is None else self.coder.encode(current.type, index_terms(after))
        return self._write(following, index)

    def _unchanged(self, current: Current, statement: Statement) -> Target:
        application = application_name(self.source.arrival.sender)
        recency, source = said(current.recency, current.source, application, statement.recency)
        if (recency, source) != (current.recency, current.source):
            current = replace(current, recency=recency, source=source)
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
        self.book.put(self.book.resources, current.number, current)
        if current.type == PATIENT and current.version == 1:
            self.book.put(self.book.patients, current.id, current.number)
        self.book.rows.versions.append(
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
                self.source.message,
                current.deleted,
                index,
                self.source.retain_until,
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


def belated(present: dict[str, Any], older: Change) -> dict[str, Any]:
    """Apply what an older statement, or a merge of records, still has to say.

    An older one fills the ends of a period nobody stated since. A merge holds whenever it comes and
    is about the link alone: what it says of the retired record besides only names it.
    """
    stated, known = older.resource.get("period"), present.get("period", {})
    after = dict(present)
    if isinstance(stated, dict) and stated.keys() - known.keys():
        after["period"] = {**stated, **known}
    if older.action is Action.LINK:
        after.update((name, older.resource[name]) for name in LINKING if name in older.resource)
    return after


def _gravestone(current: Current) -> bytes:
    return dump({"resourceType": current.type, "id": current.id})


def add_provenance(
    book: Book, source: Source, targets: Sequence[Target], coder: IndexCoder
) -> None:
    """Write the message's Provenance beside what it made; sealed with its first patient's key."""
    first = next((t.current for t in targets if t.current.patient), targets[0].current)
    made = provenance.for_message(
        id=source.translated.provenance,
        targets=[(t.current.type, t.current.id, str(t.current.version)) for t in targets],
        source_sha256=source.translated.sha256,
        message_id=str(source.message),
        recorded=fhir_instant(source.arrival.received_at),
        organization=source.arrival.organization,
        mapping_version=mappers.MAPPING_VERSION,
        build=source.build,
    )
    book.rows.versions.append(
        NewVersion(
            book.next_resource(),
            "Provenance",
            source.translated.provenance,
            first.subject,
            first.patient,
            source.arrival.organization,
            1,
            dump(made),
            "",
            "",
            source.message,
            terms=coder.encode("Provenance", index_terms(made)),
            retain_until=source.retain_until,
        )
    )
