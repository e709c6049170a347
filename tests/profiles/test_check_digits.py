"""Check digits: published numbers are right, every other digit in the last place is wrong."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.check_digits import has_kvnr_form, is_iknr, is_kvnr, is_lanr, is_pzn

KVNR = ["X110411675", "X110465770", "A123456780", "T987654328"]


@pytest.mark.parametrize("number", KVNR)
def test_a_right_kvnr_is_known(number):
    assert is_kvnr(number)


@pytest.mark.parametrize(
    "text", ["A123456789", "G995030567", "A12345678", "a123456780", "A1234567800", "", "Ä123456780"]
)
def test_anything_else_is_no_kvnr(text):
    assert not is_kvnr(text)


def test_the_form_of_a_kvnr_does_not_depend_on_its_check_digit():
    assert has_kvnr_form("A123456789")
    assert not has_kvnr_form("A12345678")
    assert not has_kvnr_form("A12345678٣")


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (is_iknr, "104940005", "104940006"),
        (is_lanr, "838382202", "838382302"),
        (is_lanr, "754236701", "754236801"),
        (is_lanr, "999999900", "999999000"),
        (is_pzn, "02859353", "02859354"),
    ],
)
def test_a_number_with_a_wrong_digit_is_told_from_a_right_one(check, right, wrong):
    assert check(right)
    assert not check(wrong)
    assert not check(f"{right} ")
    assert not check(right[:-1])
    assert not check("")


@given(st.from_regex(re.compile(r"\A[A-Z][0-9]{8}\Z", re.ASCII)))
def test_every_kvnr_has_exactly_one_check_digit(start):
    assert sum(is_kvnr(f"{start}{check}") for check in range(10)) == 1


@given(st.from_regex(re.compile(r"\A[0-9]{8}\Z", re.ASCII)), st.integers(2, 7), st.integers(1, 9))
def test_one_wrong_digit_of_an_iknr_is_found(start, place, change):
    (check,) = [digit for digit in range(10) if is_iknr(f"{start}{digit}")]
    wrong = str((int(start[place]) + change) % 10)
    assert not is_iknr(f"{start[:place]}{wrong}{start[place + 1 :]}{check}")
