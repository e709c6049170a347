"""Numbers copied by hand: may who a record describes be who its patient number names?

A practice's number reaches devices, laboratories and other programs by typing or by a card. One
that names somebody else must not put results into the wrong record, so what is stated beside it
(birth date, name, KVNR) has to fit who is known by it.
"""

from __future__ import annotations

from gateway.identity.match import DEFAULT_POLICY, Facts, MatchPolicy, compare_dates, valid_kvnr
from gateway.identity.names import Named, compatible_family, compatible_given
from gateway.identity.placeholder import is_placeholder


def contradicts(stated: Facts, known: Facts, *, policy: MatchPolicy = DEFAULT_POLICY) -> bool:
    """Say whether a record cannot be taken to be about the person its number names.

    A name may change by marriage, a birth date be corrected where the KVNR agrees; another given
    name with the same family name and birth date is a twin.
    """
    if _nobody(known, policy):
        return False
    dates = compare_dates(stated.birth_date, known.birth_date)
    if _nobody(stated, policy):
        return dates != "same"
    given, family = _given_agrees(stated, known), _family_agrees(stated, known)
    first, second = valid_kvnr(stated, policy), valid_kvnr(known, policy)
    if first and first == second:
        return not (given and family) if dates == "other" else not (given or family)
    if dates == "same":
        return not given
    named = bool(stated.family or stated.given)
    return dates == "other" or (named and not (given and family)) or bool(first and second)


def _nobody(facts: Facts, policy: MatchPolicy) -> bool:
    """A placeholder is stated; a name that is not stated at all contradicts nothing."""
    if facts.placeholder:
        return True
    name = facts.family or facts.given
    return bool(name) and is_placeholder(
        facts.family or name, facts.given or name, policy.placeholders
    )


def _given_agrees(one: Named, other: Named) -> bool:
    return not one.given or not other.given or compatible_given(one.given, other.given)


def _family_agrees(one: Named, other: Named) -> bool:
    return not one.family or not other.family or compatible_family(one, other)
