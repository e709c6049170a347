"""Does a provision's element match the request? Three values: yes, no, unknown.

Unknown counts as a match where a provision denies and as none where it permits (rule R3); the
caller applies that, here nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from gateway.consent import compiled
from gateway.consent.codes import (
    ACT_REASON,
    BREAK_GLASS,
    PURPOSE_PARENTS,
    TREATMENT,
    is_a,
)
from gateway.consent.compiled import ActorTest, Code, Named, Rule
from gateway.consent.references import Key
from gateway.consent.request import Actor, Request

Truth = int
NO: Truth = 0
YES: Truth = 1
UNKNOWN: Truth = 2


@dataclass(frozen=True, slots=True)
class Asked:
    """The request with everything worked out that many provisions ask for."""

    now: float
    requester: frozenset[Key]
    custodian: frozenset[Key]
    #: Declared purposes as (system, code); "" where only the code is known.
    purposes: tuple[Code, ...]
    action: str
    #: The policy code this evaluation is about, "" for none.
    policy_code: str
    #: An authorised, declared emergency whose other purposes are treatment.
    emergency: bool
    unresolvable: frozenset[Key]


def read_asked(request: Request) -> Asked:
    """Work a request out for matching, for no particular policy code."""
    purposes = tuple(map(_purpose, request.purposes))
    declared = request.emergency
    return Asked(
        now=request.time.timestamp(),
        requester=request.actor.keys(),
        custodian=request.custodian.keys() if request.custodian else frozenset(),
        purposes=purposes,
        action=request.action,
        policy_code="",
        emergency=declared is not None
        and declared.declared
        and declared.authorised
        and any(code == BREAK_GLASS for _, code in purposes)
        and all(treats(purpose) for purpose in purposes if purpose[1] != BREAK_GLASS),
        unresolvable=request.unresolvable,
    )


def _purpose(text: str) -> Code:
    system, bar, code = text.rpartition("|")
    return (system, code) if bar else ("", text)


def treats(purpose: Code) -> bool:
    """Whether a purpose is treatment or stands below it."""
    return covers_purpose((ACT_REASON, TREATMENT), purpose)


def covers_purpose(stated: Code, declared: Code) -> bool:
    """Whether a stated purpose covers a declared one; break-glass only covers itself."""
    if declared[0] and declared[0] != stated[0]:
        return False
    parents = PURPOSE_PARENTS if stated[0] == ACT_REASON else {}
    return is_a(declared[1], stated[1], parents)


def holds(rule: Rule, asked: Asked) -> bool:
    """Whether everything a provision says about the request lets it apply (rules R3 to R5, R13)."""
    denies = rule.type == compiled.DENY
    for truth in _truths(rule, asked):
        if truth == NO or (truth == UNKNOWN and not denies):
            return False
    return True


def _truths(rule: Rule, asked: Asked) -> Iterable[Truth]:
    if rule.period is not None:
        yield YES if rule.period[0] <= asked.now < rule.period[1] else NO
    if rule.actions:
        yield YES if asked.action in rule.actions else NO
    if rule.purposes:
        yield _purposes(rule, asked)
    if rule.policy_codes:
        yield _policy(rule.policy_codes, asked.policy_code)
    if rule.actors:
        yield _actors(rule.actors, asked)


def _purposes(rule: Rule, asked: Asked) -> Truth:
    """Compare purposes: a permit covers all that are declared, a deny needs one."""
    if not asked.purposes:
        return UNKNOWN
    if rule.type == compiled.DENY:
        hit = any(covers_purpose(s, d) for s in rule.purposes for d in asked.purposes)
        return YES if hit else NO
    if rule.names_break_glass and asked.emergency:
        return YES
    ordinary = [stated for stated in rule.purposes if stated[1] != BREAK_GLASS]
    covered = all(any(covers_purpose(s, d) for s in ordinary) for d in asked.purposes)
    return YES if covered else NO


def _policy(stated: frozenset[Code], asked: str) -> Truth:
    if not asked:
        return UNKNOWN
    system, bar, code = asked.rpartition("|")
    return YES if any(c == code and (not bar or s == system) for s, c in stated) else NO


def _actors(actors: tuple[ActorTest, ...], asked: Asked) -> Truth:
    """Compare recipients and custodians; OR within a capacity, AND across capacities.

    Authors are a matter of the resource (`content.py`).
    """
    result = YES
    for capacity in {actor.capacity for actor in actors}:
        if capacity == compiled.AUTHOR:
            continue
        if capacity == compiled.UNKNOWN_ROLE:
            truth = UNKNOWN
        else:
            known = asked.custodian if capacity == compiled.CUSTODIAN else asked.requester
            same = [a.named for a in actors if a.capacity == capacity]
            truth = either(is_one_of(one, known, asked.unresolvable) for one in same)
        if truth == NO:
            return NO
        result = UNKNOWN if truth == UNKNOWN else result
    return result


def either(truths: Iterable[Truth]) -> Truth:
    """Three-valued OR."""
    result = NO
    for truth in truths:
        if truth == YES:
            return YES
        result = UNKNOWN if truth == UNKNOWN else result
    return result


def is_one_of(one: Named, known: frozenset[Key], unresolvable: frozenset[Key]) -> Truth:
    """Compare a reference with everything an actor is known by."""
    if one.reference in known or any(key in known for key in one.identifiers):
        return YES
    if one.reference in unresolvable or not known:
        return UNKNOWN
    if one.comparable:
        # Membership was resolved by the caller: a reference that is not there does not apply,
        # unless the actor is known by business identifiers alone.
        return NO if any("|" not in key for key in known) else UNKNOWN
    return by_identifier(one.identifiers, known)


def by_identifier(stated: tuple[Key, ...], known: Collection[Key]) -> Truth:
    """Tell identifiers apart that were found not to be equal: only within one system."""
    systems = {key.rpartition("|")[0] for key in known if "|" in key}
    comparable = stated and all(key.rpartition("|")[0] in systems for key in stated)
    return NO if comparable else UNKNOWN


def requester_is(actor: Actor, key: Key) -> bool:
    """Whether the actor itself, not an organization it belongs to, goes by that key."""
    return key == actor.reference or key in actor.identifiers
