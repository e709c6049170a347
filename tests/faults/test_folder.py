"""Exchange folders and real processes: killed between two steps, two gateways on one folder."""

from __future__ import annotations

import dataclasses
import shutil

import pytest
from rig import invariants
from rig.exchange import describe, drop, register, visible
from rig.gateway import Gateway
from rig.inside import Inside, eventually
from rig.region import free_port

#: Ends the process before the first file operation whose path fits; imported at start.
_FAULT = """
import os, re, signal, sys
event, _, path = os.environ.get("FAULT_AT", "").partition(" ")
def hook(name, arguments):
    if name == event and re.search(path, str(arguments[0])):
        os.kill(os.getpid(), signal.SIGKILL)
if event:
    sys.addaudithook(hook)
"""


@pytest.fixture
def exchange(sqlite_rig):
    """A gateway with exchange folders; nothing runs yet."""
    (sqlite_rig.folder / "fault").mkdir()
    (sqlite_rig.folder / "fault" / "sitecustomize.py").write_text(_FAULT)
    describe(sqlite_rig.region)
    register(sqlite_rig.region)
    return sqlite_rig


#: The first word is the operation before which the gateway ends, if the path fits.
POINTS = (
    "open ein/.gateway/in/[0-9a-f]+$",  # between claim and store
    "open ein/.gateway/in/[0-9a-f]+/KIS",  # while a record is read
    "os.remove ein/.gateway/in/",  # between store and deletion
    "open aus/.gateway/out/placed/",  # between a number and its file
    "open aus$",  # between rename and commit
)


@pytest.mark.slow
def test_a_gateway_killed_between_two_steps_takes_and_places_each_record_once(exchange):
    for number, point in enumerate(POINTS):
        fault = {"FAULT_AT": point, "PYTHONPATH": str(exchange.folder / "fault")}
        exchange.gateway.start(environment=fault)
        drop(exchange.folder / "ein", number * 3 + 1, number * 3 + 3)
        assert exchange.gateway.wait_dead() == -9, point
    exchange.gateway.start()

    eventually(lambda: len(visible(exchange.folder / "ein")) == 15, "every record is answered")
    eventually(lambda: not exchange.inside.undone(), "everything is placed")
    numbers = range(1, 16)
    assert [one.control_id for one in exchange.inside.messages()] == [f"FILE{n}" for n in numbers]
    assert exchange.inside.states() == {"delivered": 15}
    assert visible(exchange.folder / "aus") == [f"EDV1GTWY.{n:03d}" for n in numbers]
    assert visible(exchange.folder / "ein") == [f"KIS.{n:03d}.ack" for n in numbers]
    assert b"MSA|CA|FILE2" in (exchange.folder / "ein" / "KIS.002.ack").read_bytes()
    assert not invariants.unproven(exchange.inside)
    assert exchange.gateway.stop() == 0


@pytest.mark.slow
def test_two_gateways_on_one_folder_take_each_record_once(exchange):
    other = exchange.folder.with_name("other")
    shutil.copytree(exchange.folder, other)
    twin = dataclasses.replace(
        exchange.region, folder=other, mllp_port=free_port(), http_port=free_port()
    )
    register(twin)
    second, beside = Gateway(twin), Inside(twin)
    drop(exchange.folder / "ein", 1, 40)
    exchange.gateway.start()
    try:
        second.start()
        eventually(lambda: len(visible(exchange.folder / "ein")) == 40, "all are answered")
        eventually(
            lambda: not exchange.inside.undone() and not beside.undone(), "everything is placed"
        )
        found = [one.control_id for look in (exchange.inside, beside) for one in look.messages()]
        assert sorted(found) == sorted(f"FILE{number}" for number in range(1, 41))
        assert visible(exchange.folder / "aus") == [f"EDV1GTWY.{n:03d}" for n in range(1, 41)]
        assert second.stop() == 0
        assert exchange.gateway.stop() == 0
    finally:
        second.end()
