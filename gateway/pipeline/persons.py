"""Persons: which Patients are one person, after each statement about a Patient.

A KVNR proposes, `gateway.identity` judges, and what comes of it is an event that a later one can
undo. A person is a set of links; contents are never merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.identity.facts import SYSTEMS as KVNR_SYSTEMS
from gateway.identity.kvnr import SYSTEM as KVNR_SYSTEM
from gateway.identity.links import Kind, LinkEvent, Source, separated
from gateway.identity.match import LinkDecision, propose, propose_merge, steps
from gateway.pipeline.book import Book
from gateway.pipeline.documents import look
from gateway.pipeline.identify import PATIENT, Identified
from gateway.pipeline.ports import Current, IndexCoder, Transaction
from gateway.pipeline.record import Target
from gateway.pipeline.translated import KVNR_TYPE, PatientStated, Statement
from mappers.base import Action

#: What takes back a statement of the sender's.
_UNDONE = {Kind.LINKED: Kind.UNLINKED, Kind.MERGED: Kind.UNMERGED, Kind.HELD: Kind.UNLINKED}


@dataclass(frozen=True, slots=True)
class Person:
    """What matching may know about one stored Patient."""

    #: Store number as text.
    id: str
    kvnr: str = ""
    birth_date: str = ""
    family: str = ""
    given: str = ""
    birth_family: str = ""
    #: The mapper knew the name for a placeholder.
    placeholder: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """One link event of this message, for the audit log."""

    patient: int
    other: int
    kind: Kind
    rule: str
    #: Logical ids of both.
    ids: tuple[str, str]


def facts(number: int, patient: Mapping[str, Any], *, placeholder: bool = False) -> Person:
    """Read the facts of a Patient resource."""
    names = [name for name in patient.get("name", ()) if isinstance(name, Mapping)]
    usual = next((n for n in names if n.get("use") in {None, "official", "usual"}), None)
    name = usual or (names[0] if names else {})
    maiden = next((n for n in names if n.get("use") == "maiden"), {})
    return Person(
        str(number),
        next(iter(_kvnrs(patient)), ""),
        str(patient.get("birthDate", "")),
        str(name.get("family", "")),
        " ".join(name.get("given", ())),
        str(maiden.get("family", "")),
        placeholder,
    )


def _kvnrs(patient: Mapping[str, Any]) -> Iterable[str]:
    for identifier in patient.get("identifier", ()):
        if identifier.get("system") in KVNR_SYSTEMS and identifier.get("value"):
            yield str(identifier["value"])


@dataclass(slots=True)
class Persons:
    """Keeps links in step with the Patients one message states."""

    tx: Transaction
    book: Book
    coder: IndexCoder
    message: int
    #: What the message says about its Patients, by number.
    stated: Mapping[int, PatientStated]

    def settle(
        self,
        identified: Identified,
        targets: Iterable[Target],
        before: Mapping[int, Current | None],
    ) -> list[Event]:
        """Propose links for every Patient whose facts changed, then follow stated merges."""
        events: list[Event] = []
        for target in targets:
            if target.changed and target.current.type == PATIENT and not target.current.deleted:
                events += self._propose(target.current, before.get(target.current.number))
        for known in identified.known:
            if known.statement.action == Action.LINK.value:
                if "link" in known.statement.cleared:
                    events += self._apart(known.number, identified)
                stated = known.statement.resource or known.statement.body
                events += self._merge(known.number, look(stated))
        return events

    def forget(self, before: Current) -> None:
        """Let a Patient that is deleted no longer state its KVNR."""
        former = facts(before.number, look(before.body))
        self._state_kvnr(before.number, former.kvnr, "")

    def _propose(self, current: Current, before: Current | None) -> list[Event]:
        number = current.number
        if before is None and self._nobody_else(number):
            return []
        now = facts(number, look(current.body), placeholder=self._placeholder(number))
        known = before is not None and not before.deleted
        former = facts(number, look(before.body)) if before is not None and known else None
        if former is not None and _same(former, now):
            return []
        self._state_kvnr(number, former.kvnr if former else "", now.kvnr)
        others = [n for n in self._stating(now.kvnr) if n != number]
        if former is None and not others:
            return []
        return self._follow(now, others)

    def _nobody_else(self, number: int) -> bool:
        """Settle a new Patient whose KVNR nobody else states, from what the worker found."""
        stated = self.stated.get(number)
        if stated is None:
            return False
        if not stated.kvnr:
            return True
        if self.book.kvnr.get(stated.kvnr, (0,)):
            return False
        self.book.put(self.book.kvnr, stated.kvnr, (number,))
        self.book.rows.kvnr_added.append((stated.kvnr, number))
        return True

    def _placeholder(self, number: int) -> bool:
        stated = self.stated.get(number)
        return stated is not None and stated.placeholder

    def _follow(self, candidate: Person, others: list[int]) -> list[Event]:
        """Compare with all that state the KVNR, and write what changes."""
        number = int(candidate.id)
        standing = [
            LinkEvent(event, str(one), str(other), Kind(kind), Source(source))
            for event, one, other, kind, source in self.tx.link_events([number, *others])
        ]
        decision: LinkDecision = propose(
            candidate,
            [self._facts(other) for other in others],
            separated=separated(standing),
        )
        last = _last_by_kvnr(candidate.id, standing)
        return [
            self._write(int(step.patient), int(step.other), step.kind, Source.KVNR, step.rule)
            for step in steps(candidate.id, decision, last)
        ]

    def _merge(self, number: int, stated: Mapping[str, Any]) -> list[Event]:
        """Follow Patient.link: replaced-by names the survivor, replaces the retired record.

        Records that only see each other (seealso, HL7 v2 A24) are linked, none is retired.
        """
        events = []
        for link in stated.get("link", ()):
            reference = str(link.get("other", {}).get("reference", ""))
            other = self.book.patients.get(reference.removeprefix("Patient/"), 0)
            if not other or other == number:
                continue
            kind = Kind.LINKED if link.get("type") == "seealso" else Kind.MERGED
            survivor, retired = (
                (other, number) if link.get("type") == "replaced-by" else (number, other)
            )
            events += self._joined(survivor, retired, kind)
        return events

    def _joined(self, survivor: int, retired: int, kind: Kind) -> list[Event]:
        decision = propose_merge(self._facts(survivor), self._facts(retired))
        kind = kind if decision.outcome == "linked" else Kind.HELD
        last = self._stated_by_sender(survivor).get(retired)
        if last is kind or decision.outcome == "none":
            return []
        return [self._write(survivor, retired, kind, Source.MERGE, decision.rule)]

    def _apart(self, number: int, identified: Identified) -> list[Event]:
        """Take back what the sender linked: with the other record named (A37), else with all."""
        named = {known.number for known in identified.known if known.statement.type == PATIENT}
        stated = {
            link["other"]["reference"]
            for known in identified.known
            if known.number == number
            for link in look(known.statement.resource or known.statement.body).get("link", ())
        }
        events = []
        for other, kind in self._stated_by_sender(number).items():
            is_meant = other in named if not stated else other not in named
            if is_meant and kind in _UNDONE:
                events.append(self._write(number, other, _UNDONE[kind], Source.MERGE, "unlink"))
        return events

    def _stated_by_sender(self, number: int) -> dict[int, Kind]:
        """Return for each other record the last thing a sender said about the pair.

        What this message has said already is not in the store yet.
        """
        rows = [
            (event, one, other, kind)
            for event, one, other, kind, source in self.tx.link_events([number])
            if source == Source.MERGE.value
        ]
        last = {one + other - number: Kind(kind) for _, one, other, kind in sorted(rows)}
        for one, other, said, source, _, _ in self.book.rows.links:
            if number in {one, other} and source == Source.MERGE.value:
                last[one + other - number] = Kind(said)
        return last

    def _write(self, patient: int, other: int, kind: Kind, source: Source, rule: str) -> Event:
        self.book.rows.links.append(
            (patient, other, kind.value, source.value, self.message, f"rule {rule}")
        )
        return Event(
            patient, other, kind, rule, (self._current(patient).id, self._current(other).id)
        )

    def _state_kvnr(self, number: int, former: str, now: str) -> None:
        if former == now:
            return
        for kvnr, rows in ((former, self.book.rows.kvnr_removed), (now, self.book.rows.kvnr_added)):
            if kvnr:
                term = self._term(kvnr)
                stating = set(self._stating(kvnr))
                stating = stating - {number} if kvnr == former else stating | {number}
                self.book.put(self.book.kvnr, term, tuple(sorted(stating)))
                rows.append((term, number))

    def _stating(self, kvnr: str) -> tuple[int, ...]:
        if not kvnr:
            return ()
        term = self._term(kvnr)
        if term not in self.book.kvnr:
            found = self.tx.patients_by_kvnr([term]).get(term, [])
            self.book.put(self.book.kvnr, term, tuple(found))
        return self.book.kvnr[term]

    def _facts(self, number: int) -> Person:
        current = self._current(number)
        return facts(number, look(current.body), placeholder=self._placeholder(number))

    def _current(self, number: int) -> Current:
        """Return a Patient, from the store when the batch has not met it yet."""
        if number not in self.book.resources:
            for found, current in self.tx.current_by_number([number]).items():
                self.book.put(self.book.resources, found, current)
        return self.book.resources[number]

    def _term(self, kvnr: str) -> bytes:
        return self.coder.identifier_term(KVNR_TYPE, KVNR_SYSTEM, kvnr)


def _stated(statement: Statement) -> dict[str, Any]:
    return look(statement.resource or statement.body)


def _same(one: Person, other: Person) -> bool:
    return (one.kvnr, one.birth_date, one.family, one.given, one.birth_family) == (
        other.kvnr,
        other.birth_date,
        other.family,
        other.given,
        other.birth_family,
    )


def _last_by_kvnr(patient: str, events: Iterable[LinkEvent]) -> dict[str, Kind]:
    """Return for each other record the last thing the KVNR source said about the pair."""
    last: dict[str, Kind] = {}
    for event in sorted(events, key=lambda one: one.number):
        if event.source is Source.KVNR and patient in (event.patient, event.other):
            last[event.other if event.patient == patient else event.patient] = event.kind
    return last
