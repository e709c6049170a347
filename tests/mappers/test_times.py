"""Timestamps: the quick way through an hour says what the long way says."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mappers import times

ZONES = ("Europe/Berlin", "UTC", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns")
#: Near clock changes of these zones, and anywhere.
_CHANGES = [datetime.fromisoformat(day + "T02:00") for day in ("2025-03-30", "2025-10-26")]
_NEAR = st.builds(
    lambda begin, shift: begin + timedelta(seconds=shift),
    st.sampled_from(_CHANGES),
    st.integers(-9_000, 9_000),
)
_MOMENTS = _NEAR | st.datetimes(
    datetime.fromisoformat("1880-01-01"), datetime.fromisoformat("2100-01-01")
)


@given(_MOMENTS, st.sampled_from(ZONES))
def test_whole_seconds_are_read_like_those_with_a_fraction(when: datetime, zone: str) -> None:
    written = when.strftime("%Y%m%d%H%M%S").zfill(14)
    whole, fraction = times.moment(written, zone), times.moment(f"{written}.000", zone)
    assert whole is not None
    assert fraction is not None
    assert whole.fhir == fraction.fhir.replace(".000", "")
    assert whole.instant == fraction.instant.replace(".000", "")
    assert (whole.utc, whole.doubt) == (fraction.utc, fraction.doubt)
    assert whole.precision == 14


@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99))
def test_no_time_of_day_beyond_a_day_is_read(hour: int, minute: int, second: int) -> None:
    found = times.moment(f"20250311{hour:02d}{minute:02d}{second:02d}", "Europe/Berlin")
    assert (found is not None) is (hour < 24 and minute < 60 and second <= 60)
