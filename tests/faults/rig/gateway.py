"""One serving gateway process: started, killed, stopped, restarted."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.operations.control import answers, socket_path
from rig.region import ROOT, Region

START_SECONDS = 120.0
#: How long the workers may outlive their parent.
ORPHAN_SECONDS = 30.0


class Gateway:
    """`gateway serve` (or `work`) on a region, in a process group of its own."""

    def __init__(self, region: Region, command: str = "serve", *options: str) -> None:
        """Describe it; nothing runs yet."""
        self.region = region
        self._command = (command, *options)
        self.log = region.folder / "serve.log"
        self.process: subprocess.Popen[bytes] | None = None
        #: Seconds from start to the first connection, one per start.
        self.starts: list[float] = []

    def start(
        self,
        *,
        prefix: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        wait: bool = True,
    ) -> None:
        """Start and wait until it listens; `prefix` is a command to run it under."""
        command = [*prefix, sys.executable, "-m", "gateway", *self._command]
        begun = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--config", str(self.region.folder)],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **(environment or {})},
            )  # fmt: skip
        if wait:
            self.wait_ready()
            self.starts.append(time.monotonic() - begun)

    def wait_ready(self) -> None:
        """Wait until every port takes connections and the process takes commands."""
        ports = (self.region.mllp_port, self.region.http_port)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            assert self.running, f"the gateway ended: {self.log.read_text()[-2000:]}"
            with contextlib.suppress(OSError):
                for port in ports if self._command[0] == "serve" else ():
                    socket.create_connection(("127.0.0.1", port), 1).close()
                if answers(socket_path(self.region.folder)):
                    return
            time.sleep(0.02)
        raise AssertionError(f"the gateway does not listen: {self.log.read_text()[-2000:]}")

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def kill(self) -> None:
        """Kill -9 the serving process alone; its workers have to go by themselves."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.wait_workers_gone()

    def kill_group(self) -> None:
        """Kill -9 the process and its workers at once."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.wait_workers_gone()

    def freeze(self) -> None:
        """SIGSTOP the process and its workers, as a machine that stands still."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process go on."""
        os.killpg(self.pid, signal.SIGCONT)

    def wait_dead(self, seconds: float = 60.0) -> int:
        """Wait until the process has ended by itself; return its exit code."""
        assert self.process is not None
        code = self.process.wait(seconds)
        self.wait_workers_gone()
        return code

    def stop(self, seconds: float = 60.0) -> int:
        """SIGTERM; return the exit code. Fails when it takes longer."""
        assert self.process is not None
        self.process.terminate()
        return self.wait_dead(seconds)

    def workers(self) -> list[int]:
        """Return the process ids of the translation workers."""
        return self.members("gateway.pipeline.worker")

    def wait_workers_gone(self) -> None:
        """Nothing of the process group may live on."""
        end = time.monotonic() + ORPHAN_SECONDS
        while left := self.members():
            assert time.monotonic() < end, f"processes live on: {[_command(p) for p in left]}"
            time.sleep(0.02)

    def end(self) -> None:
        """Clean up after a test, whatever state it left."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def members(self, module: str = "") -> list[int]:
        """Return the ids of the process and of what it started, or of those that run a module."""
        assert self.process is not None
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                with contextlib.suppress(OSError):
                    after_name = (entry / "stat").read_text().rpartition(")")[2].split()
                    state, group = after_name[0], int(after_name[2])
                    if group == self.process.pid and state not in "ZX":
                        found.append(int(entry.name))
        return [pid for pid in found if module in _command(pid)]


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""
