"""SMART scopes: what they say, and that cutting down never widens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.authorization.roles import granted, limited
from gateway.authorization.scopes import (
    LETTERS,
    Scope,
    narrowed,
    queries,
    read_scope,
    read_scopes,
    write_scopes,
)

_TYPES = ("*", "Patient", "Observation", "Task")
_QUERIES = ("", "category=laboratory", "status=final")
_letters = st.sets(st.sampled_from(LETTERS), min_size=1).map(
    lambda chosen: "".join(one for one in LETTERS if one in chosen)
)
scopes = st.builds(
    Scope,
    st.sampled_from(("system", "user")),
    st.sampled_from(_TYPES),
    _letters,
    st.sampled_from(_QUERIES),
)
lists = st.lists(scopes, max_size=6)


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("system/Patient.rs", "rs"),
        ("system/*.cruds", "cruds"),
        ("system/*.read", "rs"),
        ("system/Task.write", "cud"),
        ("user/Observation.*", "cruds"),
        ("system/Observation.rs?category=laboratory", "rs"),
    ],
)
def test_a_scope_says_what_it_lets_do(text, letters):
    scope = read_scope(text)

    assert scope is not None
    assert scope.letters == letters


@pytest.mark.parametrize(
    "text",
    [
        "system/Patient.sr",
        "system/patient.rs",
        "system/Patient",
        "system/Patient.x",
        "launch",
        "openid",
        "system/Patient.rr",
        "system/Patient.rs?",
        "system/*",
        "",
    ],
)
def test_what_is_no_scope_grants_nothing(text):
    assert read_scope(text) is None
    assert read_scopes(f"{text} system/Task.r") == (Scope("system", "Task", "r"),)


@given(lists)
def test_what_is_written_is_read_again(found):
    assert read_scopes(write_scopes(found)) == tuple(found)


@given(lists, lists)
def test_cutting_down_never_grants_more_than_either_side(asked, allowed):
    met = narrowed(asked, allowed)

    for type_ in ("Patient", "Observation", "Task"):
        for letter in LETTERS:
            for context in ("system", "user"):
                got = _queries(met, context, type_, letter)
                for side in (asked, allowed):
                    bound = _queries(side, context, type_, letter)
                    if got is None:
                        continue
                    assert bound is not None
                    if bound:
                        assert got
                        assert all(any(one in query for one in bound) for query in got)


@given(lists)
def test_cutting_down_by_itself_keeps_everything(found):
    met = narrowed(found, found)

    for context in ("system", "user"):
        for type_ in ("Patient", "Observation"):
            for letter in LETTERS:
                own = _queries(found, context, type_, letter)
                kept = _queries(met, context, type_, letter)
                assert (own is None) == (kept is None)
                assert (own == ()) == (kept == ())


def _queries(found, context, type_, letter):
    return queries([one for one in found if one.context == context], type_, letter)


def test_a_query_of_both_sides_has_to_hold_twice():
    met = narrowed(
        read_scopes("system/Observation.rs?category=laboratory"),
        read_scopes("system/*.rs?status=final"),
    )

    assert met == (Scope("system", "Observation", "rs", "category=laboratory&status=final"),)


def test_a_role_bounds_the_scopes_of_a_client():
    assert write_scopes(granted("auditor", ["system/*.cruds"])) == (
        "system/AuditEvent.rs system/Consent.rs system/Provenance.rs"
    )
    assert granted("auditor", ["system/Patient.rs"]) == ()
    assert limited("stranger", read_scopes("system/*.rs")) == ()
