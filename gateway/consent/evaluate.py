"""The decision: who may have which part of an answer, in the order of the rules.

First the kind of data (R1), legal mandates (R2), one's own access (R6) and the consent store
(R17), then consents (`select.py`, `person.py`), then what follows for the other parts of the
answer (`withhold.py`). Pure: the time is in the request, nothing is read from anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from gateway.consent.answer import Answer, Part, elements
from gateway.consent.codes import ACT_CODE, BREAK_GLASS, MAIN_CODES
from gateway.consent.compile import compile_consent
from gateway.consent.compiled import CompiledConsent
from gateway.consent.content import main_codes
from gateway.consent.dates import comes_of_age, zone
from gateway.consent.decision import DENY, PERMIT, REDACT, STRONGEST_FIRST, Decision, Reason
from gateway.consent.explain import explain
from gateway.consent.match import Asked, covers_purpose, read_asked, requester_is
from gateway.consent.person import BREAK_GLASS_DUTIES, Person, Verdict
from gateway.consent.policy import LegalMandate, Policy
from gateway.consent.references import Key
from gateway.consent.request import Request
from gateway.consent.select import select
from gateway.consent.withhold import follow

_Item = TypeVar("_Item")

#: Says that elements of the resource carry labels of their own.
_MARKED = (ACT_CODE, "PROCESSINLINELABEL")

_DIRECTORY = Verdict(permit=True, rule="R1 no patient data", reason=Reason.PERMIT)
_NO_SUBJECT = Verdict(permit=False, rule="R1 no patient named", reason=Reason.NO_SUBJECT)
_OWN = Verdict(permit=True, rule="R6 own access", reason=Reason.PERMIT)
_NO_STORE = Verdict(
    permit=False,
    rule="R17 consent store unavailable",
    reason=Reason.STORE_UNAVAILABLE,
    obligations=("retry-later", "hold-delivery"),
)
_NO_STORE_EMERGENCY = Verdict(
    permit=True,
    rule="R17 emergency while the consent store is unavailable",
    reason=Reason.PERMIT,
    obligations=(*BREAK_GLASS_DUTIES, "review"),
    emergency=True,
    note="break-glass",
)


def evaluate(
    consents: Sequence[Mapping[str, Any] | CompiledConsent],
    request: Request,
    resources: Sequence[Mapping[str, Any]],
    policy: Policy,
    *,
    context: Sequence[Mapping[str, Any]] = (),
) -> Decision:
    """Decide what of these resources may go out.

    `consents` are all of the patients concerned, in any state; compiled ones must be compiled
    for the policy's time zone (ValueError otherwise). `context` are resources the answer refers
    to without containing them: they are judged so that references to hidden ones can be masked.
    Without resources the question is about `request.patient` as a whole.
    """
    answer = Answer(resources, context)
    if not answer.parts and not answer.bundles and request.patient:
        answer.parts.append(_anything(answer, request.patient))
    judge = _Judge(consents, request, policy, answer)
    judged: list[tuple[Part, Verdict]] = []
    for part in answer.parts:
        verdict = judge.judge(part)
        judged.append((part, verdict))
        if verdict.permit and judge.looks_inside(part):
            judged += [(inner, judge.judge(inner)) for inner in elements(part)]
    if any(not verdict.permit for _, verdict in judged):
        judged = follow(answer, judged)
    return _decision(judged, request)


def _anything(answer: Answer, patient: Key) -> Part:
    """Stand for data nobody has shown: of no type, so that nothing about it is known."""
    part = Part(answer, {"subject": {"reference": patient}}, patient)
    part.virtual = True
    return part


class _Judge:
    """Everything about one request that does not change from part to part."""

    def __init__(
        self,
        consents: Sequence[Mapping[str, Any] | CompiledConsent],
        request: Request,
        policy: Policy,
        answer: Answer,
    ) -> None:
        self._request = request
        self._policy = policy
        self._answer = answer
        self._asked: Asked = read_asked(request)
        self._consents = [_compiled(consent, policy.timezone) for consent in consents]
        self._mandates = [m for m in policy.legal_mandates if _asks_for(m, request, self._asked)]
        self._glass = _may_break_glass(request, policy, self._asked)
        self._people: dict[Key, Person | Verdict] = {}

    def judge(self, part: Part) -> Verdict:
        """Judge one part by the first rule that applies."""
        if part.is_directory():
            return _DIRECTORY
        subjects = part.subjects()
        if not subjects:
            return _NO_SUBJECT
        for mandate in self._mandates:
            if self._falls_under(part, mandate):
                return _mandated(mandate)
        verdict = self._about(subjects[0], part)
        for subject in subjects[1:]:
            if not verdict.permit:
                break
            verdict = self._about(subject, part)
        return verdict

    def looks_inside(self, part: Part) -> bool:
        """Whether elements of a part must be looked at for labels of their own."""
        if part.is_element or part.virtual or part.is_directory():
            return False
        if "meta" in part.resource and _MARKED in part.labels().stated:
            return True
        people = [self._people.get(subject) for subject in part.subjects()]
        return any(isinstance(person, Person) and person.by_label for person in people)

    def _about(self, subject: Key, part: Part) -> Verdict:
        known = self._people.get(subject)
        if known is None:
            known = self._people[subject] = self._settle(subject)
        return known if isinstance(known, Verdict) else known.judge(part)

    def _settle(self, subject: Key) -> Person | Verdict:
        """Find out what holds for all of a person's data, or whom to ask about each part."""
        person = self._linked(subject) if self._request.linked else frozenset((subject,))
        request = self._request
        if request.action == "access" and any(requester_is(request.actor, k) for k in person):
            return _OWN
        if request.consent_store_available:
            return self._person(person)
        allowed = self._glass and self._policy.break_glass.on_unavailable
        return _NO_STORE_EMERGENCY if allowed else _NO_STORE

    def _person(self, person: frozenset[Key]) -> Person:
        where = zone(self._policy.timezone)
        adult_from = None
        if any(consent.by_proxy for consent in self._consents):
            adult_from = comes_of_age(self._birth_date(person), where)
        selection = select(
            self._consents,
            person,
            self._asked.now,
            adult_from=adult_from,
            newest_wins=self._policy.newest_wins,
        )
        return Person(selection, self._request, self._asked, self._policy, glass=self._glass)

    def _birth_date(self, person: frozenset[Key]) -> str:
        if self._request.birth_date:
            return self._request.birth_date
        stated = (
            part.resource.get("birthDate") for key in person for part in self._answer.named(key)
        )
        return next((date for date in stated if isinstance(date, str)), "")

    def _linked(self, subject: Key) -> frozenset[Key]:
        """Give every reference known to be the same person (rule R11)."""
        person, before = {subject}, 0
        while len(person) != before:
            before = len(person)
            for group in self._request.linked:
                if not person.isdisjoint(group):
                    person.update(group)
        return frozenset(person)

    def _falls_under(self, part: Part, mandate: LegalMandate) -> bool:
        """Whether a mandate names this part: reportable data, and whose they are."""
        host = part.host()
        if host.type not in mandate.resource_types:
            return False
        if not mandate.codes or not mandate.codes.isdisjoint(main_codes(host)):
            return True
        if any(name in host.resource for name in MAIN_CODES):
            return False
        # Uncoded data (the Patient) go along with reportable data of the same patient only.
        return any(
            set(other.subjects()) & set(host.subjects())
            and other.type in mandate.resource_types
            and not mandate.codes.isdisjoint(main_codes(other))
            for other in self._answer.parts
        )


