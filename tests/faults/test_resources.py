"""Things run out or die inside: a worker process, the disk, time for one message."""

from __future__ import annotations

import os
import resource
import signal
import time

import pytest
from rig import invariants
from rig.inside import eventually
from rig.messages import admission
from rig.partners import Acked
from rig.region import Destination
from rig.wire import ask, code

KILLS = 4


@pytest.mark.slow
def test_a_killed_worker_costs_at_most_its_message(rig):
    sink = rig.partner("mllp_sink", "ziel")
    rig.serve(destinations=(Destination("ziel", sink.port, idempotent=False),))
    hospital = rig.hospital("--vary", "--count", "400", "--connections", "8", "--patients", "25",
        "--rate", "80",
    )  # fmt: skip
    for _ in range(KILLS):
        eventually(rig.gateway.workers, "a worker runs")
        time.sleep(0.7)
        for pid in rig.gateway.workers()[:1]:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.3)
    assert hospital.finish()["codes"] == {"CA": 400}
    eventually(lambda: not rig.inside.undone(), "everything is delivered", 60)
    quarantined = [one for one in rig.inside.messages() if one.state == "quarantined"]
    assert len(quarantined) <= KILLS
    assert rig.gateway.stop() == 0
    sink.stop()
    costly = {one.control_id for one in quarantined}
    whole = [one for one in hospital.acked() if one.control_id not in costly]
    assert not invariants.lost(hospital.acked(), rig.inside)
    assert not invariants.missing(whole, sink.received())
    assert not invariants.disordered(sink.received())
    assert invariants.duplicates(sink.received()) == 0


def test_a_message_that_kills_its_worker_again_is_quarantined_and_the_next_one_goes(sqlite_rig):
    """A stopped worker stands for a translation that never ends."""
    rig = sqlite_rig
    rig.serve(extra='[pipeline]\nmessage_timeout = "1s"\n')
    for pid in rig.gateway.workers():
        os.kill(pid, signal.SIGSTOP)
    assert code(ask(rig.region, admission("POISON", "77001"))) == "CA"
    (poisoned,) = rig.inside.messages()
    assert (poisoned.state, poisoned.reason) == ("quarantined", "time-limit")
    assert [one.number for one in rig.inside.worklist()] == [poisoned.number]
    assert code(ask(rig.region, admission("NEXT", "77002"))) == "CA"
    assert rig.inside.messages()[-1].state == "unrouted"


def test_a_full_disk_gives_no_acknowledgement_and_the_gateway_recovers(sqlite_rig):
    rig = sqlite_rig
    sink = rig.partner("mllp_sink", "ziel")
    rig.serve(destinations=(Destination("ziel", sink.port, idempotent=False),))
    acked = []

    def send(name):
        answer = code(ask(rig.region, admission(name, minute=len(acked))))
        if answer == "CA":
            acked.append(Acked(name, "", ""))
        return answer

    assert send("BEFORE") == "CA"
    _, hard = resource.prlimit(rig.gateway.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(rig.gateway.pid, resource.RLIMIT_FSIZE, (1, hard))
    for number in range(5):
        assert send(f"FULL{number}") == ""
        assert rig.gateway.running
    resource.prlimit(rig.gateway.pid, resource.RLIMIT_FSIZE, (hard, hard))
    eventually(lambda: send("AFTER") == "CA", "the gateway stores again")
    assert send("FULL0") == "CA"
    eventually(lambda: not rig.inside.undone(), "everything is delivered")
    assert not invariants.lost(acked, rig.inside)
    assert {one.control_id for one in rig.inside.messages()} == {"BEFORE", "AFTER", "FULL0"}
    eventually(lambda: not rig.inside.unnumbered(), "the audit log goes on")
    assert not invariants.unproven(rig.inside)
    assert rig.gateway.stop() == 0
    sink.stop()
    assert invariants.duplicates(sink.received()) == 0
