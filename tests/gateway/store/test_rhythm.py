"""When what may wait goes with others, and when it goes alone."""

from __future__ import annotations

import threading

from gateway.store import open_store
from gateway.store.rhythm import LONGEST, MISSED, Rhythm


def test_nothing_is_waited_for_before_a_second_group_has_come():
    rhythm = Rhythm()
    assert rhythm.wait_until() < 0
    rhythm.beat(100.0)
    assert rhythm.wait_until() < 0


def test_close_groups_are_waited_for_until_one_has_been_missed():
    rhythm = Rhythm()
    rhythm.beat(100.0)
    rhythm.beat(100.01)
    assert abs(rhythm.wait_until() - (100.01 + MISSED * 0.01)) < 1e-9


def test_groups_far_apart_are_not_waited_for():
    rhythm = Rhythm()
    rhythm.beat(100.0)
    rhythm.beat(100.0 + LONGEST * 1.01)
    assert rhythm.wait_until() < 100.0


def test_a_job_that_joins_is_run_whether_others_come_or_not(store):
    writer = store.writer
    assert writer.submit(lambda _: "alone", joins=True).result(60) == "alone"
    for _ in range(5):
        writer.submit(lambda _: None).result(60)
    assert writer.submit(lambda _: "missed", joins=True).result(60) == "missed"


def test_a_job_that_joins_shares_the_transaction_of_the_next_urgent_one(store):
    gate = threading.Event()
    held = store.writer.submit(lambda _: gate.wait(60))
    joining = store.writer.submit(lambda tx: tx, joins=True)
    urgent = store.writer.submit(lambda tx: tx)
    gate.set()
    held.result(60)
    assert joining.result(60) is urgent.result(60)


def test_closing_runs_what_waits_for_others(store_url, keys, clock):
    store = open_store(store_url, keys, clock=clock)
    for _ in range(5):
        store.writer.submit(lambda _: None).result(60)
    waiting = store.writer.submit(lambda _: "done", joins=True)
    store.close()
    assert waiting.result(60) == "done"
