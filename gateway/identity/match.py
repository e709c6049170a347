"""Proposals: which records a KVNR links, and which a person has to look at.

A KVNR alone proves nothing: newborns travel on their mother's, and typing errors happen. It only
proposes a link, and the proposal is looked at again whenever a record's facts change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import combinations
from typing import Protocol

from gateway.identity.explanation import EXPLANATIONS
from gateway.identity.kvnr import has_shape, is_kvnr
from gateway.identity.links import Kind, Pair
from gateway.identity.names import Named, compatible_names
from gateway.identity.placeholder import DEFAULT, Placeholders, is_placeholder


class Facts(Named, Protocol):
    """What is known about one patient record (`mappers.base.PatientFacts` among others)."""

    @property
    def id(self) -> str:
        """Logical id."""

    @property
    def kvnr(self) -> str:
        """KVNR; "" unknown."""

    @property
    def birth_date(self) -> str:
        """FHIR date, possibly partial; "" unknown."""

    @property
    def placeholder(self) -> bool:
        """The mapper already knows the name for a placeholder."""


@dataclass(frozen=True, slots=True)
class MatchPolicy:
    """What a region may set."""

    #: False: a KVNR with a wrong check digit links as well (regions with test data).
    check_digit: bool = True
    placeholders: Placeholders = DEFAULT


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one pair of records comes to: linked, held, or nothing ("none")."""

    patient: str
    other: str
    outcome: str
    rule: str

    @property
    def explanation(self) -> Mapping[str, str]:
        """The rule in a sentence, by language; never with a patient's data."""
        return EXPLANATIONS[self.rule]


@dataclass(frozen=True, slots=True)
class LinkDecision:
    """What a record's facts come to against all others with its KVNR."""

    #: linked | held | none.
    outcome: str
    rule: str
    proposals: tuple[Proposal, ...] = ()

    @property
    def explanation(self) -> Mapping[str, str]:
        """The rule in a sentence, by language."""
        return EXPLANATIONS[self.rule]

    @property
    def linked(self) -> tuple[str, ...]:
        """Records to link with."""
        return tuple(one.other for one in self.proposals if one.outcome == "linked")

    @property
    def held(self) -> tuple[str, ...]:
        """Records that a person has to compare this one with."""
        return tuple(one.other for one in self.proposals if one.outcome == "held")


DEFAULT_POLICY = MatchPolicy()


def valid_kvnr(facts: Facts, policy: MatchPolicy = DEFAULT_POLICY) -> str:
    """Return the KVNR of a record where it is one, else ""."""
    return "" if _no_proposal(facts, policy) else facts.kvnr


def propose(
    candidate: Facts,
    others: Sequence[Facts],
    *,
    policy: MatchPolicy = DEFAULT_POLICY,
    separated: AbstractSet[Pair] = frozenset(),
) -> LinkDecision:
    """Compare a record with others; the order of `others` does not matter.

    `separated` are the pairs an operator has found to be two persons. Links win over cases that
    are no fault of this record: where it fits one and not another, it is linked with the first
    and the pair with the other is held.
    """
    reason = _no_proposal(candidate, policy)
    if reason:
        return LinkDecision("none", reason)
    rest = sorted(
        (one for one in others if one.id != candidate.id and one.kvnr == candidate.kvnr),
        key=lambda one: one.id,
    )
    proposals = [
        Proposal(candidate.id, one.id, *_compare(candidate, one, policy, separated)) for one in rest
    ]
    if _contradict(rest, proposals, policy, separated):
        proposals = [
            Proposal(one.patient, one.other, "held", "ambiguous")
            if one.outcome == "linked"
            else one
            for one in proposals
        ]
    return _sum_up(proposals)


def _no_proposal(candidate: Facts, policy: MatchPolicy) -> str:
    if not candidate.kvnr:
        return "no-kvnr"
    valid = is_kvnr if policy.check_digit else has_shape
    return "" if valid(candidate.kvnr) else "invalid-kvnr"


