"""Foreign JSON: what the door refuses, and what passes unchanged."""

import json
import pickle
from contextlib import suppress
from copy import deepcopy
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.issue import NotConformant
from profiles.reading import Limits, read_json, write_json

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\t\n\r"))
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=3) | st.decimals(
    allow_nan=False, allow_infinity=False, min_value="-1e300", max_value="1e300"
)
LITERALS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,20})\.[0-9]{1,20}([eE][+-]?[0-9]{1,2})?", fullmatch=True
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def refusal(data, **limits):
    with pytest.raises(NotConformant) as caught:
        read_json(data, limits=Limits(**limits))
    (issue,) = caught.value.issues
    return issue


@given(VALUES)
def test_what_any_writer_writes_is_read_as_the_same_value(value):
    assert read_json(json.dumps(value).encode()) == value
    assert read_json(write_json(value)) == value


@given(LITERALS)
def test_a_decimal_leaves_as_it_was_written(literal):
    data = b'{"value":%s}' % literal.encode()
    value = read_json(data)
    assert write_json(value) == data
    assert write_json(pickle.loads(pickle.dumps(value))) == data
    assert write_json(deepcopy(value)) == data
    assert value["value"] == Decimal(literal)


@given(DECIMALS)
def test_a_decimal_of_our_own_is_written_as_a_json_number(number):
    assert json.loads(write_json({"value": number}), parse_float=Decimal, parse_int=Decimal) == {
        "value": number
    }


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\u0d8e1 ', max_size=60).map(str.encode))
def test_any_bytes_are_either_read_or_refused(data):
    with suppress(NotConformant):
        write_json(read_json(data))


@pytest.mark.parametrize(
    "data",
    [
        b'{"resourceType":"Patient","id":"a","id":"b"}',
        b'{"a":{"b":1,"\\u0062":2}}',
        b'{"value":NaN}',
        b'{"value":-Infinity}',
        b'{"value":1e999}',
        b'{"value":-1.5e400}',
        b'{"value":' + b"9" * 5000 + b"}",
        b'{"a":"\\ud800"}',
        b'{"a":"\\udc00\\ud800"}',
        b'{"\\ud800":1}',
        b'{"a":"\\u0000"}',
        b'{"a":"\\u001b[31m"}',
        b'{"a":"\\b"}',
        b'{"a":"\\f"}',
        b'{"a":"x\x00"}',
        b'{"a":"x\ny"}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":1',
        b'{"a":1}]',
        b'{"a":1} {}',
        b"{'a':1}",
        b'{"a":01}',
        b"",
        b'"',
    ],
)
def test_ambiguous_or_damaged_json_is_refused_as_structure(data):
    assert refusal(data).code == "structure"


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a":"\\ud83d\\ude00"}', {"a": "\U0001f600"}),
        (b'{"a":"1\\n2\\t3\\r"}', {"a": "1\n2\t3\r"}),
        (b'{"a":"\\\\u0000 \\\\ud800"}', {"a": "\\u0000 \\ud800"}),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b'{"a":"[[[[{{{{"}', {"a": "[[[[{{{{"}),
    ],
)
def test_unusual_but_right_json_is_read(data, value):
    assert read_json(data) == value


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"extension":'])
def test_nesting_is_measured_before_a_parser_recurses(opening):
    closing = opening.translate(bytes.maketrans(b"[{", b"]}"), b'"a:extnsio')[::-1]
    assert refusal(opening * 100_000).code == "structure"
    assert refusal(opening * 65 + b"1" + closing * 65).text == "the document is nested too deeply"


def test_depth_up_to_the_limit_is_read():
    assert read_json(b"[" * 64 + b"]" * 64)
    assert refusal(b"[" * 65 + b"]" * 65).code == "structure"


def test_an_unterminated_string_of_quotes_costs_no_quadratic_time():
    assert refusal(b'{"a":"' + b'\\"' * 500_000).code == "structure"


def test_limits_are_refused_as_too_costly():
    assert refusal(b"[" + b" " * 100 + b"]", size=50).code == "too-costly"
    assert refusal(b"[{},{},{}]", containers=3).code == "too-costly"
    bundle = b'{"resourceType":"Bundle","entry":[{},{},{}]}'
    assert refusal(bundle, entries=2).location == "Bundle.entry"
    assert refusal(b'["' + b"x !" * 20 + b'"]', string=50).code == "too-costly"


def test_base64_may_be_longer_than_a_string():
    assert read_json(b'["' + b"QUJD" * 20 + b'"]', limits=Limits(string=50)) == ["QUJD" * 20]


def test_a_refusal_never_repeats_the_input():
    assert "ZZKANARIENVOGEL" not in refusal(b'{"ZZKANARIENVOGEL":1,"ZZKANARIENVOGEL":2}').text


def test_what_json_cannot_hold_is_not_written():
    for value in (Decimal("NaN"), object(), {"a": {1}}):
        with pytest.raises(TypeError):
            write_json(value)
