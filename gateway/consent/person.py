"""What all consents of one person together say about a part (rules R8 to R10, R18)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.consent.answer import Part
from gateway.consent.bind import DENIES, INDETERMINATE, PERMITS, BoundConsent, bind
from gateway.consent.codes import ACT_REASON, BREAK_GLASS, CARE_PURPOSES, RANK
from gateway.consent.compiled import CompiledConsent
from gateway.consent.content import is_unlabelled_text
from gateway.consent.dates import zone
from gateway.consent.decision import Reason
from gateway.consent.match import Asked, covers_purpose
from gateway.consent.policy import ImplicitRule, Policy
from gateway.consent.request import Request
from gateway.consent.select import Selection
from gateway.consent.surroundings import Surroundings


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What holds for one part, and by which rule."""

    permit: bool
    rule: str
    reason: str
    consents: tuple[CompiledConsent, ...] = ()
    obligations: tuple[str, ...] = ()
    #: Whether what denied names an emergency, or what permitted lets break-glass in.
    emergency: bool = False
    #: More for the explanation: why a consent no longer counts, and which.
    note: str = ""
    lapsed: CompiledConsent | None = None


#: Duties of whoever breaks the glass (rule R8).
BREAK_GLASS_DUTIES = (
    "audit-emergency-override",
    "notify-privacy-officer",
    "notify-patient",
    "time-box",
    "no-onward-disclosure",
)


class Person:
    """One person's consents, bound to one request."""

    def __init__(
        self, selection: Selection, request: Request, asked: Asked, policy: Policy, *, glass: bool
    ) -> None:
        """Bind what is in force; `glass` tells whether the request may break the glass."""
        self._selection = selection
        self._policy = policy
        self._glass = glass
        self._around = Surroundings(zone(policy.timezone), hold_unlabelled=policy.hold_unlabelled)
        care = is_care(asked)
        considered = [
            one
            for one in selection.in_force
            if not (care and one.consent.research_only and not one.consent.problem)
        ]
        # Several policy codes are several questions; each must be permitted.
        self._questions = [
            [bind(one, replace(asked, policy_code=code) if code else asked) for one in considered]
            for code in request.policy_codes or ("",)
        ]
        self._positive = any(one.consent.positive and not one.withholds_only for one in considered)
        self._implicit = [rule for rule in policy.implicit if _asks_for(rule, request, asked)]
        bound = [one for question in self._questions for one in question]
        self._by_content = any(one.by_content for one in bound) or bool(self._implicit)
        #: Whether labelled elements must be looked for inside resources.
        self.by_label = any(one.by_label for one in bound)
        self._always: Verdict | None = None
        #: Verdicts by what the consents said: few differ however many parts there are.
        self._combined: dict[tuple[tuple[int, bool], ...], Verdict | None] = {}

    def judge(self, part: Part) -> Verdict:
        """Give the verdict for one part."""
        if self._always is not None:
            return self._always
        verdict = self._judge(part, self._around)
        if not self._by_content:
            self._always = verdict
        elif not verdict.permit and self._around.hold_unlabelled and is_unlabelled_text(part):
            labelled = Surroundings(self._around.zone, hold_unlabelled=False)
            if self._judge(part, labelled).permit:
                return Verdict(
                    permit=False,
                    rule="R7 document without label",
                    reason=Reason.LABEL_MISSING,
                    consents=verdict.consents,
                    obligations=("hold-for-labelling",),
                )
        return verdict

    def _judge(self, part: Part, around: Surroundings) -> Verdict:
        verdict = self._combine(self._questions[0], part, around)
        for question in self._questions[1:]:
            if not verdict.permit:
                break
            verdict = self._combine(question, part, around)
        return verdict if verdict.permit else self._break_glass(verdict)

    def _combine(
        self, question: Sequence[BoundConsent], part: Part, around: Surroundings
    ) -> Verdict:
        """Combine: any deny denies, else any doubt denies, else any permit permits."""
        said = tuple([one.says(part, around) for one in question])
        if said not in self._combined:
            self._combined[said] = _weigh(question, said)
        return self._combined[said] or self._without_consent(question, part)

    def _without_consent(self, question: Sequence[BoundConsent], part: Part) -> Verdict:
        if self._positive:
            sources = (one.source for one in question if not one.source.withholds_only)
            positive = (source.consent for source in sources if source.consent.positive)
            return Verdict(
                permit=False,
                rule="R18 not covered by any consent",
                reason=Reason.NOT_COVERED,
                consents=tuple(positive),
            )
        applying = [rule for rule in self._implicit if _reaches(rule, part)]
        if applying and all(rule.permit for rule in applying):
            return _IMPLICIT_PERMIT
        why, consent = (*self._selection.lapsed, ("", None))[0]
        return Verdict(
            permit=False,
            rule=_IMPLICIT,
            reason=Reason.NO_CONSENT,
            note=why,
            lapsed=consent,
        )

    def _break_glass(self, verdict: Verdict) -> Verdict:
        """Let an authorised emergency through where the domain lets it (rule R8)."""
        glass = self._policy.break_glass
        allowed = glass.on_absent
        if verdict.reason == Reason.EXPLICIT_DENY:
            allowed = glass.on_explicit_deny and not verdict.emergency
        if not self._glass or not allowed:
            return verdict
        return Verdict(
            permit=True,
            rule="R8 break-glass",
            reason=Reason.PERMIT,
            consents=verdict.consents,
            obligations=BREAK_GLASS_DUTIES,
            emergency=True,
            note="break-glass",
        )