def _mandated(mandate: LegalMandate) -> Verdict:
    return Verdict(
        permit=True,
        rule=f"R2 legal mandate {mandate.id}",
        reason=Reason.PERMIT,
        obligations=("log-legal-basis", "minimum-dataset"),
        note="mandate",
    )


def _compiled(consent: Mapping[str, Any] | CompiledConsent, timezone: str) -> CompiledConsent:
    if not isinstance(consent, CompiledConsent):
        return compile_consent(consent, timezone)
    if consent.timezone != timezone:
        raise ValueError("consent was compiled for another time zone")
    return consent


def _asks_for(mandate: LegalMandate, request: Request, asked: Asked) -> bool:
    return (
        mandate.recipient in asked.requester
        and request.action in mandate.actions
        and bool(asked.purposes)
        and all(covers_purpose(("", mandate.purpose), ("", code)) for _, code in asked.purposes)
    )


def _may_break_glass(request: Request, policy: Policy, asked: Asked) -> bool:
    glass, declared = policy.break_glass, request.emergency
    return (
        asked.emergency
        and declared is not None
        and bool(declared.reason.strip())
        and request.role in glass.roles
        and request.action in glass.actions
        and any(code == BREAK_GLASS for _, code in asked.purposes)
    )


def _decision(judged: list[tuple[Part, Verdict]], request: Request) -> Decision:
    """Put the verdicts on the parts together."""
    hidden = {part.ident for part, verdict in judged if not verdict.permit}
    own = [one for one in judged if one[0].asked]
    names = dict.fromkeys(p.ident for p, _ in own if p.parent is None)
    inner = [p for p, _ in own if p.parent is not None and p.parent.ident not in hidden]
    visible = tuple(name for name in names if name not in hidden)
    removed = tuple(name for name in names if name in hidden)
    removed += _unique(part.ident for part in inner if part.ident in hidden)
    withheld = _unique(v for p, v in own if not v.permit)
    given = _unique(v for p, v in own if p.ident not in hidden)
    outcome = PERMIT if not removed else REDACT if visible else DENY
    decisive = _decisive(withheld or given)
    verdicts = (decisive, *withheld, *(given if outcome != DENY else ()))
    virtual = bool(own) and own[0][0].virtual
    return Decision(
        outcome=outcome,
        rule=decisive.rule,
        reason=decisive.reason,
        consents=_unique((c.id, c.version) for v in verdicts for c in v.consents),
        visible=() if virtual else visible,
        removed=() if virtual else removed,
        obligations=_obligations(outcome, own, verdicts, hidden),
        explanation=explain(outcome, decisive, request),
        masked=_unique(p.ident for p, _ in judged if not p.asked and p.ident in hidden),
        details=tuple((p.ident, PERMIT if v.permit else DENY, v.rule) for p, v in own),
    )


