"""The circuit breaker of a destination."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.breaker import Breaker, BreakerState


def broken(now=0.0, **settings):
    """A breaker that just opened."""
    breaker = Breaker(**settings)
    for _ in range(breaker.threshold):
        breaker = breaker.failed(now)
    return breaker


def test_failures_in_a_row_open_it_and_a_success_between_starts_over():
    breaker = Breaker(threshold=3).failed(0).failed(0).succeeded().failed(0).failed(0)
    assert breaker.state is BreakerState.CLOSED
    assert breaker.failed(0).state is BreakerState.OPEN


def test_while_open_nothing_passes_and_then_one_probe():
    breaker = broken(now=100.0)
    assert breaker.admit(104.9) is None
    probing = breaker.admit(105.0)
    assert probing.state is BreakerState.PROBING
    assert probing.admit(106.0) is None


def test_a_good_probe_closes_it():
    closed = broken().admit(5.0).succeeded()
    assert (closed.state, closed.failures) == (BreakerState.CLOSED, 0)
    assert closed.admit(5.0) is closed


def test_bad_probes_double_the_pause_up_to_the_cap():
    breaker, now, pauses = broken(most=60.0), 0.0, []
    for _ in range(6):
        pauses.append(breaker.retry_at - now)
        now = breaker.retry_at
        breaker = breaker.admit(now).failed(now)
    assert pauses == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]


def test_a_probe_that_never_reports_makes_way_for_another():
    probing = broken(most=60.0).admit(5.0)
    assert probing.admit(64.0) is None
    assert probing.admit(65.0) is not None


@pytest.mark.parametrize(("asked", "kept"), [(30.0, 30.0), (10_000.0, 900.0)])
def test_the_partner_says_when_to_come_back_and_is_heard_up_to_the_cap(asked, kept):
    breaker = Breaker().failed(0.0, retry_after=asked)
    assert breaker.state is BreakerState.OPEN
    assert breaker.retry_at == kept


def test_late_failures_while_open_do_not_lengthen_the_pause():
    breaker = broken(now=0.0)
    assert breaker.failed(3.0).retry_at == breaker.retry_at


@given(st.lists(st.tuples(st.floats(0, 30), st.booleans()), max_size=200))
def test_a_partner_that_never_answers_is_asked_less_than_once_a_second(steps):
    breaker, now, asked = broken(), 0.0, 0
    for wait, reports in steps:
        now += wait
        admitted = breaker.admit(now)
        if admitted is not None:
            asked += 1
            breaker = admitted.failed(now) if reports else admitted
    assert asked <= 1 + now / 5.0
