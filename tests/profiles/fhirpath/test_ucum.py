"""UCUM: codes, conversions, and what does not convert."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.fhirpath.quantity import Quantity, add, compare, convert, divide, multiply
from profiles.fhirpath.ucum import read_unit
from profiles.fhirpath.ucum.unit import _units

AMOUNTS = st.decimals(-(10**9), 10**9, places=4)
COMPARABLE = [
    ("mg", "g"),
    ("[lb_av]", "kg"),
    ("mm[Hg]", "kPa"),
    ("mg/dL", "g/L"),
    ("Cel", "[degF]"),
]


@pytest.mark.parametrize(
    ("value", "unit", "target", "expected"),
    [
        ("1", "kg", "g", "1000"),
        ("37", "Cel", "[degF]", "98.6"),
        ("98.6", "[degF]", "Cel", "37"),
        ("0", "Cel", "K", "273.15"),
        ("1", "[lb_av]", "g", "453.59237"),
        ("1", "[ft_i]", "m", "0.3048"),
        ("1", "km/h", "m/min", "16.66666666666666666666666666666667"),
        ("90", "mg/dL", "g/L", "0.9"),
        ("1", "U/L", "ukat/L", "0.01666666666666666666666666666666667"),
        ("1", "10*9/L", "10*3/uL", "1"),
        ("5", "%", "1", "0.05"),
        ("1", "a", "d", "365.25"),
        ("1", "mo", "d", "30.4375"),
        ("2", "mL/min/{1.73_m2}", "L/h", "0.12"),
        ("1", "kcal", "kJ", "4.184"),
        ("760", "mm[Hg]", "kPa", "101.32472"),
    ],
)
def test_conversions_are_exact(value, unit, target, expected):
    converted = convert(Quantity(Decimal(value), unit), target)

    assert converted is not None
    assert converted.value == Decimal(expected)


@pytest.mark.parametrize(
    "code",
    ["", "mgg", "kg m", "m//s", "m.", "(m", "m)", "[unknown]", "k", "kmin", "m999", "{a", "/",
     "m" * 300, "((((((((((((m))))))))))))", "0", "dB", "[pH]"],
)  # fmt: skip
def test_what_is_no_measurable_code_is_none(code):
    assert read_unit(code) is None


def test_every_unit_of_the_table_can_be_read():
    unreadable = [
        code
        for code, row in _units().items()
        if read_unit(code) is None and row["kind"] != "logarithmic"
    ]

    assert unreadable == []


def test_prefixes_stand_before_metric_units_only():
    assert read_unit("mmol") is not None
    assert read_unit("dag") is not None
    assert read_unit("k[ft_i]") is None


@pytest.mark.parametrize(
    ("one", "other"),
    [("[iU]", "mg"), ("mol", "g"), ("m", "s"), ("[iU]", "[arb'U]"), ("something", "m")],
)
def test_other_dimensions_are_not_comparable(one, other):
    assert compare(Quantity(Decimal(1), one), Quantity(Decimal(1), other)) is None
    assert convert(Quantity(Decimal(1), one), other) is None


@given(AMOUNTS, st.sampled_from(COMPARABLE))
def test_converting_there_and_back_changes_nothing(amount, units):
    quantity = Quantity(amount, units[0])
    there = convert(quantity, units[1])
    assert there is not None
    back = convert(there, units[0])

    assert back is not None
    assert abs(Fraction(back.value) - Fraction(amount)) < Fraction(1, 10**20)


@given(AMOUNTS, AMOUNTS, st.sampled_from(COMPARABLE))
def test_comparing_is_the_same_from_both_sides(first, second, units):
    one, other = Quantity(first, units[0]), Quantity(second, units[1])

    assert compare(one, other) == -compare(other, one)


@given(AMOUNTS, AMOUNTS)
def test_sums_do_not_depend_on_order(first, second):
    one, other = Quantity(first, "mg"), Quantity(second, "g")

    assert compare(add(one, other), add(other, one)) == 0


@given(AMOUNTS.filter(bool), AMOUNTS.filter(bool))
def test_dividing_undoes_multiplying(first, second):
    product = multiply(Quantity(first, "mg"), Quantity(second, "mL"))
    quotient = divide(product, Quantity(second, "mL"))

    assert quotient is not None
    assert quotient.value == first


@pytest.mark.parametrize("unit", ["Cel", "dB", "unknown"])
def test_scales_and_unknown_units_are_in_no_product(unit):
    assert multiply(Quantity(Decimal(2), unit), Quantity(Decimal(2), "m")) is None
