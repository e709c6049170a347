"""Worker processes: order kept, faults confined to one message."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys

import pytest

from gateway.pipeline.rest.asked import Check, Kind
from gateway.pipeline.rest.check import Checker
from gateway.pipeline.translated import Job, Limits
from gateway.pipeline.worker import LENGTH, SHARED_BYTES, Answered, Answers
from gateway.pipeline.workers import WorkerPool
from profiles.issue import Unavailable


@pytest.fixture
def store_url(empty_sqlite, tmp_path):
    """One database is enough: workers see none."""
    shutil.copy(empty_sqlite, tmp_path / "store.db")
    return f"sqlite:///{tmp_path / 'store.db'}"


def jobs(world, build, count):
    made = []
    for number in range(count):
        data = build.message(control=f"M{number}", patient=f"P{number}", visit=f"V{number}")
        made.append(job(world, number, data))
    return made


def job(world, number, data):
    return Job(number, "kis", "hl7v2", f"M{number}", world.keys.digest(data), 1, data)


def run(world, scenario, *, processes=1, **limits):
    config = world.config
    if limits:
        from dataclasses import replace

        config = replace(config, limits=Limits(**limits))

    async def main():
        pool = WorkerPool(config, processes=processes)
        await pool.start()
        try:
            return await scenario(pool)
        finally:
            await pool.stop()

    return asyncio.run(main())


def test_what_answers_share_is_sent_once_in_a_while_and_reads_the_same():
    answers, answered = Answers(), Answered()
    ward = b"ward" * 20_000
    sizes = []
    for number in range(40):
        value = [ward, b"%d" % number * 10_000, b"x" * (2 * SHARED_BYTES if number == 20 else 0)]
        content = answers.write(value)
        sizes.append(len(content))
        assert answered.read(bytearray(content)) == value
    assert sum(size > len(ward) for size in sizes) < 5


def test_a_worker_gives_what_translating_in_process_gives(world, build):
    from gateway.pipeline.translate import translate

    (one,) = jobs(world, build, 1)

    async def scenario(pool):
        return await pool.submit(one)

    assert run(world, scenario) == translate(one, world.prepared)


def test_jobs_of_one_key_come_back_in_order(world, build):
    order = []

    async def scenario(pool):
        futures = [pool.submit(one, b"same") for one in jobs(world, build, 12)]
        for future in futures:
            future.add_done_callback(lambda done: order.append(done.result().number))
        await asyncio.gather(*futures)

    run(world, scenario, processes=2)
    assert order == list(range(12))


def test_a_killed_worker_loses_no_message(world, build):
    async def scenario(pool):
        futures = [pool.submit(one) for one in jobs(world, build, 40)]
        await futures[3]
        (pid,) = pool.processes()
        os.kill(pid, signal.SIGKILL)
        return await asyncio.gather(*futures)

    done = run(world, scenario)
    assert [one.number for one in done] == list(range(40))
    assert {one.outcome for one in done} == {"stored"}


def test_a_message_that_overruns_its_time_is_quarantined_and_the_others_go_on(world, build):
    endless = build.message(
        control="M9", extra=[f"NK1|{n}|Muster^Kind{n}^^^^^L|CHD" for n in range(60_000)]
    )

    async def scenario(pool):
        before, after = jobs(world, build, 2)
        futures = [pool.submit(before), pool.submit(job(world, 9, endless)), pool.submit(after)]
        return await asyncio.gather(*futures)

    first, poison, last = run(world, scenario, seconds=1.5)
    assert (poison.outcome, poison.reason) == ("quarantined", "time-limit")
    assert poison.answer.split(b"\rMSA|")[1].startswith(b"AA|M9")
    assert {first.outcome, last.outcome} == {"stored"}


def test_another_configuration_holds_for_the_jobs_that_follow(world, build):
    one, two = jobs(world, build, 2)

    async def scenario(pool):
        before = pool.submit(one)
        from dataclasses import replace

        pool.configure(replace(world.config, region=build.region(routes={})))
        return await asyncio.gather(before, pool.submit(two))

    with_route, without = run(world, scenario)
    assert with_route.matches
    assert not without.matches


def test_a_configuration_no_worker_can_compile_is_an_error_at_the_start(world, build):
    from dataclasses import replace

    broken = build.region(
        routes={"x": build.replace(world.region.routes["aufnahmen"], criteria="?")}
    )
    world.config = replace(world.config, region=broken)

    async def scenario(pool):
        return None

    with pytest.raises(Unavailable):
        run(world, scenario)


def frame(value):
    body = pickle.dumps(value)
    return LENGTH.pack(len(body)) + body


def between_two_jobs(world, build, parent):
    parent.sendall(frame(world.config))
    parent.recv(LENGTH.size + len(pickle.dumps(None)), socket.MSG_WAITALL)


def while_the_worker_answers(world, build, parent):
    between_two_jobs(world, build, parent)
    parent.sendall(b"".join(map(frame, jobs(world, build, 20))))


def with_an_answer_unread(world, build, parent):
    parent.sendall(frame(world.config))
    parent.recv(1, socket.MSG_PEEK)


def in_the_middle_of_a_frame(world, build, parent):
    parent.sendall(frame(world.config)[:100])


def in_the_middle_of_a_length(world, build, parent):
    parent.sendall(frame(world.config)[:2])


@pytest.mark.parametrize(
    "when",
    [
        between_two_jobs,
        while_the_worker_answers,
        with_an_answer_unread,
        in_the_middle_of_a_frame,
        in_the_middle_of_a_length,
    ],
)
def test_a_worker_whose_parent_is_gone_ends_without_a_word(world, build, when):
    parent, child = socket.socketpair()
    with child:
        worker = subprocess.Popen(
            [sys.executable, "-m", "gateway.pipeline.worker", str(child.fileno())],
            pass_fds=(child.fileno(),),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    with worker:
        with parent:
            when(world, build, parent)
        _, said = worker.communicate(timeout=60)

    assert (worker.returncode, said) == (0, b"")


def written(count=1):
    """A Check of a transaction with so many Patients."""
    entries = [
        {
            "resource": {"resourceType": "Patient", "birthDate": "1951-05-02"},
            "request": {"method": "POST", "url": "Patient"},
        }
    ] * count
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    return Check(kind=Kind.BUNDLE, data=json.dumps(bundle).encode(), validation="none")


def test_a_worker_checks_what_callers_write(world):
    one = Check(kind=Kind.RESOURCE, data=b'{"resourceType":"Patient"}', type="Patient", id="chosen")

    async def scenario(pool):
        return await asyncio.gather(pool.check(one), pool.check(written(3)))

    single, several = run(world, scenario)

    assert single == Checker(world.config).check(one)
    assert [act.type for act in several.acts] == ["Patient"] * 3


def test_what_takes_too_long_to_check_is_refused_and_the_next_is_checked(world):
    async def scenario(pool):
        (process,) = pool.processes()
        os.kill(process, signal.SIGSTOP)
        return await asyncio.gather(pool.check(written()), pool.check(written(2)))

    slow, next_one = run(world, scenario, seconds=1.0)

    assert (slow.refused, slow.issues[0].code) == (422, "too-costly")
    assert len(next_one.acts) == 2
