"""Decide: may this destination have this message now? Consent answers, and its answer has a place.

Asked after routing, when a patient's consents or links change, and again in the transaction that
marks a delivery inflight. No consent yet waits; an explicit deny is final; what needs a person is
held.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.consent import Decision, Policy, evaluate
from gateway.consent.compile import compile_consent
from gateway.consent.compiled import CompiledConsent
from gateway.consent.decision import PERMIT, REDACT, Reason
from gateway.consent.request import Actor, Request
from gateway.domain.delivery import DeliveryState
from gateway.domain.region import Organization, Region
from gateway.domain.time import SECOND, Instant
from gateway.pipeline.documents import dump, load, look

#: Reasons of our own, beside those of the consent engine.
IDENTITY_CASE = "identity-case"
LABEL_RULE = "label-rule"
NO_ROUTE_ANY_MORE = "route-removed"

#: What a denial does to the delivery.
DENIED: dict[str, DeliveryState] = {
    Reason.NO_CONSENT: DeliveryState.WAITING_FOR_CONSENT,
    Reason.NOT_COVERED: DeliveryState.WAITING_FOR_CONSENT,
    Reason.STORE_UNAVAILABLE: DeliveryState.WAITING_FOR_CONSENT,
    Reason.EXPLICIT_DENY: DeliveryState.CANCELLED_BY_CONSENT,
    Reason.ONLY_WITHHELD: DeliveryState.CANCELLED_BY_CONSENT,
    Reason.INDETERMINATE: DeliveryState.HELD,
    Reason.LABEL_MISSING: DeliveryState.HELD,
    Reason.INDIVISIBLE: DeliveryState.HELD,
    Reason.NO_SUBJECT: DeliveryState.HELD,
}
#: Compiled consents kept in memory.
CACHE_SIZE = 20_000
#: Decisions kept in memory: what is routed is sent a moment later.
REMEMBERED = 1_024


@dataclass(frozen=True, slots=True)
class Answer:
    """Where a delivery goes, why, and the decision it rests on."""

    state: DeliveryState
    reason: str
    decision: Decision

    @property
    def hidden(self) -> frozenset[str]:
        """`Type/id` the destination must not see."""
        return frozenset(self.decision.removed) | frozenset(self.decision.masked)


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked about one message and one destination."""

    #: Receiving organization.
    organization: str
    purpose: str
    custodian: str
    #: `Type/id` the route is about; when all of them are withheld, nothing is sent.
    subject_matter: tuple[str, ...] = ()
    #: A label rule wants a person to look.
    hold: bool = False


@dataclass(frozen=True, slots=True)
class Subjects:
    """Whose data it is, and what they consented to."""

    #: JSON bytes with meta.versionId.
    consents: tuple[bytes, ...] = ()
    #: References ("Patient/…") that are one person, one tuple a person.
    linked: tuple[tuple[str, ...], ...] = ()
    #: A person has to decide first who this is.
    open_case: bool = False
    #: How many persons the data are about.
    persons: int = 1


@dataclass(frozen=True, slots=True)
class _Question:
    """All that a decision depends on, apart from the region's policy and the clock."""

    organization: str
    purpose: str
    custodian: str
    consents: tuple[bytes, ...]
    linked: tuple[tuple[str, ...], ...]
    resources: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _Remembered:
    decision: Decision
    #: When it was made, and the moments at which the same question may be answered otherwise.
    at: float
    turns: tuple[float, ...]

    def holds(self, now: float) -> bool:
        first, last = sorted((self.at, now))
        return not any(first < turn <= last for turn in self.turns)


