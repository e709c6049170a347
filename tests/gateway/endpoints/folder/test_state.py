"""How an exchange folder looks from outside."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from gateway.domain.folder import Folder
from gateway.endpoints.folder.state import State, state

NOBODY = 65_534


def test_what_waits_and_what_is_odd_is_counted(exchange):
    for name in ("A.GDT", "B.001", "BILD.JPG", "CON.GDT", ".versteckt"):
        exchange.put(name)
    os.utime(exchange.path / "A.GDT", (1_000, 1_000))
    (exchange.path / "fehler").mkdir()
    exchange.put("fehler/X.GDT")
    exchange.put("fehler/X.GDT.txt")
    folder = Folder(path=str(exchange.path))

    found = state(folder, "in", 1_060.0)
    assert (found.waiting, found.errors, found.refused) == (2, 1, 1)
    assert found.oldest == pytest.approx(60.0)
    assert not found.overdue(folder)
    assert state(Folder(path=str(exchange.path), name="B.###"), "out", 0.0).waiting == 1


def test_a_folder_that_is_away_or_no_folder_is_told(exchange):
    assert state(Folder(path=str(exchange.path / "x")), "in", 0.0) == State(fault="missing")
    exchange.put("x")
    assert state(Folder(path=str(exchange.path / "x")), "in", 0.0).fault == "not reachable"


def test_a_folder_nobody_may_write_to_is_told():
    with tempfile.TemporaryDirectory(dir="/dev/shm") as place:
        Path(place).chmod(0o555)
        child = os.fork()
        if not child:
            if os.geteuid() == 0:
                os.setegid(NOBODY)
                os.seteuid(NOBODY)
            told = state(Folder(path=place), "in", 0.0).fault
            os._exit(7 if told == "not permitted" else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
