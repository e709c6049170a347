"""Records placed in an exchange folder: once, numbered without gaps, whole."""

from __future__ import annotations

import itertools
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.domain.folder import Folder
from gateway.endpoints.folder import files
from gateway.endpoints.folder.outbox import NotCollected, Outbox


def outbox(exchange, name="EDV1GTWY.###", **settings):
    return Outbox(Folder(path=str(exchange.path), name=name, **settings))


def test_records_are_numbered_and_the_counter_begins_anew(exchange):
    box = outbox(exchange, "A.#")
    for number in range(1, 12):
        assert box.place(f"D{number}", b"x")
        if number > 8:
            (exchange.path / f"A.{(number - 9) % 9 + 1}").unlink()
    assert exchange.names() == ["A.1", "A.2", "A.4", "A.5", "A.6", "A.7", "A.8", "A.9"]


def test_a_full_counter_waits_until_the_reader_collects(exchange):
    box = outbox(exchange, "A.#")
    for number in range(1, 10):
        box.place(f"D{number}", b"x")
    with pytest.raises(NotCollected):
        box.place("D10", b"x")
    (exchange.path / "A.4").unlink()
    assert box.place("D10", b"y")
    assert (exchange.path / "A.4").read_bytes() == b"y"


def test_a_fixed_name_is_given_once_the_last_file_was_collected(exchange):
    box = outbox(exchange, "EDV1GTWY.GDT")
    box.place("D1", b"one")
    with pytest.raises(NotCollected):
        box.place("D2", b"two")
    (exchange.path / "EDV1GTWY.GDT").unlink()
    assert box.place("D2", b"two")
    assert (exchange.path / "EDV1GTWY.GDT").read_bytes() == b"two"


def test_a_resend_places_nothing_twice_even_when_it_was_collected(exchange):
    box = outbox(exchange)
    assert box.place("D1", b"one")
    assert not box.place("D1", b"one")
    (exchange.path / "EDV1GTWY.001").unlink()
    assert not outbox(exchange).place("D1", b"one")
    assert exchange.names() == []
    assert box.place("D2", b"two")
    assert exchange.names() == ["EDV1GTWY.002"]


def test_several_gateways_give_each_number_once_and_leave_no_gap(exchange):
    def place(gateway):
        box = outbox(exchange)
        for number in range(40):
            box.place(f"G{gateway}N{number}", f"{gateway} {number}".encode())

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(place, range(3)))

    assert exchange.names() == [f"EDV1GTWY.{number:03d}" for number in range(1, 121)]
    contents = {(exchange.path / name).read_bytes() for name in exchange.names()}
    assert len(contents) == 120


def test_files_beside_a_record_are_there_before_it(exchange):
    box = outbox(exchange)
    box.place("D1", b"+BRIEF.PDF", [("BRIEF.PDF", b"%PDF")])
    assert (exchange.path / "BRIEF.PDF").read_bytes() == b"%PDF"
    with pytest.raises(NotCollected):
        box.place("D2", b"+BRIEF.PDF", [("BRIEF.PDF", b"%PDF other")])
    assert exchange.names() == ["BRIEF.PDF", "EDV1GTWY.001"]
    for name in ("../x.pdf", "CON", "C:x", ".x"):
        with pytest.raises(ValueError, match="plain"):
            box.place("D3", b"x", [(name, b"")])


def test_a_reservation_nobody_uses_is_dropped_after_the_lease(exchange):
    box = outbox(exchange, "A.GDT", lease=1)
    box.place("D1", b"x")
    (exchange.path / "A.GDT").unlink()
    (exchange.path / ".gateway/out/taken/A.GDT").write_bytes(b"DEAD")
    assert box.place("D2", b"y")
    assert exchange.names() == ["A.GDT"]


#: Openings, renames and removals in placing a first record with a file beside it.
STEPS = 13

BESIDE = [("BILD.JPG", b"picture")]


def place_and_die(path, fatal):
    """Place a record in a process that is killed -9 before a step; return how it ended."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    steps = itertools.count(1)

    def hook(event, arguments):
        ours = event in {"open", "os.rename", "os.remove"} and str(path) in str(arguments[0])
        if ours and next(steps) == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    Outbox(Folder(path=str(path), name="A.###")).place("D1", b"record", BESIDE)
    os._exit(0)


@pytest.mark.parametrize("fatal", range(1, STEPS + 2))
def test_killed_at_any_step_a_delivery_is_placed_once_by_its_resend(exchange, fatal):
    ended = place_and_die(exchange.path, fatal)
    names = exchange.names()
    assert "BILD.JPG" in names or "A.001" not in names

    box = outbox(exchange, "A.###")
    box.place("D1", b"record", BESIDE)
    box.place("D2", b"next")

    assert {name: (exchange.path / name).read_bytes() for name in exchange.names()} == {
        "A.001": b"record",
        "A.002": b"next",
        "BILD.JPG": b"picture",
    }
    assert ended == (signal.SIGKILL if fatal <= STEPS else 0)


def test_a_sharing_violation_is_waited_out_and_then_told():
    tries = []

    def violated():
        tries.append(1)
        error = PermissionError(13, "in use")
        error.winerror = 32
        if len(tries) < succeeds:
            raise error
        return "done"

    succeeds = 3
    assert files.patiently(violated) == "done"
    tries.clear()
    succeeds = 99
    with pytest.raises(files.Busy):
        files.patiently(violated)


def test_a_rename_onto_an_open_file_is_denied_on_windows_and_waited_out():
    def denied():
        error = PermissionError(13, "denied")
        error.winerror = 5
        raise error

    with pytest.raises(files.Busy):
        files.patiently(denied, held=files.MOVING)
    with pytest.raises(PermissionError):
        files.patiently(denied)


def test_a_refused_permission_is_no_sharing_violation():
    def forbidden():
        raise PermissionError(13, "no")

    with pytest.raises(PermissionError):
        files.patiently(forbidden)
