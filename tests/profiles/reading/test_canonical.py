"""RFC 8785."""

import json
import math
import struct
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.reading import canonical_json
from profiles.reading.canonical import ecmascript_number

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=20,
)


@given(VALUES)
def test_canonical_bytes_hold_the_same_value_and_canonicalise_to_themselves(value):
    canonical = canonical_json(value)
    assert json.loads(canonical, parse_int=float) == json.loads(json.dumps(value), parse_int=float)
    assert canonical_json(json.loads(canonical)) == canonical


@given(st.dictionaries(TEXTS, st.integers(0, 9), max_size=8))
def test_names_are_sorted_by_utf16_code_units_whatever_their_order(value):
    shuffled = dict(reversed(value.items()))
    assert canonical_json(shuffled) == canonical_json(value)
    names = list(json.loads(canonical_json(value)))
    assert names == sorted(names, key=lambda name: name.encode("utf-16-be"))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back_as_the_same_double(number):
    assert float(ecmascript_number(number)) == number


@pytest.mark.parametrize(
    ("bits", "text"),
    [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("c340000000000000", "-9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555553", "333333333.3333332"),
    ],
)
def test_numbers_are_written_as_ecmascript_writes_them(bits, text):
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert ecmascript_number(number) == text


def test_decimals_count_with_their_value():
    assert canonical_json({"b": Decimal("72.50"), "a": 1.0}) == b'{"a":1,"b":72.5}'
    assert canonical_json(Decimal("1E+2")) == b"100"


def test_texts_escape_only_what_they_must():
    assert canonical_json("\u20ac$\u000f\nA'\u0042\"\\/\u007f") == (
        b'"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\/\x7f"'
    )


def test_what_has_no_canonical_form_is_refused():
    for value in (math.nan, math.inf):
        with pytest.raises(ValueError, match="NaN"):
            ecmascript_number(value)
    with pytest.raises(TypeError):
        canonical_json({1: 2})
    with pytest.raises(TypeError):
        canonical_json({"a": object()})
