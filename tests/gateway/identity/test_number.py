"""A patient number copied by hand: whose record may the results go into?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity.facts import KnownPatient
from gateway.identity.number import contradicts

KVNR, OTHER = "T987654328", "A123456780"
KNOWN = KnownPatient("1", KVNR, "1990-05-03", "von Töpfer-Weiß", "Änne Marie")
NOBODY_S_KVNR = {"kvnr": ""}


def stated(**changes):
    facts = {
        "kvnr": KVNR,
        "birth_date": KNOWN.birth_date,
        "family": KNOWN.family,
        "given": KNOWN.given,
    }
    return KnownPatient("2", **(facts | changes))


@pytest.mark.parametrize(
    ("case", "changes", "held"),
    [
        ("the same", {}, False),
        ("only the number", {"kvnr": "", "birth_date": "", "family": "", "given": ""}, False),
        ("no birth date", {"birth_date": "", **NOBODY_S_KVNR}, False),
        ("no birth date, other person", {"birth_date": "", "given": "Otto", "kvnr": ""}, True),
        ("no birth date, other KVNR", {"birth_date": "", "kvnr": OTHER}, True),
        ("no birth date, new surname", {"birth_date": "", "family": "Kurz", "kvnr": ""}, True),
        ("umlauts written out", {"family": "von Toepfer-Weiss", "given": "Aenne"}, False),
        ("capitals of a device", {"family": "TÖPFER-WEISS", "given": "ÄNNE", "kvnr": ""}, False),
        ("a part of the double name", {"family": "Weiß", **NOBODY_S_KVNR}, False),
        ("changed surname after marriage", {"family": "Kurz", **NOBODY_S_KVNR}, False),
        ("twin", {"given": "Otto", **NOBODY_S_KVNR}, True),
        ("twin with a KVNR of its own", {"given": "Otto", "kvnr": OTHER}, True),
        ("other person", {"family": "Kurz", "given": "Otto", **NOBODY_S_KVNR}, True),
        ("other person, same KVNR", {"family": "Kurz", "given": "Otto"}, True),
        ("newborn on its mother's insurance", {"birth_date": "2026-11-01", "given": "Mia"}, True),
        ("namesake, other birth date", {"birth_date": "1960-05-03", **NOBODY_S_KVNR}, True),
        ("birth date corrected, same KVNR", {"birth_date": "1990-03-05"}, False),
        ("only the year known", {"birth_date": "1990", **NOBODY_S_KVNR}, False),
        ("placeholder", {"family": "Notfall", "given": "Patient", "birth_date": ""}, True),
        ("placeholder, same birth date", {"family": "Unbekannt", "given": "Patient"}, False),
        ("a KVNR with a wrong check digit", {"kvnr": "T987654321", "birth_date": ""}, False),
        ("KVNR corrected", {"kvnr": OTHER}, False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_whom_a_record_describes_decides_whether_it_may_be_filed_under_a_number(
    case, changes, held
):
    assert contradicts(stated(**changes), KNOWN) is held, case


def test_who_was_unknown_so_far_may_get_any_name():
    unknown = KnownPatient("1", "", "1900-01-01", "Unbekannt", "Männlich")

    assert not contradicts(stated(), unknown)
    assert not contradicts(stated(), KnownPatient("1", placeholder=True))


def test_a_birth_date_that_was_missing_is_filled_in_for_the_same_name_only():
    known = KnownPatient("1", "", "", "Kurz", "Otto")

    assert contradicts(stated(), known)
    assert not contradicts(stated(family="Kurz", given="Otto"), known)


PERSONS = st.builds(
    KnownPatient,
    id=st.just("1"),
    kvnr=st.sampled_from(["", KVNR, OTHER]),
    birth_date=st.sampled_from(["", "1990", "1990-05-03", "1990-03-05"]),
    family=st.sampled_from(["", "Weiß", "Weiss", "Kurz", "Unbekannt"]),
    given=st.sampled_from(["", "Änne", "Aenne Marie", "Otto"]),
)


@given(PERSONS)
def test_a_record_never_contradicts_itself(one):
    if one.family != "Unbekannt":
        assert not contradicts(one, one)


@given(PERSONS, PERSONS)
def test_other_birth_dates_are_never_the_same_person_without_a_kvnr(one, other):
    known = {"1990-05-03", "1990-03-05"}
    if {one.birth_date, other.birth_date} == known and "" in {one.kvnr, other.kvnr}:
        assert contradicts(one, other) or other.family == "Unbekannt"
