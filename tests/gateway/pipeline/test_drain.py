"""The drain: batches by itself, keeps the order, and lets one bad entry fail alone."""

from __future__ import annotations

import asyncio
import threading

import pytest

from gateway.pipeline.drain import ENOUGH, Drain
from profiles.issue import Unavailable

#: Longer than any test.
HOUR = 3_600.0


def run(scenario):
    return asyncio.run(asyncio.wait_for(scenario(), 30))


def test_entries_that_come_while_the_writer_works_are_one_batch(store):
    batches = []
    release = threading.Event()

    def work(tx, entries):
        batches.append(list(entries))
        release.wait(60)
        return entries

    async def scenario():
        drain = Drain(store.writer, work)
        first = drain.submit(0)
        while not batches:  # noqa: ASYNC110 - the writer's thread has to take the first one
            await asyncio.sleep(0.001)
        rest = [drain.submit(n) for n in range(1, 6)]
        release.set()
        return await asyncio.gather(first, *rest)

    assert run(scenario) == list(range(6))
    assert batches == [[0], [1, 2, 3, 4, 5]]


def test_a_bad_entry_fails_alone_and_nothing_overtakes_its_neighbours(store):
    done = []

    def work(tx, entries):
        if 3 in entries:
            raise ValueError("bad")
        return entries

    async def scenario():
        drain = Drain(store.writer, work)
        futures = [drain.submit(n) for n in range(8)]
        for future in futures:
            future.add_done_callback(
                lambda f: done.append(f.result() if f.exception() is None else "bad")
            )
        return await asyncio.gather(*futures, return_exceptions=True)

    results = run(scenario)
    assert isinstance(results[3], ValueError)
    assert [r for r in results if not isinstance(r, ValueError)] == [0, 1, 2, 4, 5, 6, 7]
    assert done == [0, 1, 2, "bad", 4, 5, 6, 7]


def test_a_closed_store_is_unavailable_at_once(store):
    store.writer.close()

    async def scenario():
        return await Drain(store.writer, lambda tx, entries: entries).submit(1)

    with pytest.raises(Unavailable):
        run(scenario)


def batches_of(store, moment, coming):
    """Submit one entry for each number of entries still to come; return the batches made."""
    made, left = [], 0

    def work(_, entries):
        made.append(list(entries))
        return list(entries)

    async def scenario():
        nonlocal left
        drain = Drain(store.writer, work, coming=lambda: left, moment=moment)
        waiting = []
        for entry, left in enumerate(coming):  # noqa: B007 - the drain reads it
            waiting.append(drain.submit(entry))
            await asyncio.sleep(0)
        assert await asyncio.gather(*waiting) == list(range(len(coming)))

    run(scenario)
    return made


def test_a_lone_entry_waits_for_nobody(store):
    assert batches_of(store, HOUR, [0]) == [[0]]


def test_a_batch_waits_until_as_many_have_come_as_are_still_to_come(store):
    first, *_ = batches_of(store, HOUR, [7, 6, 5, 4, 3, 2, 1, 0])
    assert first[:4] == [0, 1, 2, 3]


def test_a_batch_waits_no_longer_than_its_moment_for_what_does_not_come(store):
    assert batches_of(store, 0.001, [1_000]) == [[0]]


def test_a_large_batch_waits_for_no_more(store):
    first, *_ = batches_of(store, HOUR, [1_000] * ENOUGH)
    assert first == list(range(ENOUGH))
