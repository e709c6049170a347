"""The writer: groups, savepoints, failures."""

from __future__ import annotations

import threading

import pytest

from gateway.store import open_store
from profiles.issue import NotConformant, Unavailable


def _note(key, value="x"):
    def job(tx):
        tx.unit.db.execute("INSERT INTO meta (key, value) VALUES (?, ?)", (key, value))
        return key

    return job


def _notes(store):
    with store.reader.view() as view:
        return {key for (key,) in view.db.query("SELECT key FROM meta WHERE key LIKE 'n%'")}


def test_a_job_returns_its_result_after_the_commit(store):
    assert store.writer.submit(_note("n1")).result(60) == "n1"
    assert _notes(store) == {"n1"}


def test_only_the_failing_job_of_a_group_is_undone(store):
    gate = threading.Event()

    def wait(_):
        gate.wait(60)

    def fail(tx):
        tx.unit.db.execute("INSERT INTO meta (key, value) VALUES ('n-bad', '')")
        tx.add_identifiers([(b"\x07" * 16, 7)])
        raise NotConformant("poison")

    first = store.writer.submit(wait)
    futures = [store.writer.submit(job) for job in (_note("n1"), fail, _note("n2"))]
    gate.set()
    first.result(60)
    assert futures[0].result(60) == "n1"
    assert futures[2].result(60) == "n2"
    with pytest.raises(NotConformant):
        futures[1].result(60)
    assert _notes(store) == {"n1", "n2"}
    find = store.writer.submit(lambda tx: tx.resources_by_identifier([b"\x07" * 16]))
    assert find.result(60) == {}


def test_what_the_database_refuses_late_undoes_only_the_job_that_wrote_it(store):
    gate = threading.Event()

    def refused(tx):
        tx.unit.db.execute("INSERT INTO meta (key, value) VALUES ('n-bad', NULL)")
        return "unaware"

    first = store.writer.submit(lambda _: gate.wait(60))
    futures = [store.writer.submit(job) for job in (_note("n1"), refused, _note("n2"))]
    gate.set()
    first.result(60)
    assert [futures[0].result(60), futures[2].result(60)] == ["n1", "n2"]
    assert isinstance(futures[1].exception(10), Exception)
    assert _notes(store) == {"n1", "n2"}
    # Alone in its group as well: it raises, and the store goes on.
    assert isinstance(store.writer.submit(refused).exception(10), Exception)
    assert store.writer.submit(_note("n3")).result(60) == "n3"


def test_jobs_run_in_the_order_they_were_submitted(store):
    seen = []
    futures = [store.writer.submit(lambda _tx, n=n: seen.append(n)) for n in range(50)]
    for future in futures:
        future.result(60)
    assert seen == list(range(50))


def test_a_database_failure_is_unavailable_for_the_whole_group_and_passes(store):
    def broken(tx):
        raise_failure(tx.unit.db)

    def raise_failure(db):
        db.close()
        db.query("SELECT 1")

    with pytest.raises(Unavailable):
        store.writer.submit(broken).result(60)
    assert store.writer.submit(_note("n1")).result(60) == "n1"
    assert _notes(store) == {"n1"}


def test_a_closed_store_takes_no_jobs(store):
    store.close()
    with pytest.raises(Unavailable):
        store.writer.submit(_note("n1"))


def test_what_is_queued_is_done_before_closing(store_url, keys, clock):
    store = open_store(store_url, keys, clock=clock)
    futures = [store.writer.submit(_note(f"n{n}")) for n in range(20)]
    store.close()
    assert [future.result(0) for future in futures] == [f"n{n}" for n in range(20)]


def test_a_sqlite_store_has_one_owner(store, store_url, keys, clock):
    if not store_url.startswith("sqlite"):
        pytest.skip("several processes share PostgreSQL")
    with pytest.raises(Unavailable, match="another gateway"):
        open_store(store_url, keys, clock=clock)
    beside = open_store(store_url, keys, clock=clock, read_only=True)
    with pytest.raises(Unavailable):
        _ = beside.writer
    beside.close()


def test_listeners_are_told_after_each_commit(store):
    told = threading.Event()
    store.writer.after_commit(told.set)
    store.writer.submit(_note("n1")).result(60)
    assert told.wait(60)


def test_row_numbers_are_never_used_twice(store_url, keys, clock):
    def take(opened):
        return opened.writer.submit(lambda tx: tx.reserve("message", 3)).result(60)

    store = open_store(store_url, keys, clock=clock)
    first = take(store) + take(store)
    assert len(set(first)) == 6
    store.close()
