"""Lexer and parser: what is written comes back, and mistakes have a place."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.fhirpath import FHIRPathSyntaxError
from profiles.fhirpath.parser import POWERS, parse
from profiles.fhirpath.syntax import (
    Binary,
    Call,
    Constant,
    Empty,
    Indexed,
    LongConstant,
    Member,
    QuantityConstant,
    Sign,
    Special,
    TemporalConstant,
    TypeTest,
    Variable,
    write,
)

NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
DECIMALS = st.decimals(0, 10**12, places=3)
LEAVES = st.one_of(
    st.builds(Empty),
    st.builds(Constant, st.one_of(TEXTS, st.booleans(), st.integers(0, 10**12), DECIMALS)),
    st.builds(LongConstant, st.integers(0, 2**63 - 1)),
    st.sampled_from(["@2024", "@2024-02", "@2024-02-29T12:30:00.5Z", "@T08:30"]).map(
        TemporalConstant
    ),
    st.builds(QuantityConstant, DECIMALS, TEXTS, calendar=st.just(value=False)),
    st.builds(QuantityConstant, DECIMALS, st.just("week"), calendar=st.just(value=True)),
    st.sampled_from(["this", "index", "total"]).map(Special),
    st.builds(Variable, NAMES),
    st.builds(Member, st.none(), NAMES),
)


def _larger(inner):
    operators = sorted(set(POWERS) - {"is", "as"})
    return st.one_of(
        st.builds(Member, inner, NAMES),
        st.builds(
            Call,
            st.none() | inner,
            NAMES.filter(lambda name: name != "sort"),
            st.lists(inner, max_size=3).map(tuple),
        ),
        st.builds(Indexed, inner, inner),
        st.builds(Sign, st.sampled_from("+-"), inner),
        st.builds(Binary, st.sampled_from(operators), inner, inner),
        st.builds(
            TypeTest, st.sampled_from(["is", "as"]), inner, st.just("FHIR.Patient") | st.just("id")
        ),
    )


TREES = st.recursive(LEAVES, _larger, max_leaves=12)


@given(TREES)
def test_a_written_tree_parses_to_itself(tree):
    assert parse(write(tree)) == tree


@given(st.text(max_size=60))
def test_any_text_is_an_expression_or_a_syntax_error(text):
    try:
        parse(text)
    except FHIRPathSyntaxError as error:
        assert 0 <= error.position <= len(text)  # noqa: PT017 - both endings are fine


@pytest.mark.parametrize(
    ("expression", "same"),
    [
        ("1 + 2 * 3", "1 + (2 * 3)"),
        ("1 * 2 + 3", "(1 * 2) + 3"),
        ("1 - 2 - 3", "(1 - 2) - 3"),
        ("-a.b", "-(a.b)"),
        ("-1 * 2", "(-1) * 2"),
        ("a | b is c", "a | (b is c)"),
        ("a = b | c", "a = (b | c)"),
        ("a < b = c", "(a < b) = c"),
        ("a = b in c", "(a = b) in c"),
        ("a and b or c and d", "(a and b) or (c and d)"),
        ("a implies b or c", "a implies (b or c)"),
        ("a or b xor c", "(a or b) xor c"),
        ("a & b + c", "(a & b) + c"),
        ("contains.is.as", "(contains.is).as"),
        ("a // comment\n + /* and * another */ b", "a + b"),
    ],
)
def test_operators_bind_as_the_specification_says(expression, same):
    assert parse(expression) == parse(same)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"'\u00e9'", "é"),
        (r"'\uD83E\uDDB6'", "🦶"),
        (r"'\n\t\\\''", "\n\t\\'"),
        (r"'\u12'", "u12"),
        ("1.50", Decimal("1.50")),
        ("00.01", Decimal("0.01")),
    ],
)
def test_literals_keep_what_they_mean(text, value):
    parsed = parse(text)

    assert parsed == Constant(value)
    assert str(parsed.value) == str(value)


@pytest.mark.parametrize(
    ("expression", "line", "column"),
    [
        ("", 1, 1),
        ("name.", 1, 6),
        ("name.where(", 1, 12),
        ("name.where(use = 'x'", 1, 21),
        ("name given", 1, 6),
        ("a +\n  * b", 2, 3),
        ("'open", 1, 1),
        ("a ? b", 1, 3),
        ("@20x", 1, 1),
        ("{a}", 1, 2),
        ("a.$this", 1, 3),
        ("@T14:34:28Z", 1, 11),
        ('"double"', 1, 1),
    ],
)
def test_a_syntax_error_says_where_it_is(expression, line, column):
    with pytest.raises(FHIRPathSyntaxError) as caught:
        parse(expression)

    assert (caught.value.line, caught.value.column) == (line, column)
    assert f"line {line}, column {column}" in caught.value.text


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 5000 + "1",
        "-" * 5000 + "1",
        "a" + ".a" * 5000,
        "1" + "+1" * 5000,
        "9" * 5000,
        "a[0" * 500,
    ],
)
def test_no_expression_is_deeper_than_evaluation_can_go(expression):
    with pytest.raises(FHIRPathSyntaxError):
        parse(expression)
