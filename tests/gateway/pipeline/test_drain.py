"""The drain: batches by itself, keeps the order, and lets one bad entry fail alone."""

from __future__ import annotations

import asyncio
import threading

import pytest

from gateway.pipeline.drain import Drain
from profiles.issue import Unavailable


def run(scenario):
    return asyncio.run(asyncio.wait_for(scenario(), 30))


def test_entries_that_come_while_the_writer_works_are_one_batch(store):
    batches = []
    release = threading.Event()

    def work(tx, entries):
        batches.append(list(entries))
        release.wait(10)
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
