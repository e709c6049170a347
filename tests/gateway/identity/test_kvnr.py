from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity.kvnr import has_shape, is_kvnr


@pytest.mark.parametrize("kvnr", ["X110411675", "X110465770", "A123456780", "T987654328"])
def test_numbers_with_the_right_check_digit_are_taken(kvnr):
    assert is_kvnr(kvnr)


@pytest.mark.parametrize(
    "text", ["A123456789", "G995030567", "", "x110411675", "X11041167", "X1104116755", "X11041167٥"]
)
def test_anything_else_is_not(text):
    assert not is_kvnr(text)


def test_the_form_is_told_apart_from_the_check_digit():
    assert has_shape("A123456789")
    assert not has_shape("A12345678")


@given(st.sampled_from("ABMXZ"), st.text("0123456789", min_size=8, max_size=8))
def test_exactly_one_check_digit_fits(letter, digits):
    assert sum(is_kvnr(f"{letter}{digits}{check}") for check in range(10)) == 1


@given(st.text("0123456789", min_size=8, max_size=8), st.integers(0, 7), st.integers(1, 9))
def test_every_single_wrong_digit_is_noticed(digits, place, change):
    check = next(check for check in range(10) if is_kvnr(f"T{digits}{check}"))
    wrong = str((int(digits[place]) + change) % 10)
    assert not is_kvnr(f"T{digits[:place]}{wrong}{digits[place + 1 :]}{check}")
