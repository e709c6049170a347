"""The local socket commands use while a gateway serves."""

from __future__ import annotations

import asyncio
import os
import stat

import pytest

from gateway.operations.control import Control, ask, socket_path, user_name
from profiles.issue import GatewayError, NotConformant, NotPermitted


def _served(path, operations, talk):
    async def run():
        control = Control(path, operations.__getitem__, lambda by: by)
        await control.start()
        try:
            return await asyncio.to_thread(talk)
        finally:
            await control.stop()

    return asyncio.run(run())


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return socket_path(tmp_path / "region")


def test_a_command_reaches_the_serving_process_and_says_who_asks(path):
    def echo(desk, arguments):
        return {"by": desk, "arguments": arguments}

    answer = _served(path, {"echo": echo}, lambda: ask(path, "echo", {"a": [1, "ä"]}))

    assert answer == {"by": user_name(os.getuid()), "arguments": {"a": [1, "ä"]}}


def test_errors_arrive_as_what_they_are(path):
    def wrong(_desk, _arguments):
        raise NotConformant("A verdict is missing.")

    def broken(_desk, _arguments):
        raise ZeroDivisionError

    operations = {"wrong": wrong, "broken": broken}
    with pytest.raises(NotConformant, match="A verdict is missing"):
        _served(path, operations, lambda: ask(path, "wrong", {}))
    for name in ("broken", "unknown"):
        with pytest.raises(GatewayError, match="The operation failed"):
            _served(path, operations, lambda name=name: ask(path, name, {}))


def test_without_a_serving_process_there_is_no_answer(path):
    assert ask(path, "echo", {}) is None
    _served(path, {}, lambda: None)
    assert ask(path, "echo", {}) is None


def test_only_this_user_can_reach_the_socket(path):
    modes = _served(
        path,
        {},
        lambda: [stat.S_IMODE(one.stat().st_mode) for one in (path.parent, path)],
    )

    assert modes == [0o700, 0o700]


def test_a_folder_that_others_can_enter_is_refused(path):
    path.parent.mkdir(parents=True)
    path.parent.chmod(0o755)

    with pytest.raises(NotPermitted):
        _served(path, {}, lambda: None)


def test_a_socket_left_behind_by_a_crash_is_taken_over(path):
    path.parent.mkdir(mode=0o700, parents=True)
    path.touch()

    assert _served(path, {"x": lambda *_: {}}, lambda: ask(path, "x", {})) == {}


def test_the_path_is_short_enough_for_any_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("TMPDIR", "/tmp")

    assert len(str(socket_path(tmp_path / ("x" * 200)))) < 107
