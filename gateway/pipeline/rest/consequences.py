"""What follows from a caller's writes, in the same transaction as from a message's.

Links between records of one person, consents that release or cancel deliveries, and the
Provenance of every version (https://hl7.org/fhir/R4/provenance.html).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from gateway.domain.time import fhir_instant
from gateway.evidence.provenance import for_interaction
from gateway.identity.kvnr import SYSTEM as KVNR_SYSTEM
from gateway.pipeline import redecide
from gateway.pipeline.book import Book, merged
from gateway.pipeline.documents import dump, look
from gateway.pipeline.identify import PATIENT, Identified, Known
from gateway.pipeline.persons import Persons, facts
from gateway.pipeline.ports import Current, NewVersion, Transaction
from gateway.pipeline.record import PROVENANCE, Target
from gateway.pipeline.rest.asked import Act, Stated
from gateway.pipeline.site import Site
from gateway.pipeline.trail import identity_rows
from gateway.pipeline.translated import KVNR_TYPE, Statement
from mappers.base import Action
from mappers.fhir_r4.keys import KVNR_SYSTEMS, by_identifier
from profiles.search import index_terms

CONSENT = "Consent"
#: https://terminology.hl7.org/CodeSystem-v3-DataOperation.html
CREATE, UPDATE, DELETE = "CREATE", "UPDATE", "DELETE"


class Written(NamedTuple):
    """One version that was written."""

    act: Act
    current: Current
    #: The version before it; None for a new resource.
    before: Current | None

    @property
    def operation(self) -> str:
        """What happened to the resource."""
        if self.current.deleted:
            return DELETE
        return CREATE if self.before is None else UPDATE


@dataclass(slots=True)
class Consequences:
    """Carries out what the writes of one order lead to."""

    tx: Transaction
    book: Book
    site: Site
    caller: Stated
    written: list[Written] = field(default_factory=list)
    #: Deliveries that became sendable.
    released: int = 0

    def kvnr_terms(self, acts: Iterable[Act]) -> set[bytes]:
        """Return the keyed hashes of the KVNR of Patients, which are locked as messages do."""
        bodies = [act.body for act in acts if act.type == PATIENT and act.body]
        stated = {facts(0, look(body)).kvnr for body in bodies} - {""}
        term = self.site.coder.identifier_term
        return {term(KVNR_TYPE, KVNR_SYSTEM, kvnr) for kvnr in stated}

    def names(self, current: Current) -> list[tuple[bytes, int]]:
        """Return the keyed identifiers by which the caller's messages find the resource too."""
        stated = look(current.body).get("identifier", [])
        identifiers = stated if isinstance(stated, list) else [stated]
        namespace = f"{self.site.namespace}/{self.caller.organization}"
        keys = [
            by_identifier(current.type, str(one.get("system", "")), str(one["value"]), namespace)
            for one in identifiers
            if one.get("value") and one.get("system") not in KVNR_SYSTEMS
        ]
        term = self.site.coder.identifier_term
        return [(term(key.type, key.system, key.value), current.number) for key in keys]

    def follow(self, covered: set[str]) -> None:
        """Add the Provenance, then settle identity and consent and decide again.

        `covered` (`Type/id`) brings its own Provenance.
        """
        for group in self._groups(covered).values():
            self._add_provenance(group)
        concerned = self._persons() | self._consents()
        if not concerned:
            return
        self.book.flush(self.tx)
        patients = {one.current.patient for one in self.written} - {0}
        self.book.read_persons(self.tx, merged([concerned, patients]), consents=True)
        everybody = merged(self.book.person(patient) for patient in concerned)
        self.released = redecide.patients(
            self.tx, self.book, self.site, everybody, except_message=0
        )

    # identity ------------------------------------------------------------------------
    def _persons(self) -> set[int]:
        mine = [one for one in self.written if one.current.type == PATIENT]
        if not mine:
            return set()
        self._read_linked(mine)
        self.book.read_persons(
            self.tx, [one.current.number for one in mine if one.before], consents=False
        )
        for one in mine:
            self.book.put(self.book.resources, one.current.number, one.current)
        before = {one.current.number: one.before for one in mine}
        patients = self.book.patients
        identified = Identified(known=[known for one in mine for known in _links(one, patients)])
        persons = Persons(self.tx, self.book, self.site.coder, 0, {})
        targets = [Target(one.current, changed=True) for one in mine]
        events = persons.settle(identified, targets, before)
        for one in mine:
            if one.current.deleted and one.before is not None:
                persons.forget(one.before)
        for event in events:
            self.book.rows.audit += identity_rows(self.site.auditor, self.tx.now, event, 0)
        return {number for event in events for number in (event.patient, event.other)}

    def _read_linked(self, patients: Iterable[Written]) -> None:
        """Read the caller's own records that links name; nobody links what another keeps."""
        named = {
            (PATIENT, _other(link))
            for one in patients
            for version in (one.current, one.before)
            if version is not None
            for link in look(version.body).get("link", ())
        }
        for current in self.tx.current(sorted(named)).values():
            if current.organization == self.caller.organization:
                self.book.patients.setdefault(current.id, current.number)
                if current.number not in self.book.resources:
                    self.book.put(self.book.resources, current.number, current)

    # consent -------------------------------------------------------------------------
    def _consents(self) -> set[int]:
        concerned = set()
        for one in self.written:
            if one.current.type != CONSENT or not one.current.patient:
                continue
            self.book.rows.consents.append((one.current.patient, one.current.number))
            concerned.add(one.current.patient)
            if one.before is not None and one.before.patient:
                concerned.add(one.before.patient)
        return concerned

    # evidence ------------------------------------------------------------------------
    def _groups(self, covered: set[str]) -> dict[tuple[int, str], list[Written]]:
        """Group what needs a Provenance by Patient and operation."""
        groups: dict[tuple[int, str], list[Written]] = {}
        for one in self.written:
            current = one.current
            if current.type == PROVENANCE or f"{current.type}/{current.id}" in covered:
                continue
            groups.setdefault((current.patient, one.operation), []).append(one)
        return groups

    def _add_provenance(self, written: list[Written]) -> None:
        first = written[0].current
        made = for_interaction(
            id=str(UUID(bytes=self.site.auditor.random(16), version=4)),
            targets=[(c.type, c.id, str(c.version)) for _, c, _ in written],
            recorded=fhir_instant(self.tx.now),
            organization=self.caller.organization,
            operation=written[0].operation,
            build=self.site.build,
        )
        self.book.rows.versions.append(
            NewVersion(
                self.book.next_resource(),
                PROVENANCE,
                made["id"],
                first.subject,
                first.patient,
                self.caller.organization,
                1,
                dump(made),
                "",
                "",
                0,
                terms=self.site.coder.encode(PROVENANCE, index_terms(made)),
                retain_until=self.site.retain_until(self.caller.organization, self.tx.now),
            )
        )


def _links(written: Written, patients: Mapping[str, int]) -> Iterator[Known]:
    """State the links of a Patient as a message would: those it has, and that others are gone.

    Where none is left, the records it was linked with are named (as by HL7 v2 A37).
    """
    current, before = written.current, written.before
    now = look(current.body).get("link", [])
    former = look(before.body).get("link", []) if before is not None else []
    if now == former:
        return
    statement = Statement(
        Action.LINK.value,
        PATIENT,
        current.id,
        current.id,
        (),
        current.body,
        b"",
        cleared=("link",) if former else (),
    )
    yield Known(statement, current.number, current.id, current.number)
    if not now:
        others = (_other(link) for link in former)
        named = statement._replace(action=Action.MERGE.value, cleared=())
        for other in others:
            if other in patients:
                yield Known(named, patients[other], other, patients[other])


def _other(link: Mapping[str, Any]) -> str:
    return str(link.get("other", {}).get("reference", "")).rpartition("/")[2]
