"""Processes as the operating system sees them: one, or several that share their ports."""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from collections.abc import Callable, Coroutine
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any

from gateway.bootstrap.process import Process
from gateway.domain.log import configure, log
from gateway.settings import Settings

_log = log("group")

#: How a child ends that was told to: by itself, or before it could listen to signals at all.
_IN_ORDER = frozenset({0, -signal.SIGTERM})


def run_one(
    settings: Settings, *, listen: bool = True, shared: bool = False, controls: bool = True
) -> int:
    """Run one process in this one; `shared` shares its ports, `controls` takes commands."""
    configure(json_lines=settings.log.format == "json", level=settings.log.level)
    process = Process(settings, listens=listen, shares_ports=shared, controls=controls)
    return _on_loop(process.run)


def run_group(settings: Settings, *, listen: bool, processes: int) -> int:
    """Run several processes; when one ends without being told to, all end."""
    configure(json_lines=settings.log.format == "json", level=settings.log.level)
    spawn = multiprocessing.get_context("spawn")
    children: list[BaseProcess] = [
        spawn.Process(
            target=run_one,
            args=(settings,),
            kwargs={"listen": listen, "shared": True, "controls": number == 0},
        )
        for number in range(processes)
    ]
    told = False

    def stop(*_: object) -> None:
        # Once only: a second signal would kill a child that has stopped in order and is leaving.
        nonlocal told
        if not told:
            told = True
            _end(children)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    for child in children:
        child.start()
    if told:  # while they were starting: not all of them have heard it
        _end(children)
    wait([child.sentinel for child in children])
    if not told:
        _log.error("process_ended", codes=[child.exitcode for child in children])
        _end(children)
    for child in children:
        child.join()
    return 0 if told and all(child.exitcode in _IN_ORDER for child in children) else 1


def _end(children: list[BaseProcess]) -> None:
    for child in children:
        if child.is_alive():
            child.terminate()


def _on_loop(work: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Run on uvloop where it is installed: its sockets cost half."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work())
