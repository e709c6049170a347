"""Perform: what a caller asked for, all of it or nothing, in one transaction of the writer.

https://hl7.org/fhir/R4/http.html#transaction. A caller writes what it keeps itself; what another
keeps is refused where the caller may see it, and does not exist where it may not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.domain.time import Instant
from gateway.evidence import codes
from gateway.pipeline.book import Book
from gateway.pipeline.documents import dump, look
from gateway.pipeline.identify import PATIENT
from gateway.pipeline.ports import Current, NewVersion, Transaction
from gateway.pipeline.record import PROVENANCE
from gateway.pipeline.rest.asked import (
    NOT_CHANGED,
    NOT_WRITTEN,
    ORDER,
    Act,
    Done,
    Method,
    Order,
    Performed,
)
from gateway.pipeline.rest.consequences import Consequences, Written
from gateway.pipeline.rest.content import exchanged, labelled
from gateway.pipeline.rest.evidence import witness
from gateway.pipeline.rest.refused import (
    CONSENT,
    FOREIGN,
    IN_OUR_NAME,
    MISSING,
    NAMED,
    OTHERS_CONSENT,
    READ_ONLY,
    SCOPE,
    SEVERAL,
    STALE,
    TWICE,
    UNRESOLVED,
    Refused,
)
from gateway.pipeline.site import Site
from profiles.search import parse_criteria

#: Marks advisory locks that are not a patient's.
_LOCK = "lock"
#: The identifier system of builds of the gateway, as it stands in a body.
BUILD = f'"{codes.BUILD}"'.encode()
#: Matches looked at where scopes let some of them be found only.
_MOST = 200
Name = tuple[str, str]


def perform(tx: Transaction, order: Order, site: Site) -> Performed:
    """Perform an order; nothing is written when one act is refused, but the refusal's evidence."""
    work = _Work(tx, order, site)
    try:
        done, unsure = work.run()
    except Refused as refused:
        tx.add_audit(list(witness(site, tx.now, order, [refused.done], refused.position)))
        return Performed(done=(refused.done,), refused=refused.position)
    if unsure:
        return Performed(unsure=tuple(sorted(unsure)))
    return Performed(done=tuple(done), released=work.consequences.released)


