"""Dates and times: reading, ordering, moving."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.fhirpath.temporal import comparable, compare, read_temporal
from profiles.fhirpath.temporal_math import SECONDS, add

DATES = st.dates().map(str)
PARTIAL = st.builds(lambda date, length: date[:length], DATES, st.sampled_from([4, 7, 10]))
CLOCKS = st.times().map(lambda time: time.isoformat("milliseconds"))
OFFSETS = st.sampled_from(["", "Z", "+01:00", "-05:30", "+14:00"])
MOMENTS = st.one_of(
    PARTIAL, st.builds(lambda date, time, offset: f"{date}T{time}{offset}", DATES, CLOCKS, OFFSETS)
)


def moment(text):
    return read_temporal("DateTime", text)


@given(MOMENTS)
def test_what_is_read_is_written_the_same(text):
    assert str(moment(text)) == text


@given(MOMENTS, MOMENTS)
def test_order_is_the_same_from_both_sides(first, second):
    one, other = moment(first), moment(second)
    order = compare(one, other)

    assert comparable(one, other)
    assert compare(other, one) == (None if order is None else -order)


@given(MOMENTS)
def test_everything_equals_itself(text):
    assert compare(moment(text), moment(text)) == 0


@given(PARTIAL, st.integers(-5000, 5000), st.sampled_from(sorted(SECONDS)))
def test_moving_keeps_the_precision(text, amount, unit):
    moved = add(moment(text), Decimal(amount), unit)

    assert moved is None or len(moved.parts) == len(moment(text).parts)


@given(st.dates(), st.integers(-100_000, 100_000))
def test_days_there_and_back_lead_to_the_same_day(date, days):
    there = add(moment(str(date)), Decimal(days), "day")
    if there is not None:
        assert str(add(there, Decimal(-days), "day")) == str(date)


@pytest.mark.parametrize(
    "text",
    ["2024-13", "2024-00", "2023-02-29", "2024-02-01T24:00", "2024-02-01T12:60",
     "2024-02-01T12:00:61", "2024-02-01T12:00+14:01", "2024-02-01T12:00+01:75", "24", "2024-2",
     "0000", "2024-02-01 12:00"],
)  # fmt: skip
def test_what_is_not_in_the_calendar_is_none(text):
    assert moment(text) is None


@pytest.mark.parametrize(
    ("start", "amount", "unit", "expected"),
    [
        ("2024-01-31", 1, "month", "2024-02-29"),
        ("2024-02-29", 12, "month", "2025-02-28"),
        ("2024", 18, "month", "2025"),
        ("2024-05", 60, "day", "2024-07"),
        ("2024-05-01", 47, "hour", "2024-05-02"),
        ("2024-05-01T08", 59, "minute", "2024-05-01T08"),
        ("2024-05-01T08:00:00Z", "1.5", "second", "2024-05-01T08:00:01.500Z"),
        ("2024-05-01T08:00:00Z", "1.5", "hour", "2024-05-01T09:00:00Z"),
        ("9999-12-31", 1, "day", "None"),
        ("0001-01-01", -1, "month", "None"),
    ],
)
def test_moving_follows_the_calendar(start, amount, unit, expected):
    assert str(add(moment(start), Decimal(amount), unit)) == expected
