"""The book of one batch: what the store said, what the messages added since, what to write.

It carries identities, versions, links and consents from message to message, so that a batch equals
its messages one after another. What a failing message did to it is taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gateway.domain.time import Instant
from gateway.pipeline.ports import (
    AuditRow,
    Current,
    MessageRow,
    NewDelivery,
    NewVersion,
    Transaction,
)

K = TypeVar("K")
V = TypeVar("V")

#: (patient, other, kind, rule, message, by): a row of `Transaction.link`.
LinkRow = tuple[int, int, str, str, int, str]


@dataclass(slots=True)
class Rows:
    """What is written at the end of a batch, in bulk and in this order."""

    messages: list[MessageRow] = field(default_factory=list)
    finished: list[MessageRow] = field(default_factory=list)
    subjects: list[tuple[int, Instant]] = field(default_factory=list)
    versions: list[NewVersion] = field(default_factory=list)
    recencies: list[tuple[int, str, str]] = field(default_factory=list)
    identifiers: list[tuple[bytes, int]] = field(default_factory=list)
    kvnr_added: list[tuple[bytes, int]] = field(default_factory=list)
    kvnr_removed: list[tuple[bytes, int]] = field(default_factory=list)
    links: list[LinkRow] = field(default_factory=list)
    consents: list[tuple[int, int]] = field(default_factory=list)
    deliveries: list[NewDelivery] = field(default_factory=list)
    audit: list[AuditRow] = field(default_factory=list)

    def lists(self) -> tuple[list[Any], ...]:
        """Return every list, in a fixed order."""
        return (
            self.messages,
            self.finished,
            self.subjects,
            self.versions,
            self.recencies,
            self.identifiers,
            self.kvnr_added,
            self.kvnr_removed,
            self.links,
            self.consents,
            self.deliveries,
            self.audit,
        )

    def write(self, tx: Transaction) -> None:
        """Hand everything to the store and begin anew."""
        for retain_until, subjects in _by_second(self.subjects).items():
            tx.add_subjects(subjects, retain_until)
        _hand(tx.add_messages, self.messages)
        _hand(tx.finish_messages, self.finished)
        _hand(tx.add_versions, self.versions)
        _hand(tx.set_recency, self.recencies)
        _hand(tx.add_identifiers, self.identifiers)
        _hand(tx.link, self.links)
        _hand(tx.add_patient_consents, self.consents)
        _hand(tx.add_deliveries, self.deliveries)
        _hand(tx.add_audit, self.audit)
        if self.kvnr_added or self.kvnr_removed:
            tx.set_kvnr(self.kvnr_added, self.kvnr_removed)
        for rows in self.lists():
            rows.clear()


def _hand(write: Callable[[Sequence[V]], object], rows: Sequence[V]) -> None:
    if rows:
        write(rows)


@dataclass(slots=True)
class Book:
    """Everything a batch knows; change it through `put` only, so that it can be taken back."""

    #: Keyed identifier hash → resource number.
    names: dict[bytes, int] = field(default_factory=dict)
    #: Resource number → present version.
    resources: dict[int, Current] = field(default_factory=dict)
    #: Logical id of a Patient → its number.
    patients: dict[str, int] = field(default_factory=dict)
    #: KVNR hash → Patients that state it.
    kvnr: dict[bytes, tuple[int, ...]] = field(default_factory=dict)
    #: Patient → all Patients of the same person, sorted; a Patient without an entry is alone.
    persons: dict[int, tuple[int, ...]] = field(default_factory=dict)
    #: Patient → True while a person has to decide on a link.
    cases: dict[int, bool] = field(default_factory=dict)
    #: Patient → Consents (JSON with meta.versionId) as the store has them.
    consents: dict[int, tuple[bytes, ...]] = field(default_factory=dict)
    rows: Rows = field(default_factory=Rows)
    #: Numbers handed out in advance.
    resource_numbers: list[int] = field(default_factory=list)
    subject_numbers: list[int] = field(default_factory=list)
    #: Something of the present message is written already: it can no longer be taken back.
    flushed: bool = False
    _undo: list[tuple[dict[Any, Any], Any, Any]] = field(default_factory=list)
    _lengths: tuple[int, ...] = ()

    def put(self, mapping: dict[K, V], key: K, value: V) -> None:
        """Set an entry of one of the mappings."""
        self._undo.append((mapping, key, mapping.get(key, _ABSENT)))
        mapping[key] = value

    def begin(self) -> None:
        """Begin a message: what comes next can be taken back."""
        self.flushed = False
        self._undo.clear()
        self._lengths = tuple(map(len, self.rows.lists()))

    def take_back(self) -> None:
        """Forget what the present message did."""
        for mapping, key, before in reversed(self._undo):
            if before is _ABSENT:
                mapping.pop(key, None)
            else:
                mapping[key] = before
        self._undo.clear()
        for rows, length in zip(self.rows.lists(), self._lengths, strict=True):
            del rows[length:]

    def flush(self, tx: Transaction) -> None:
        """Write what has come together, so that the store can be asked about it."""
        # Versions are written first, so only the last word about each resource may follow them.
        noted = (self.resources[number] for number in {row[0] for row in self.rows.recencies})
        self.rows.recencies[:] = [(one.number, one.recency, one.source) for one in noted]
        self.rows.write(tx)
        self.begin()
        self.flushed = True

    def person(self, patient: int) -> tuple[int, ...]:
        """Return all Patients of the same person, itself included, sorted."""
        return self.persons.get(patient) or (patient,)

    def read_persons(self, tx: Transaction, patients: Iterable[int], *, consents: bool) -> None:
        """Read who is linked with the Patients, which cases are open, and what they consented to.

        Replaces what the book said about them: write its rows first.
        """
        persons = tx.linked(patients)
        everybody = merged([patients, *persons.values()])
        for members in persons.values():
            for member in members:
                self.put(self.persons, member, members)
        missing = [number for number in everybody if number not in self.resources]
        if missing:
            for number, current in tx.current_by_number(missing).items():
                self.put(self.resources, number, current)
                self.put(self.patients, current.id, number)
        open_cases = tx.open_identity_cases(everybody)
        for number in everybody:
            self.put(self.cases, number, number in open_cases)
        if consents:
            found = tx.consents(everybody)
            for number in everybody:
                self.put(self.consents, number, tuple(found.get(number, ())))

    def next_resource(self) -> int:
        """Take a reserved resource number."""
        return self.resource_numbers.pop()

    def next_subject(self, retain_until: Instant) -> int:
        """Take a reserved data key number; the key is made with the batch."""
        subject = self.subject_numbers.pop()
        self.rows.subjects.append((subject, retain_until))
        return subject


_ABSENT: Any = object()


def _by_second(subjects: Sequence[tuple[int, Instant]]) -> dict[Instant, list[int]]:
    """Group data keys by their end, so that a batch makes them in few calls."""
    grouped: dict[Instant, list[int]] = {}
    for subject, retain_until in subjects:
        grouped.setdefault(retain_until, []).append(subject)
    return grouped


def merged(groups: Iterable[Iterable[int]]) -> tuple[int, ...]:
    """Return the union of groups of numbers, sorted."""
    return tuple(sorted(set().union(*groups)))