@dataclass(slots=True)
class _Work:
    tx: Transaction
    order: Order
    site: Site
    book: Book = field(default_factory=Book)
    #: Present versions of what the acts name.
    known: dict[Name, Current] = field(default_factory=dict)
    #: Criteria → what the caller keeps that meets them.
    found: dict[str, list[Current]] = field(default_factory=dict)
    #: Placeholder id → the id that was found.
    exchanged: dict[str, str] = field(default_factory=dict)
    unsure: set[Name] = field(default_factory=set)
    #: Data key of what belongs to no patient.
    common: int = 0
    consequences: Consequences = field(init=False)

    def __post_init__(self) -> None:
        """Prepare what follows from the writes."""
        self.consequences = Consequences(self.tx, self.book, self.site, self.order.caller)

    @property
    def owner(self) -> str:
        return self.order.caller.organization

    def run(self) -> tuple[list[Done], set[Name]]:
        """Return what became of each act, or whose sight has to be known first."""
        acts = list(self.order.acts)
        for position, act in enumerate(acts):
            if act.type in NOT_WRITTEN or (
                act.type in NOT_CHANGED and (act.method is not Method.POST or act.criteria)
            ):
                raise Refused(position, *READ_ONLY)
            if act.type == PROVENANCE and BUILD in act.body:
                raise Refused(position, *IN_OUR_NAME)
        self._lock(acts)
        self._search(acts)
        acts = [self._aimed(position, act) for position, act in enumerate(acts)]
        self._check_once(acts)
        self._read(acts)
        planned = [self._plan(position, act) for position, act in enumerate(acts)]
        if self.unsure:
            return [], self.unsure
        if self.order.look:
            return [_done(200, current, 0) for current in planned if current is not None], set()
        done: list[Done] = [Done(500)] * len(acts)
        self.book.resource_numbers = self.tx.reserve("resource", 3 * len(acts) + 2)[::-1]
        self.book.subject_numbers = self.tx.reserve("subject", len(acts) + 1)[::-1]
        # Patients before what belongs to them, which is sealed with their key.
        ranks = [
            (act.method is not Method.DELETE, act.type != PATIENT, ORDER[act.method], position)
            for position, act in enumerate(acts)
        ]
        for *_, position in sorted(ranks):
            done[position] = self._do(position, acts[position], planned[position])
        if self.unsure:
            return [], self.unsure
        self.consequences.follow(self._proved(acts))
        done = [self._named(one) for one in done]
        self.book.rows.audit += witness(self.site, self.tx.now, self.order, done)
        self.book.flush(self.tx)
        return done, self.unsure

    # what is there -------------------------------------------------------------------
    def _lock(self, acts: Iterable[Act]) -> None:
        """Take locks in sorted order, so that racing processes come one after the other.

        Conditions need none of their own: looking for what meets them waits for whoever looks.
        """
        term = self.site.coder.identifier_term
        terms = {term(_LOCK, a.type, a.id) for a in acts if a.id and a.method is not Method.POST}
        terms |= self.consequences.kvnr_terms(acts)
        self.tx.lock(sorted(terms))

    def _search(self, acts: Iterable[Act]) -> None:
        wanted = {act.criteria for act in acts if act.criteria} | self.order.references.keys()
        for criteria in sorted(wanted):
            limit = 2 if self.order.may is None else _MOST
            found = self.tx.matching(parse_criteria(criteria), organization=self.owner, limit=limit)
            # What the caller's scopes do not let it find is not there for it.
            self.found[criteria] = [one for one in found if self._may(Method.GET, one.body)]
        for criteria, placeholder in self.order.references.items():
            if len(self.found[criteria]) != 1:
                raise Refused(0, *UNRESOLVED)
            self.exchanged[placeholder] = self.found[criteria][0].id

    def _aimed(self, position: int, act: Act) -> Act:
        """Put what a condition found in the place of what the act would make."""
        if not act.criteria:
            return act
        matches = self.found[act.criteria]
        if len(matches) > 1:
            raise Refused(position, *SEVERAL)
        if not matches:
            return act
        if act.method is Method.PUT and act.named not in ("", matches[0].id):
            raise Refused(position, *NAMED)
        if act.id:
            self.exchanged[act.id] = matches[0].id
        return act._replace(id=matches[0].id)

    def _check_once(self, acts: Iterable[Act]) -> None:
        changed: set[Name] = set()
        for position, act in enumerate(acts):
            if act.method is Method.POST and act.criteria and self.found[act.criteria]:
                continue
            if act.id and (act.type, act.id) in changed:
                raise Refused(position, *TWICE)
            changed.add((act.type, act.id))

    def _read(self, acts: Iterable[Act]) -> None:
        names = {(act.type, act.id) for act in acts if act.id}
        names |= {(PATIENT, self._id(one)) for act in acts for one in act.subjects}
        self.known = self.tx.current(sorted(names))
        for current in self.known.values():
            self.book.resources[current.number] = current
            if current.type == PATIENT and current.organization == self.owner:
                self.book.patients[current.id] = current.number

    def _id(self, placeholder: str) -> str:
        return self.exchanged.get(placeholder, placeholder)

    # what is meant -------------------------------------------------------------------
    def _plan(self, position: int, act: Act) -> Current | None:
        """Return the resource an act is about; None for one that is to be made."""
        current = self.known.get((act.type, act.id)) if act.id else None
        if act.method is Method.POST:
            return current
        if act.criteria and not self.found[act.criteria]:
            if act.method is Method.PATCH:
                raise Refused(position, *MISSING)
            return None
        if current is None or current.organization != self.owner:
            if current is None and act.method is Method.PUT and self.order.create_on_update:
                return None
            self._unseen(position, (act.type, act.id), current)
            return None
        if not self._may(act.method, current.body) and not current.deleted:
            raise Refused(position, *MISSING)
        if act.version and act.version != current.version:
            raise Refused(position, *STALE)
        return current

    def _may(self, method: Method, body: bytes) -> bool:
        return self.order.may is None or self.order.may(body, method)

    def _unseen(self, position: int, name: Name, current: Current | None) -> None:
        """Refuse what is not the caller's: whether it exists only who may see it learns."""
        sight = self.order.sight.get(name)
        if sight is None:
            self.unsure.add(name)
        elif current is not None and sight:
            raise Refused(position, *FOREIGN)
        else:
            raise Refused(position, *MISSING)

    # what is done --------------------------------------------------------------------
    def _do(self, position: int, act: Act, current: Current | None) -> Done:
        if act.method is Method.DELETE:
            return self._delete(act, current)
        if act.method is Method.POST and current is not None:
            return _done(200, current, 0)
        act = exchanged(act, self.exchanged, self.site.coder)
        if not self._may(act.method, act.body):
            raise Refused(position, *SCOPE)
        patient = self._patient(position, act)
        if act.type == "Consent":
            self._check_consent(position, act, patient)
        if current is None:
            return self._create(act, patient)
        return self._update(act, current, patient)

    def _create(self, act: Act, patient: Current | None) -> Done:
        number = self.book.next_resource()
        own = act.type == PATIENT
        until = self._retain_until()
        subject = self.book.next_subject(until) if own else self._subject(patient)
        current = Current(
            number,
            act.type,
            act.id,
            subject,
            number if own else patient.number if patient is not None else 0,
            self.owner,
            1,
            "",
            "",
            deleted=False,
            body=act.body,
        )
        if own:
            self.book.patients[act.id] = number
            self.known[PATIENT, act.id] = current
        return self._write(201, act, current, None)

    def _update(self, act: Act, current: Current, patient: Current | None) -> Done:
        act = labelled(act, current.body, self.site.coder)
        if act.body == current.body and not current.deleted:
            return _done(200, current, 0)
        following = current._replace(version=current.version + 1, deleted=False, body=act.body)
        if act.type != PATIENT:
            number = patient.number if patient is not None else 0
            if number != current.patient:
                following = following._replace(patient=number, subject=self._subject(patient))
        return self._write(201 if current.deleted else 200, act, following, current)

    def _delete(self, act: Act, current: Current | None) -> Done:
        if current is None:
            return Done(204, act.type)
        if current.deleted:
            return _done(204, current, 0)
        gravestone = dump({"resourceType": current.type, "id": current.id})
        following = current._replace(version=current.version + 1, deleted=True, body=gravestone)
        return self._write(204, act._replace(terms=b""), following, current)

    def _write(self, status: int, act: Act, current: Current, before: Current | None) -> Done:
        self.book.put(self.book.resources, current.number, current)
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
                0,
                current.deleted,
                act.terms,
                self._retain_until(),
            )
        )
        self.book.rows.identifiers += self.consequences.names(current)
        self.consequences.written.append(Written(act, current, before))
        return _done(status, current, self.tx.now)

    # whose it is ---------------------------------------------------------------------
    def _patient(self, position: int, act: Act) -> Current | None:
        """Return the Patient a resource belongs to: the first it names that the caller knows."""
        del position
        for named in act.subjects:
            name = (PATIENT, self._id(named))
            current = self.known.get(name)
            if current is not None and current.organization == self.owner:
                return current
            sight = self.order.sight.get(name)
            if sight is None:
                self.unsure.add(name)
            elif sight and current is not None:
                return current
        return None

    def _check_consent(self, position: int, act: Act, patient: Current | None) -> None:
        if patient is None or patient.organization != self.owner or patient.deleted:
            if not self.unsure:
                raise Refused(position, *CONSENT)
            return
        for one in look(act.body).get("organization", ()):
            named = str(one.get("reference", "")).removeprefix("Organization/")
            if named in self.site.region.organizations and named != self.owner:
                raise Refused(position, *OTHERS_CONSENT)

    def _subject(self, patient: Current | None) -> int:
        if patient is not None:
            return patient.subject
        if not self.common:
            self.common = self.book.next_subject(self._retain_until())
        return self.common

    def _retain_until(self) -> Instant:
        return self.site.retain_until(self.owner, self.tx.now)

    def _proved(self, acts: Iterable[Act]) -> set[str]:
        """Return `Type/id` of what the caller's own Provenance speaks of."""
        named = (one.partition("/") for act in acts for one in act.targets)
        return {f"{type_}/{self._id(id_)}" for type_, _, id_ in named}

    def _named(self, done: Done) -> Done:
        """Add whose it is, for the evidence and for the answer's filter."""
        patient = self.book.resources.get(done.patient)
        return done._replace(patient_id=patient.id) if patient is not None else done


def _done(status: int, current: Current, now: Instant) -> Done:
    return Done(
        status,
        current.type,
        current.id,
        current.version,
        now,
        current.body,
        current.number,
        current.patient,
    )
