from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.evidence.event_class import (
    FOREVER,
    EventClass,
    Keep,
    RetentionClass,
    retain_until,
)


def at(*parts):
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000


def test_events_stay_three_years_and_to_the_end_of_the_year():
    assert retain_until(EventClass.READ, at(2026, 1, 1)) == at(2030, 1, 1)
    assert retain_until(EventClass.READ, at(2026, 12, 31, 23, 59)) == at(2030, 1, 1)


def test_a_tombstone_stays_for_ever():
    assert retain_until(EventClass.TOMBSTONE, at(2026, 1, 1)) == FOREVER


def test_each_retention_class_has_its_own_time():
    periods = {RetentionClass.FLOW: Keep(years=1, to_year_end=False)}
    assert retain_until(EventClass.RECEIVED, at(2026, 3, 1), periods) == at(2027, 3, 2)
    assert retain_until(EventClass.DISCLOSED, at(2026, 3, 1), periods) == at(2030, 1, 1)


def test_a_leap_day_never_shortens_the_time():
    periods = {RetentionClass.FLOW: Keep(years=1, to_year_end=False)}
    assert retain_until(EventClass.RECEIVED, at(2028, 2, 29), periods) == at(2029, 3, 1)


@pytest.mark.parametrize("event_class", list(EventClass))
def test_every_class_says_how_long_it_is_kept(event_class):
    assert retain_until(event_class, at(2026, 6, 1)) > at(2026, 6, 1)