@dataclass(slots=True)
class ConsentDesk:
    """Asks the consent engine in the name of one region; keeps compiled consents and decisions.

    The engine is pure: the same question has the same answer until a consent's period begins or
    ends, and another policy is another desk.
    """

    region: Region
    policy: Policy
    _compiled: dict[bytes, CompiledConsent] = field(default_factory=dict)
    _actors: dict[str, Actor] = field(default_factory=dict)
    _remembered: dict[_Question, _Remembered] = field(default_factory=dict)

    @classmethod
    def of(cls, region: Region) -> ConsentDesk:
        """Prepare the region's policy; raises NotConformant when it cannot be read."""
        return cls(region, Policy.from_mapping(region.policy))

    def answer(
        self, case: Case, subjects: Subjects, resources: Sequence[bytes], now: Instant
    ) -> Answer:
        """Decide about one destination; `resources` are JSON bytes."""
        return self.place(case, subjects, self.decide(case, subjects, resources, now))

    def decide(
        self, case: Case, subjects: Subjects, resources: Sequence[bytes], now: Instant
    ) -> Decision:
        """Ask the engine, or recall what it said when nothing it looks at has changed since."""
        question = _Question(
            case.organization,
            case.purpose,
            case.custodian,
            subjects.consents,
            subjects.linked,
            tuple(resources),
        )
        known = self._remembered.get(question)
        if known is not None and known.holds(now / SECOND):
            return known.decision
        consents = tuple(map(self._compile, subjects.consents))
        decision = self._evaluate(question, consents, now)
        turns = [consent.turns() for consent in consents]
        if None not in turns:
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            moments = tuple(moment for found in turns for moment in found or ())
            self._remembered[question] = _Remembered(decision, now / SECOND, moments)
        return decision

    def place(self, case: Case, subjects: Subjects, decision: Decision) -> Answer:
        """Say where a decision leaves the delivery."""
        if decision.outcome not in {PERMIT, REDACT} or _is_denied(case, subjects, decision):
            state = DENIED.get(decision.reason, DeliveryState.HELD)
            return Answer(state, decision.reason, decision)
        if subjects.open_case:
            return Answer(DeliveryState.HELD, IDENTITY_CASE, decision)
        if case.hold:
            return Answer(DeliveryState.HELD, LABEL_RULE, decision)
        return Answer(DeliveryState.QUEUED, decision.reason, decision)

    def _evaluate(
        self, question: _Question, consents: tuple[CompiledConsent, ...], now: Instant
    ) -> Decision:
        return evaluate(
            consents,
            Request(
                actor=self.actor(question.organization),
                purposes=(question.purpose,),
                action="disclose",
                time=datetime.fromtimestamp(now / SECOND, UTC),
                custodian=self.actor(question.custodian),
                channel="delivery",
                linked=question.linked,
            ),
            [look(resource) for resource in question.resources],
            self.policy,
        )

    def actor(self, organization: str) -> Actor:
        """Describe an organization to the consent engine."""
        actor = self._actors.get(organization)
        if actor is None:
            actor = self._actors[organization] = _actor(
                organization, self.region.organizations.get(organization)
            )
        return actor

    def _compile(self, consent: bytes) -> CompiledConsent:
        """Compile a Consent; equal bytes (content and version) are compiled once."""
        compiled = self._compiled.get(consent)
        if compiled is None:
            if len(self._compiled) >= CACHE_SIZE:
                self._compiled.clear()
            compiled = compile_consent(load(consent), self.policy.timezone)
            self._compiled[consent] = compiled
        return compiled


def _is_denied(case: Case, subjects: Subjects, decision: Decision) -> bool:
    """Say whether what is left is not worth the name: the matter is gone, or one of several people.

    A message about several persons goes when all of them permit; one person's share of it would
    leave the others' undelivered for good.
    """
    if decision.outcome != REDACT:
        return False
    gone = frozenset(decision.removed).issuperset(case.subject_matter or ("",))
    return gone or subjects.persons > 1


def _actor(name: str, organization: Organization | None) -> Actor:
    if organization is None:
        return Actor(reference=f"Organization/{name}")
    return Actor(
        reference=f"Organization/{organization.id}",
        identifiers=organization.identities(),
        display=organization.name,
        kind=organization.kind,
    )


def decision_bytes(decision: Decision) -> bytes:
    """Write a decision as it is kept with its delivery."""
    return dump(decision.as_json())