_IMPLICIT = "R18 implicit policy"
_IMPLICIT_PERMIT = Verdict(permit=True, rule=_IMPLICIT, reason=Reason.PERMIT)
_ORDER = (
    (DENIES, False, "R9 explicit deny", Reason.EXPLICIT_DENY),
    (INDETERMINATE, False, "R16 consent cannot be interpreted", Reason.INDETERMINATE),
    (PERMITS, True, "R9 permit", Reason.PERMIT),
)


def _weigh(question: Sequence[BoundConsent], said: Sequence[tuple[int, bool]]) -> Verdict | None:
    """Give the verdict of what the consents say; None when none of them applies."""
    results = {result for result, _ in said}
    for result, permit, rule, reason in _ORDER:
        if result not in results:
            continue
        emergency = any(flag for what, flag in said if what == result)
        duties = ("reject-at-intake",) if result == INDETERMINATE else ()
        return Verdict(
            permit=permit,
            rule=rule,
            reason=reason,
            consents=tuple(
                one.source.consent
                for one, (what, _) in zip(question, said, strict=True)
                if what == result
            ),
            obligations=BREAK_GLASS_DUTIES if permit and emergency else duties,
            emergency=emergency,
        )
    return None


def is_care(asked: Asked) -> bool:
    """Whether every declared purpose is about running care, not research or anything else."""
    return bool(asked.purposes) and all(
        code == BREAK_GLASS
        or any(covers_purpose((ACT_REASON, care), (system, code)) for care in CARE_PURPOSES)
        for system, code in asked.purposes
    )


def _asks_for(rule: ImplicitRule, request: Request, asked: Asked) -> bool:
    """Whether an implicit rule speaks about a request: a permit needs all of it, a deny one."""
    if rule.actions and request.action not in rule.actions:
        return False
    if rule.roles or rule.kinds:
        by_role = request.role in rule.roles
        by_kind = (not request.role or not rule.roles) and not rule.kinds.isdisjoint(
            request.actor.kinds()
        )
        if not (by_role or by_kind):
            return False
    if not rule.purposes:
        return True
    hits = [
        any(covers_purpose((ACT_REASON, stated), declared) for stated in rule.purposes)
        for declared in asked.purposes
    ]
    return bool(hits) and all(hits) if rule.permit else any(hits) or not hits


def _reaches(rule: ImplicitRule, part: Part) -> bool:
    return not rule.permit or part.labels().rank <= RANK[rule.confidentiality]
