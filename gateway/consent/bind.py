"""A consent bound to a request, and what it says about one part of the answer.

Whatever depends on the request alone is settled once; what is left are tests on the part.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.consent import compiled
from gateway.consent.answer import Part
from gateway.consent.compiled import Rule
from gateway.consent.content import Test, tests
from gateway.consent.match import NO, YES, Asked, holds
from gateway.consent.select import InForce
from gateway.consent.surroundings import Surroundings

#: What a consent says.
NOT_APPLICABLE = 0
PERMITS = 1
DENIES = 2
INDETERMINATE = 3

_OWN = {compiled.PERMIT: PERMITS, compiled.DENY: DENIES, compiled.NONE: NOT_APPLICABLE}


@dataclass(frozen=True, slots=True)
class Bound:
    """One provision whose request side is settled."""

    rule: Rule
    #: Whether everything it says about the request lets it apply.
    holds: bool
    #: What remains to be asked of each part.
    tests: tuple[Test, ...]
    children: tuple[Bound, ...]


@dataclass(frozen=True, slots=True)
class BoundConsent:
    """A consent in force, bound to a request."""

    source: InForce
    root: Bound | None
    #: Whether the answer can differ between parts.
    by_content: bool
    #: Whether labels are asked for, so that labelled elements are judged on their own.
    by_label: bool

    def says(self, part: Part, around: Surroundings) -> tuple[int, bool]:
        """Give what the consent says, and whether an emergency is named by what decided."""
        consent = self.source.consent
        if consent.problem:
            return INDETERMINATE, False
        said, emergency = NOT_APPLICABLE, False
        if self.root is not None:
            said, emergency = _node(self.root, part, around, is_root=True)
        # Outside a root of its own type the base says nothing: it never widens.
        if said == NOT_APPLICABLE and (self.root is None or consent.base != self.root.rule.type):
            said = _OWN[consent.base]
        if said == PERMITS and self.source.withholds_only:
            return NOT_APPLICABLE, False
        return said, emergency


def bind(source: InForce, asked: Asked) -> BoundConsent:
    """Bind a consent to a request."""
    rule = source.consent.root
    root = None if rule is None or source.consent.problem else _bind(rule, asked, is_root=True)
    return BoundConsent(
        source,
        root,
        by_content=root is not None and _asks_content(root),
        by_label=root is not None and _asks_labels(root),
    )


def _bind(rule: Rule, asked: Asked, *, is_root: bool) -> Bound:
    applies = rule.type != compiled.NONE and holds(rule, asked)
    # The exceptions of the root are always tried, deeper ones only where their parent matches.
    children = rule.children if applies or is_root else ()
    return Bound(
        rule,
        applies,
        tests(rule) if applies else (),
        tuple(_bind(child, asked, is_root=False) for child in children),
    )


def _asks_content(bound: Bound) -> bool:
    return bool(bound.tests) or any(map(_asks_content, bound.children))


def _asks_labels(bound: Bound) -> bool:
    return (bound.holds and bool(bound.rule.labels)) or any(map(_asks_labels, bound.children))


def _node(bound: Bound, part: Part, around: Surroundings, *, is_root: bool) -> tuple[int, bool]:
    """Judge one provision: its exceptions first, a denying one before a permitting one."""
    matches = bound.holds and _matches(bound, part, around)
    if matches or is_root:
        said = [_node(child, part, around, is_root=False) for child in bound.children]
        for verdict in (DENIES, PERMITS):
            found = [emergency for child, emergency in said if child == verdict]
            if found:
                return verdict, any(found)
    if not matches:
        return NOT_APPLICABLE, False
    rule = bound.rule
    if rule.type == compiled.DENY:
        return DENIES, rule.names_emergency
    return PERMITS, rule.names_break_glass


def _matches(bound: Bound, part: Part, around: Surroundings) -> bool:
    denies = bound.rule.type == compiled.DENY
    for test in bound.tests:
        truth = test(bound.rule, part, around)
        if truth == NO or (truth != YES and not denies):
            return False
    return True
