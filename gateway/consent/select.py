"""Which consents are in force for a patient at a moment (rules R4, R10, R11, R12).

A consent that is doubtful is not dropped: it may still withhold, it no longer permits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from gateway.consent.compiled import CompiledConsent
from gateway.consent.references import Key

#: consentscope codes the engine enforces; an advance directive is none of them.
_ENFORCED = frozenset({"patient-privacy", "treatment", "research"})
_ADVANCE_DIRECTIVE = frozenset({"adr"})
_WITHDRAWN = frozenset({"inactive", "rejected"})
#: "" is a status that cannot be read: kept, and indeterminate by its `problem`.
_CONSIDERED = frozenset({"active", ""}) | _WITHDRAWN


@dataclass(frozen=True, slots=True)
class InForce:
    """A consent in force."""

    consent: CompiledConsent
    #: Whether it may only withhold: doubtful consents never permit.
    withholds_only: bool


@dataclass(frozen=True, slots=True)
class Selection:
    """The consents in force, and why others of this patient are not."""

    in_force: tuple[InForce, ...] = ()
    #: (why, consent): expired | not-yet-valid | withdrawn | come-of-age.
    lapsed: tuple[tuple[str, CompiledConsent], ...] = ()


def select(
    consents: Iterable[CompiledConsent],
    person: frozenset[Key],
    now: float,
    *,
    adult_from: float | None,
    newest_wins: bool = True,
) -> Selection:
    """Select what is in force for a person (all linked references) at a moment in seconds.

    `adult_from` is the 18th birthday, None if unknown.
    """
    own = [c for c in consents if _concerns(c, person) and c.status in _CONSIDERED]
    in_force: list[InForce] = []
    lapsed: list[tuple[str, CompiledConsent]] = []
    for lineage in _lineages(own):
        withdrawn, kept = _newest(lineage, now, newest_wins=newest_wins)
        for consent, doubtful in kept:
            why = _outside_validity(consent, now)
            if why or consent.status in _WITHDRAWN:
                lapsed.append((why or "withdrawn", consent))
                continue
            minor = _lapses_with_age(consent, person, now, adult_from)
            if minor or withdrawn:
                lapsed.append(("come-of-age" if minor else "withdrawn", consent))
            limited = doubtful or withdrawn or minor or not _permits(consent, person)
            in_force.append(InForce(consent, withholds_only=limited))
    return Selection(tuple(in_force), tuple(lapsed))


def _concerns(consent: CompiledConsent, person: frozenset[Key]) -> bool:
    if consent.scopes and consent.scopes <= _ADVANCE_DIRECTIVE:
        return False
    return not person.isdisjoint(consent.patients) or consent.patient_tail in person


def _permits(consent: CompiledConsent, person: frozenset[Key]) -> bool:
    """Whether scope and patient are sure enough for a permit."""
    return not consent.scopes.isdisjoint(_ENFORCED) and not person.isdisjoint(consent.patients)


def _outside_validity(consent: CompiledConsent, now: float) -> str:
    low, high = consent.period or (-inf, inf)
    return "not-yet-valid" if now < low else "expired" if now >= high else ""


def _lapses_with_age(
    consent: CompiledConsent, person: frozenset[Key], now: float, adult_from: float | None
) -> bool:
    if not consent.by_proxy or not person.isdisjoint(consent.performers):
        return False
    return adult_from is None or now >= adult_from


def _lineages(consents: Sequence[CompiledConsent]) -> list[list[CompiledConsent]]:
    """Group the documents of one agreement; one without any sign of belonging stands alone."""
    if len(consents) == 1:
        return [list(consents)]
    groups: list[tuple[set[tuple[str, ...]], list[CompiledConsent]]] = []
    for consent in consents:
        keys, members = set(consent.lineage), [consent]
        others = []
        for group in groups:
            if keys.isdisjoint(group[0]):
                others.append(group)
            else:
                keys |= group[0]
                members = group[1] + members
        groups = [*others, (keys, members)]
    return [members for _, members in groups]


def _newest(
    lineage: list[CompiledConsent], now: float, *, newest_wins: bool
) -> tuple[bool, list[tuple[CompiledConsent, bool]]]:
    """Keep the newest of a lineage, ties included; tell whether the lineage is withdrawn.

    Undated documents cannot be ordered: they are kept, and permit only where they are alone.
    An older document that is replaced by one not valid yet goes on withholding until then.
    """
    if len(lineage) == 1 or not newest_wins:
        return False, [(c, False) for c in lineage]
    kept: list[tuple[CompiledConsent, bool]] = []
    for consent in lineage:
        newer = [c for c in lineage if _is_newer(c, consent)]
        if all(_outside_validity(c, now) == "not-yet-valid" for c in newer):
            kept.append((consent, bool(newer) or consent.given is None))
    return any(c.status in _WITHDRAWN for c, limited in kept if not limited or not c.given), kept


def _is_newer(one: CompiledConsent, other: CompiledConsent) -> bool:
    return one.given is not None and other.given is not None and one.given[0] >= other.given[1]
