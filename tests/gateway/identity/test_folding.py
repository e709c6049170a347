from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity.folding import cologne, plain_tokens, spelling, tokens


@pytest.mark.parametrize(
    ("name", "written_out", "plain"),
    [
        ("Müller-Lüdenscheidt", ("mueller", "luedenscheidt"), ("muller", "ludenscheidt")),
        ("von Töpfer-Weiß", ("von", "toepfer", "weiss"), ("von", "topfer", "weiss")),
        ("O'Brien", ("obrien",), ("obrien",)),
        ("Łukasiewicz", ("lukasiewicz",), ("lukasiewicz",)),
        ("  Çelik ", ("celik",), ("celik",)),
        ("Mu\u0308ller", ("mueller",), ("muller",)),
        ("GROẞ", ("gross",), ("gross",)),
        ("", (), ()),
    ],
)
def test_names_fold_the_two_ways_systems_write_umlauts(name, written_out, plain):
    assert tokens(name) == written_out
    assert plain_tokens(name) == plain


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("muellerluedenscheidt", "65752682"),
        ("wikipedia", "3412"),
        ("breschnew", "17863"),
        ("mueller", "657"),
        ("meier", "67"),
        ("mayr", "67"),
        ("schmidt", "862"),
        ("schmitt", "862"),
        ("philipp", "351"),
        ("xaver", "4837"),
        ("", ""),
    ],
)
def test_codes_are_those_of_koelner_phonetik(word, code):
    assert cologne(word) == code


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("philipp", "filip"),
        ("sarah", "sara"),
        ("karl", "carl"),
        ("matthias", "mathias"),
        ("sophie", "sofie"),
        ("kathrin", "katrin"),
        ("yvonne", "ivonne"),
    ],
)
def test_spellings_of_one_given_name_fold_together(one, other):
    assert spelling(one) == spelling(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("christian", "christina"), ("jan", "jana"), ("tim", "tom"), ("julian", "juliane")],
)
def test_names_of_possible_twins_stay_apart(one, other):
    assert spelling(one) != spelling(other)


@given(st.text(max_size=20))
def test_any_text_folds(text):
    for word in (*tokens(text), *plain_tokens(text)):
        assert word
        cologne(word)
        spelling(word)
