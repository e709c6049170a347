"""No acknowledgement before the bytes are on the disk (delivery rule D1).

kill -9 does not show it: the page cache survives. The order of system calls does, and so does
a sync that fails, and a kill at exactly the moments between writing, syncing and answering.
"""

from __future__ import annotations

import pytest
from rig import invariants, tracing
from rig.inside import eventually
from rig.messages import admission
from rig.partners import Acked
from rig.region import Destination
from rig.tracing import acknowledgements, traced
from rig.wire import Line, ask, code

SYNC = "fdatasync"


@pytest.fixture
def strace():
    if why := tracing.why_not():
        pytest.skip(why)


def test_the_trace_reader_sees_an_answer_before_the_sync():
    came = r'7 recvfrom(9<socket:[1]>, "\vMSH|^~\\&|A|B|C|D|2026||ADT^A01|X1|P|2.5\r", 1) = 9'
    wrote = "8 pwrite64(4</x/gateway.db-wal>, ..., 24, 32) = 24"
    synced = "8 fdatasync(4</x/gateway.db-wal>) = 0"
    failed = "8 fdatasync(4</x/gateway.db-wal>) = -1 EIO (Input/output error)"
    said = r'7 sendto(9<socket:[1]>, "\vMSH|^~\\&|C\rMSA|AA|X1\r\34\r", 1, 0) = 1'
    early = [wrote, synced, came, wrote, said, synced]
    begun = [came, wrote, synced[:-5] + " <unfinished ...>", said, "8 <... fdatasync resumed>) = 0"]
    assert [one.synced for one in acknowledgements([came, wrote, synced, said])] == [True]
    for bad in (early, begun, [came, wrote, failed, said], [wrote, synced, came, said]):
        assert [one.synced for one in acknowledgements(bad)] == [False]


def test_no_acknowledgement_leaves_before_its_commit_is_synced(sqlite_rig, strace):
    rig = sqlite_rig
    rig.region.apply()
    trace = rig.folder / "trace"
    calls = f"trace=read,recvfrom,write,sendto,sendmsg,pwrite64,{SYNC},fsync"
    rig.gateway.start(prefix=traced(trace, "-e", calls))
    names = [f"SYNC{number:04d}" for number in range(40)]
    with Line(rig.region) as line:
        for name in names:
            assert code(line.ask(admission(name))) == "CA"
    assert rig.gateway.stop() == 0
    with trace.open(encoding="utf-8", errors="replace") as lines:
        seen = acknowledgements(lines)
    assert [one.control_id for one in seen] == names
    assert [one.control_id for one in seen if not one.synced] == []


def test_a_sync_that_fails_gives_no_acknowledgement_and_the_gateway_recovers(sqlite_rig, strace):
    rig = sqlite_rig
    rig.region.apply()
    # Two failures among many: which message they meet does not matter.
    inject = f"inject={SYNC}:error=EIO:when=12..24+6"
    rig.gateway.start(
        prefix=traced(
            rig.folder / "trace", "-e", f"trace={SYNC}", "-e", inject, "-e", "signal=none"
        )
    )
    acked, silent = [], 0
    for number in range(30):
        name = f"EIO{number:04d}"
        if code(ask(rig.region, admission(name))) == "CA":
            acked.append(Acked(name, "", ""))
        else:
            silent += 1
            assert rig.gateway.running
            eventually(
                lambda again=name: code(ask(rig.region, admission(again))) == "CA", "again stored"
            )
    assert silent
    assert not invariants.lost(acked, rig.inside)
    assert len(rig.inside.messages()) == 30
    assert rig.gateway.stop() == 0
    assert not invariants.unproven(rig.inside)


#: Where the process is killed, at the how-manieth such call counted from the first message.
MOMENTS = [
    *((call, number) for call in ("pwrite64", SYNC) for number in (1, 2)),
    # Answers, and whatever else is written to sockets and between threads.
    *(("write,sendto,sendmsg", number) for number in range(1, 7)),
]


@pytest.mark.slow
def test_killed_between_write_sync_and_answer_nothing_acknowledged_is_lost(sqlite_rig, strace):
    rig = sqlite_rig
    sink = rig.partner("mllp_sink", "ziel")
    rig.region.destinations = (Destination("ziel", sink.port, idempotent=True),)
    rig.region.apply()
    acked = []
    for moment, (call, number) in enumerate(MOMENTS):
        trace = rig.folder / "trace"
        rig.gateway.start()
        killer = _attach(rig.gateway.pid, trace, call, number)
        for minute in range(12):
            name = f"K{moment:02d}{minute:02d}"
            try:
                answer = ask(rig.region, admission(name, f"77{moment:02d}", minute))
            except OSError:
                break
            if code(answer) == "CA":
                acked.append(Acked(name, "", ""))
            else:
                break
        assert rig.gateway.wait_dead() == -9, (call, number)
        killer.wait(60)
        assert not invariants.lost(acked, rig.inside), (call, number)
    rig.gateway.start()
    for moment in range(len(MOMENTS)):
        for minute in range(12):
            name = f"K{moment:02d}{minute:02d}"
            assert code(ask(rig.region, admission(name, f"77{moment:02d}", minute))) == "CA"
    eventually(lambda: not rig.inside.undone(), "everything is delivered")
    assert rig.gateway.stop() == 0
    sink.stop()
    assert len(rig.inside.messages()) == len(MOMENTS) * 12
    assert not invariants.outcomes(rig.inside)
    assert not invariants.unproven(rig.inside)
    assert not invariants.unlike(sink.received())


def _attach(pid, trace, call, number):
    """Let strace kill a running process at its n-th call of a kind; return once it watches."""
    import subprocess
    import time
    from pathlib import Path

    killer = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", str(trace), "-p", str(pid), "-e", f"trace={call}",
         "-e", f"inject={call}:signal=KILL:when={number}"],
    )  # fmt: skip
    while "TracerPid:\t0" in Path(f"/proc/{pid}/status").read_text():
        assert killer.poll() is None
        time.sleep(0.02)
    time.sleep(0.2)  # the other threads follow one by one
    return killer
