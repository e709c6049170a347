"""Hostile expressions end: with an answer or with an error, soon."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import profiles.fhirpath as engine
from profiles.fhirpath import FHIRPathError, FHIRPathLimitError, automaton, regex

FEW = engine.Bounds(steps=50_000)
DIGITS = "(1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9)"


def _nested(levels, form="{}.select({})"):
    inner = "true" if not levels else _nested(levels - 1, form)
    return form.format(DIGITS, inner)


@pytest.mark.parametrize(
    "expression",
    [
        _nested(6),
        _nested(6, "{}.where({}.exists())"),
        _nested(6, "{}.all({})"),
        "'a'" + ".select($this.combine($this))" * 40,
        "'a'.repeatAll($this)",
        "'a'" + ".select($this & $this)" * 40,
        f"{DIGITS}.aggregate($total & $total & $total & $total & $total & $total, 'aaaaaaaaa')",
        "descendants().select(%resource.descendants()).select(%resource.descendants())",
    ],
)
def test_work_is_bounded(patient, expression):
    compiled = engine.compile(expression)

    with pytest.raises(FHIRPathLimitError) as caught:
        compiled.evaluate(patient, bounds=FEW)
    assert caught.value.issues[0].code == "too-costly"


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"(a+)+$", "a" * 3000 + "!", False),
        (r"^(a|aa)+$", "a" * 3000, True),
        (r"(a|b|ab)*c", "ab" * 2000, False),
        (r"^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 2000 + "!", False),
        (r"(((a*)*)*)*x", "a" * 30, False),
        (r"a*a*a*a*a*a*a*b", "a" * 5000, False),
        (r"^[^\s]+(\s[^\s]+)*$", "ein Wort " * 500 + "mehr", True),
        (r"(a?){30}a{30}", "a" * 30, True),
        (r"(?i)^(MÜLLER\s*)+$", "müller " * 50, True),
        (r"^(\w+\s?)+!$", "größe " * 50 + "!", True),
        (r"^(\d+-?)+$", "٣-٤-" * 50, True),
    ],
)
def test_patterns_that_explode_elsewhere_are_answered(pattern, text, found):
    assert regex.search(pattern, text) is found


@pytest.mark.parametrize(
    "pattern", [r"(?=(a+)+$)b", r"(a+)\1+(b+)+", r"(a{1,100}){1,100}b", "(?P<x>a)" * 1000]
)
def test_patterns_beyond_an_automaton_are_refused(pattern):
    with pytest.raises(FHIRPathLimitError):
        regex.search(pattern, "a" * 400)


def test_replacing_with_a_pattern_that_may_explode_is_refused():
    with pytest.raises(FHIRPathLimitError):
        regex.replace(r"(a+)+$", "a" * 100 + "!", "x")


PATTERNS = st.recursive(
    st.sampled_from(["a", "b", "[ab]", ".", r"\d", "^", "$", r"\b"]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.builds("(?:{})*".format, inner),
        st.builds("(?:{})?".format, inner),
        st.builds("({}|{})".format, inner, inner),
        st.builds("(?:{}){{1,2}}".format, inner),
    ),
    max_leaves=6,
)


@given(PATTERNS, st.text("ab1\n", max_size=8), st.booleans())
def test_automaton_and_matcher_agree(pattern, text, anchored):
    import re

    compiled = re.compile(pattern, re.DOTALL)
    expected = compiled.match(text) if anchored else compiled.search(text)

    found = automaton.matches(pattern, int(re.DOTALL), text, anchored=anchored)

    assert found is (expected is not None)


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("2.power(1000000)", []),
        ("10000000000.0.exp()", []),
        ("@2024 + 99999999999999 years", []),
        ("'a'.substring(99999999999999)", []),
        ("1.5.lowBoundary(1000000000)", []),
        ("1 '10*40' * 1 '10*40' = 1 'm'", []),
    ],
)
def test_large_numbers_cost_nothing(expression, found):
    assert engine.evaluate({}, expression) == found


def test_a_deep_document_does_not_end_the_process():
    value = 1
    for _ in range(300):
        value = {"a": value}

    assert engine.evaluate(value, "descendants().count()", model="none") == [300]
    with pytest.raises(FHIRPathError):
        engine.evaluate(value, "a.a.a = ($this).a.a.a and " * 200 + "true", model="none")


@pytest.mark.parametrize("form", ["select({})", "({})", "iif(true, {})", "-({})", "name[{}]"])
@pytest.mark.parametrize("depth", [20, 58, 200])
def test_nesting_is_evaluated_or_refused(form, depth):
    expression = "1"
    for _ in range(depth):
        expression = form.format(expression)
    try:
        engine.evaluate({}, expression)
    except FHIRPathError:
        assert depth > 20
