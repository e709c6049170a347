"""Partial dates are spans of local time."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.consent.dates import comes_of_age, period, span, zone

BERLIN = zone("Europe/Berlin")


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(9998, 12, 31)))
def test_a_day_ends_where_the_next_begins_and_lies_in_its_month_and_year(day):
    this = span(day.isoformat(), BERLIN)
    following = span((day + timedelta(days=1)).isoformat(), BERLIN)
    month, year = span(f"{day:%Y-%m}", BERLIN), span(f"{day:%Y}", BERLIN)

    assert this[1] == following[0]
    assert year[0] <= month[0] <= this[0] < this[1] <= month[1] <= year[1]


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-15", 24)]
)
def test_days_of_clock_changes_have_their_own_length(day, hours):
    low, high = span(day, BERLIN)

    assert high - low == hours * 3600


@given(st.integers(min_value=-2_000_000_000, max_value=200_000_000_000))
def test_an_instant_is_the_same_in_every_zone(seconds):
    exact = datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)

    assert span(exact.isoformat(), BERLIN)[0] == exact.timestamp()


@given(st.text(max_size=12))
def test_what_is_no_date_is_none(text):
    found = span(text, BERLIN)

    assert found is None or found[0] < found[1]


@pytest.mark.parametrize(
    "value", [{}, {"start": 1}, {"start": "x"}, {"end": None}, {"from": "2026"}, "2026", None, []]
)
def test_what_is_no_period_is_none(value):
    assert period(value, BERLIN) is None


@pytest.mark.parametrize(
    ("born", "adult"),
    [
        ("2008-05-20", "2026-05-20"),
        ("2008-02-29", "2026-03-01"),
        ("2008-05", "2026-05-01"),
        ("2008", "2026-01-01"),
    ],
)
def test_majority_begins_with_the_earliest_possible_eighteenth_birthday(born, adult):
    assert comes_of_age(born, BERLIN) == span(adult, BERLIN)[0]


@pytest.mark.parametrize("born", ["", "unknown", "2008-13-01"])
def test_without_a_birth_date_nobody_is_known_to_be_adult(born):
    assert comes_of_age(born, BERLIN) is None
