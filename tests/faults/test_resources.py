"""Things run out or die inside: a worker process, the disk, time for one message."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rig import invariants
from rig.inside import eventually
from rig.messages import admission
from rig.partners import Acked
from rig.region import TOKEN, Destination
from rig.wire import Line, ask, code

KILLS = 4


@pytest.mark.slow
def test_a_killed_worker_costs_at_most_its_message(rig):
    sink = rig.partner("mllp_sink", "ziel")
    rig.serve(destinations=(Destination("ziel", sink.port, idempotent=False),))
    hospital = rig.hospital("--vary", "--count", "400", "--connections", "8", "--patients", "25",
        "--rate", "80",
    )  # fmt: skip
    for _ in range(KILLS):
        hospital.flow(8)  # one that has not begun to work yet dies of something else
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
    rig.serve(extra='[pipeline]\nworkers = 1\nmessage_timeout = "2s"\n')
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


def test_without_free_descriptors_new_senders_wait_and_those_connected_are_served(sqlite_rig):
    rig = sqlite_rig
    sink = rig.partner("mllp_sink", "ziel")
    rig.serve(destinations=(Destination("ziel", sink.port, idempotent=True),))
    with Line(rig.region) as line:
        assert code(line.ask(admission("F0", minute=0))) == "CA"
        eventually(lambda: rig.inside.states() == {"delivered": 1}, "the partner is connected")
        _, hard = resource.prlimit(rig.gateway.pid, resource.RLIMIT_NOFILE)
        used = 1 + max(int(one.name) for one in Path(f"/proc/{rig.gateway.pid}/fd").iterdir())
        resource.prlimit(rig.gateway.pid, resource.RLIMIT_NOFILE, (used, hard))
        refused = 0
        with contextlib.ExitStack() as closing:
            others = [closing.enter_context(Line(rig.region, timeout=0.5)) for _ in range(6)]
            for number in range(1, 9):
                assert code(line.ask(admission(f"F{number}", minute=number))) == "CA"
            for number, other in enumerate(others):
                with contextlib.suppress(TimeoutError):
                    refused += other.ask(admission(f"G{number}", f"78{number:03d}")) is None
                    continue
                refused += 1
        assert refused
        eventually(lambda: rig.inside.states()["delivered"] >= 9, "delivery goes on")
        resource.prlimit(rig.gateway.pid, resource.RLIMIT_NOFILE, (hard, hard))
    eventually(lambda: code(ask(rig.region, admission("LATER", minute=30))) == "CA", "new ones")
    eventually(lambda: not rig.inside.undone(), "everything is delivered")
    assert not invariants.outcomes(rig.inside)
    assert not invariants.unproven(rig.inside)
    assert rig.gateway.stop() == 0


MEGABYTE = 1 << 20


@pytest.mark.slow
def test_many_big_messages_are_taken_in_turn_or_refused_and_memory_stays_bounded(sqlite_rig):
    rig = sqlite_rig
    rig.serve(extra='[mllp]\nheld = "24MB"\n', http='held = "32MB"')
    pid = rig.gateway.pid
    data = Path(f"/proc/{pid}/status").read_text().partition("VmData:")[2].split()[0]
    limit = int(data) * 1024 + 350 * MEGABYTE
    resource.prlimit(pid, resource.RLIMIT_DATA, (limit, limit))

    def send(number):
        big = admission(f"BIG{number}", f"79{number:03d}") + b"NTE|1||" + b"x" * 4 * MEGABYTE
        with Line(rig.region, timeout=60) as line:
            return code(line.ask(big + b"\r"))

    def post(_):
        request = urllib.request.Request(
            f"http://127.0.0.1:{rig.region.http_port}/inbound/praxis-senden",
            data=b"[" + b" " * 12 * MEGABYTE,
            headers={"content-type": "application/fhir+json", "authorization": f"Bearer {TOKEN}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except (urllib.error.URLError, ConnectionError):  # refused before the body was read
            return 503

    with ThreadPoolExecutor(40) as senders:
        assert set(senders.map(send, range(40))) == {"CA"}
        assert set(senders.map(post, range(40))) == {400, 503}
    assert rig.gateway.running
    assert sum(one.answer_code == "CA" for one in rig.inside.messages()) == 40
    assert code(ask(rig.region, admission("SMALL"))) == "CA"
    assert "MemoryError" not in rig.gateway.log.read_text()
    assert rig.gateway.stop() == 0
