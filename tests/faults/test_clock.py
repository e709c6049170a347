"""Clocks that are wrong: they jump under a running gateway, or differ between two machines.

libfaketime moves the wall clock alone; durations go by the monotonic one.
https://github.com/wolfcw/libfaketime
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from rig import invariants
from rig.inside import eventually
from rig.messages import admission
from rig.region import Destination
from rig.wire import ask, code

from tests.ports import free_port

_LIBRARY = "usr/lib/*/faketime/libfaketimeMT.so.1"


@pytest.fixture
def faketime():
    """The library that moves a process's wall clock."""
    found = next(Path("/").glob(_LIBRARY), None)
    return found or pytest.skip("faketime is not installed")


class Clock:
    """The wall clock of one process and its workers."""

    def __init__(self, library: Path, folder: Path) -> None:
        """Begin with the machine's time."""
        self._file = folder / "clock"
        self.set("+0")
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, offset: str) -> None:
        """Let the clock show another time, from now on."""
        part = self._file.with_suffix(".part")
        part.write_text(f"{offset}\n")
        part.replace(self._file)


@pytest.mark.slow
def test_a_clock_that_jumps_loses_no_lease_and_keeps_nothing_waiting(sqlite_rig, faketime):
    rig = sqlite_rig
    slow = rig.partner("mllp_sink", "ziel", "--mode", "slow", "--delay", "7", "--first", "1")
    rig.region.destinations = (
        Destination("ziel", slow.port, idempotent=False, timeout="15s"),
        Destination("fort", free_port(), retry='{ attempts = 99, first = "1s", most = "2s" }'),
    )
    rig.region.apply()
    clock = Clock(faketime, rig.folder)
    rig.gateway.start(environment=clock.environment)
    assert code(ask(rig.region, admission("DAY", "77001", 1))) == "CA"
    eventually(lambda: rig.inside.states("ziel") == {"inflight": 1}, "it is on the wire")
    # A day later leases seem over, but who holds them is still at work.
    clock.set("+1d")
    eventually(lambda: rig.inside.states("ziel") == {"delivered": 1}, "it is delivered once")
    assert code(ask(rig.region, admission("FUTURE", "77002", 2))) == "CA"
    clock.set("-1h")
    # Dated a day ahead, and yet not waiting for it.
    assert code(ask(rig.region, admission("PAST", "77003", 3))) == "CA"
    eventually(lambda: rig.inside.states("ziel") == {"delivered": 3}, "nothing waits for the clock")
    shown = time.time() - 3_600
    late = [one for one in rig.inside.deliveries("fort") if one.next_at / 1e6 > shown + 10]
    assert not late
    eventually(lambda: not invariants.unproven(rig.inside), "the audit log keeps its order")
    assert rig.gateway.stop() == 0
    slow.stop()
    assert "lease_lost" not in rig.gateway.log.read_text()
    # Order is a patient's own: the second and the third patient may overtake each other.
    received = [line["patient"] for line in slow.received()]
    assert received[0] == "77001"
    assert sorted(received[1:]) == ["77002", "77003"]
    assert not invariants.outcomes(rig.inside)


@pytest.mark.slow
@pytest.mark.postgres
def test_machines_five_minutes_apart_keep_leases_back_off_and_order(postgres_rig, faketime):
    rig = postgres_rig
    slow = rig.partner("mllp_sink", "ziel", "--mode", "slow", "--delay", "0.5")
    gone = Destination("fort", free_port(), retry='{ attempts = 99, first = "1s", most = "2s" }')
    rig.region.destinations = (Destination("ziel", slow.port, idempotent=False), gone)
    rig.region.apply()
    ahead = Clock(faketime, rig.folder)
    ahead.set("+5m")
    rig.gateway.start(environment=ahead.environment)
    second, inside = rig.second()
    behind = Clock(faketime, second.region.folder)
    behind.set("-5m")
    second.start(environment=behind.environment)
    for number in range(8):
        message = admission(f"TWO{number}", f"7700{number % 3}", number)
        assert code(ask(rig.region, message)) == "CA"
    eventually(lambda: inside.states("ziel") == {"delivered": 8}, "everything is delivered")
    # Pauses are the database's: neither none at all nor five minutes more.
    waiting = [one.next_at / 1e6 - time.time() for one in inside.deliveries("fort")]
    assert all(abs(seconds) < 60 for seconds in waiting), waiting
    assert max(one.attempts for one in inside.deliveries("fort")) < 12
    eventually(lambda: not invariants.unproven(inside), "the audit log keeps its order")
    assert rig.gateway.stop() == 0
    assert second.stop() == 0
    slow.stop()
    assert invariants.duplicates(slow.received()) == 0
    assert not invariants.disordered(slow.received())
    assert not invariants.outcomes(inside)