def _decisive(verdicts: tuple[Verdict, ...]) -> Verdict:
    """Give the verdict with the strongest reason; rules about people before those about lists."""
    if len(verdicts) == 1:
        return verdicts[0]
    ranked = sorted(verdicts, key=lambda v: (STRONGEST_FIRST.index(v.reason), v is _DIRECTORY))
    return ranked[0] if ranked else _DIRECTORY


def _obligations(
    outcome: str,
    own: list[tuple[Part, Verdict]],
    verdicts: tuple[Verdict, ...],
    hidden: set[str],
) -> tuple[str, ...]:
    duties = [duty for verdict in verdicts for duty in verdict.obligations]
    if outcome == REDACT:
        duties += ("mask-references-to-removed", "strip-sensitivity-labels")
        cut = [p.bundle for p, _ in own if p.ident in hidden and p.bundle is not None]
        if any(bundle.get("type") == "document" for bundle in cut):
            duties += ("regenerate-narrative", "new-document-identity")
    elif outcome == PERMIT and any(
        "meta" in part.resource and part.labels().sensitivities for part, _ in own
    ):
        duties.append("strip-sensitivity-labels")
    return _unique(duties)


def _unique(items: Iterable[_Item]) -> tuple[_Item, ...]:
    return tuple(dict.fromkeys(items))