def _compare(
    one: Facts, other: Facts, policy: MatchPolicy, separated: AbstractSet[Pair]
) -> tuple[str, str]:
    """Outcome and rule for two records with the same KVNR."""
    if frozenset((one.id, other.id)) in separated:
        return "none", "separated"
    dates = compare_dates(one.birth_date, other.birth_date)
    if dates == "other":
        return "held", "other-birth-date"
    if _unnamed(one, policy) or _unnamed(other, policy):
        return "none", "placeholder"
    if dates == "unknown":
        return "none", "birth-date-incomplete"
    if not compatible_names(one, other):
        return "held", "other-name"
    return "linked", "kvnr-birth-date-name"


def compare_dates(one: str, other: str) -> str:
    """Compare FHIR dates: same, other, or unknown where one is missing or less precise."""
    if one == other and len(one) == len("2026-11-03"):
        return "same"
    if not one or not other or one.startswith(other) or other.startswith(one):
        return "unknown"
    return "other"


def _unnamed(facts: Facts, policy: MatchPolicy) -> bool:
    return facts.placeholder or is_placeholder(facts.family, facts.given, policy.placeholders)


def _contradict(
    rest: Sequence[Facts],
    proposals: Sequence[Proposal],
    policy: MatchPolicy,
    separated: AbstractSet[Pair],
) -> bool:
    """The links would make one person of records that do not fit each other.

    That is so when two records to link with are no match, or when one of them is linked with a
    record that this one does not fit.
    """
    linked = [one for one, made in zip(rest, proposals, strict=True) if made.outcome == "linked"]
    refused = [
        one
        for one, made in zip(rest, proposals, strict=True)
        if made.outcome == "held" or made.rule == "separated"
    ]

    def fit(one: Facts, other: Facts) -> bool:
        return _compare(one, other, policy, separated)[0] == "linked"

    return any(not fit(one, other) for one, other in combinations(linked, 2)) or any(
        fit(one, other) for one in linked for other in refused
    )


def _sum_up(proposals: Sequence[Proposal]) -> LinkDecision:
    for outcome in ("linked", "held", "none"):
        for proposal in proposals:
            if proposal.outcome == outcome:
                return LinkDecision(outcome, proposal.rule, tuple(proposals))
    return LinkDecision("none", "nobody-else")


def propose_merge(
    survivor: Facts,
    retired: Facts,
    *,
    policy: MatchPolicy = DEFAULT_POLICY,
    separated: AbstractSet[Pair] = frozenset(),
) -> LinkDecision:
    """Judge a merge the sender states (HL7 v2 A40).

    Held are two different valid KVNRs, and what an operator has found to be two persons.
    """
    if survivor.id == retired.id:
        return LinkDecision("none", "same-record")
    outcome, rule = "linked", "merge"
    if frozenset((survivor.id, retired.id)) in separated:
        outcome, rule = "held", "merge-of-separated"
    elif survivor.kvnr != retired.kvnr and not (
        _no_proposal(survivor, policy) or _no_proposal(retired, policy)
    ):
        outcome, rule = "held", "merge-of-two-kvnrs"
    return LinkDecision(outcome, rule, (Proposal(survivor.id, retired.id, outcome, rule),))


@dataclass(frozen=True, slots=True)
class Step:
    """An event that has to be written so that links agree with the facts."""

    patient: str
    other: str
    kind: Kind
    rule: str


def steps(patient: str, decision: LinkDecision, standing: Mapping[str, Kind]) -> tuple[Step, ...]:
    """What changes for `patient`: new links and cases, and old ones that no longer hold.

    `standing` maps the other record to the last event of the KVNR source for the pair. A record
    whose KVNR was corrected loses the links its old one proposed.
    """
    wanted = {one.other: one for one in decision.proposals}
    made = []
    for other in sorted({*wanted, *standing}):
        proposal = wanted.get(other)
        kind = _next(standing.get(other), proposal.outcome if proposal else "none")
        if kind is not None:
            rule = proposal.rule if proposal else "no-longer-proposed"
            made.append(Step(patient, other, kind, rule))
    return tuple(made)


_WITHDRAWAL = {Kind.LINKED: Kind.UNLINKED, Kind.HELD: Kind.RESOLVED}
_WANTED = {"linked": Kind.LINKED, "held": Kind.HELD}


def _next(before: Kind | None, outcome: str) -> Kind | None:
    wanted = _WANTED.get(outcome)
    if wanted is None:
        return None if before is None else _WITHDRAWAL.get(before)
    return None if wanted is before else wanted
