"""A gateway under strace: the order of its system calls, and faults injected into them.

https://man7.org/linux/man-pages/man1/strace.1.html (-e inject); no production code takes part.
"""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_LINE = re.compile(r"(?P<pid>\d+) +(?P<rest>.*)")
_CALL = re.compile(r"(?P<name>\w+)\((?P<arguments>.*)")
_RESUMED = re.compile(r"<\.\.\. (?P<name>\w+) resumed>(?P<arguments>.*)")


@functools.cache
def why_not() -> str:
    """Say why system calls cannot be traced here; empty when they can."""
    program = shutil.which("strace")
    if program is None:
        return "strace is not installed"
    probe = subprocess.run([program, "-D", "-qq", "-e", "trace=none", "true"],
                           capture_output=True, text=True, timeout=30, check=False)  # fmt: skip
    return "" if probe.returncode == 0 else "strace is not permitted to trace here"


def traced(trace: Path, *options: str) -> list[str]:
    """Return the command to run a gateway under; it stays the direct child (-D)."""
    return ["strace", "-D", "-f", "-qq", "-s", "400", "-y", "-o", str(trace), *options, "--"]


@dataclass(frozen=True, slots=True)
class Call:
    """One system call: where it began and ended in the trace."""

    name: str
    arguments: str
    begun: int
    ended: int


def calls(lines: Iterable[str]) -> Iterator[Call]:
    """Read a trace; calls interrupted by other threads are put together."""
    open_calls: dict[str, tuple[str, str, int]] = {}
    for number, line in enumerate(lines):
        match = _LINE.match(line)
        if match is None:
            continue
        pid, rest = match["pid"], match["rest"]
        if resumed := _RESUMED.match(rest):
            name, arguments, begun = open_calls.pop(pid, (resumed["name"], "", number))
            yield Call(name, arguments + resumed["arguments"], begun, number)
        elif call := _CALL.match(rest):
            if "<unfinished ...>" in rest:
                open_calls[pid] = (call["name"], call["arguments"], number)
            else:
                yield Call(call["name"], call["arguments"], number, number)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What a trace says about one acknowledgement."""

    control_id: str
    #: Log pages written after the message was read and synced before the answer was begun.
    synced: bool


def acknowledgements(lines: Iterable[str]) -> list[Acknowledged]:
    """For each positive acknowledgement: was a commit begun and synced since its message came?

    A commit is writes to the write-ahead log followed by a sync that succeeded.
    """
    made = sorted(calls(lines), key=lambda call: call.ended)
    received: dict[str, int] = {}
    commits: list[tuple[int, int]] = []
    first_write = -1
    found = []
    for call in made:
        if call.name in {"read", "recvfrom"} and (control := _control_id(call.arguments)):
            received.setdefault(control, call.ended)
        elif call.name == "pwrite64" and "-wal>" in call.arguments:
            first_write = call.begun if first_write < 0 else first_write
        elif call.name in {"fdatasync", "fsync"} and "-wal>" in call.arguments:
            if first_write >= 0 and call.arguments.rstrip().endswith("= 0"):
                commits.append((first_write, call.ended))
                first_write = -1
        elif call.name in {"sendto", "write", "sendmsg"} and (about := _answered(call.arguments)):
            came = received.get(about, -1)
            synced = any(came < start and end < call.begun for start, end in commits)
            found.append(Acknowledged(about, synced and came >= 0))
    return found


def _control_id(arguments: str) -> str:
    match = re.search(r"\\vMSH(?:\|[^|]*){8}\|([^|\"]+)", arguments)
    return match[1] if match else ""


def _answered(arguments: str) -> str:
    match = re.search(r"\\rMSA\|[AC]A\|([^|\"\\]+)", arguments)
    return match[1] if match else ""
