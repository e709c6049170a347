"""What an operator decides about deliveries, and what the audit log keeps of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.delivery import DeliveryState
from gateway.operations.deliveries import cancel, resolve, retry
from profiles.issue import NotConformant

S = DeliveryState


def _states(store, numbers):
    found = store.writer.submit(lambda tx: tx.deliveries(numbers=numbers)).result(60)
    by_number = {one.id: one.state for one in found}
    return [by_number[number] for number in numbers]


def test_dead_deliveries_and_those_that_wait_for_a_retry_are_queued_again(desk, store, deliver):
    numbers = deliver(S.DEAD, S.RETRY)

    assert retry(desk, {"deliveries": numbers}) == {"done": numbers, "refused": []}
    assert _states(store, numbers) == [S.QUEUED, S.QUEUED]


@pytest.mark.parametrize("state", [S.DELIVERED, S.AMBIGUOUS, S.INFLIGHT, S.QUEUED])
def test_nothing_else_is_sent_again_by_retry(desk, store, deliver, state):
    (number,) = deliver(state)

    done = retry(desk, {"deliveries": [number]})

    assert done == {
        "done": [],
        "refused": [{"delivery": number, "reason": f"it is {state.value}"}],
    }
    assert _states(store, [number]) == [state]


def test_what_was_not_sent_can_be_given_up(desk, store, deliver):
    numbers = deliver(S.WAITING_FOR_CONSENT, S.HELD, S.RETRY, S.AMBIGUOUS, S.QUEUED)

    assert cancel(desk, {"deliveries": numbers})["done"] == numbers
    assert set(_states(store, numbers)) == {S.DEAD}


def test_what_is_on_its_way_cannot_be_given_up(desk, deliver):
    numbers = deliver(S.INFLIGHT, S.DELIVERED)

    assert cancel(desk, {"deliveries": numbers})["done"] == []


@pytest.mark.parametrize(
    ("state", "verdict", "expected"),
    [
        (S.AMBIGUOUS, "delivered", S.DELIVERED),
        (S.AMBIGUOUS, "not-delivered", S.DEAD),
        (S.AMBIGUOUS, "send-again", S.QUEUED),
        (S.HELD, "release", S.QUEUED),
        (S.HELD, "not-delivered", S.DEAD),
    ],
)
def test_a_person_says_how_it_really_was(desk, store, deliver, state, verdict, expected):
    (number,) = deliver(state)

    assert resolve(desk, {"deliveries": [number], "verdict": verdict})["done"] == [number]
    assert _states(store, [number]) == [expected]


def test_a_verdict_that_does_not_fit_the_state_changes_nothing(desk, store, deliver):
    numbers = deliver(S.HELD, S.DEAD)

    assert resolve(desk, {"deliveries": numbers, "verdict": "delivered"})["done"] == []
    assert _states(store, numbers) == [S.HELD, S.DEAD]


def test_a_delivery_that_does_not_exist_is_said(desk):
    assert retry(desk, {"deliveries": [99]})["refused"] == [
        {"delivery": 99, "reason": "there is no such delivery"}
    ]


@pytest.mark.parametrize("wrong", [{}, {"deliveries": "1"}, {"deliveries": ["1"]}])
def test_numbers_are_asked_for(desk, wrong):
    with pytest.raises(NotConformant):
        retry(desk, wrong)


def test_an_act_leaves_an_audit_event_naming_who_and_what(desk, deliver):
    (number,) = deliver(S.DEAD)
    kept = []
    site = desk.site()
    auditor = site.auditor

    class Listening:
        stamp = staticmethod(auditor.stamp)

        @staticmethod
        def row(event_class, at, event):
            kept.append((event_class.value, event))
            return auditor.row(event_class, at, event)

    listening = replace(desk, site=lambda: replace(site, auditor=Listening()))
    retry(listening, {"deliveries": [number]})

    ((event_class, event),) = kept
    assert event_class == "administrative"
    assert event["agent"][0]["who"]["identifier"]["value"] == "os-user:anna"
    assert event["subtype"][0]["code"] == "retry"
    assert event["entity"][0]["what"]["identifier"]["value"] == str(number)
