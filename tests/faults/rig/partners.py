"""Partners as processes: destinations with a journal, and a hospital that sends."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from rig.region import RECORDS, ROOT, Region
from tests.ports import free_port

ADMISSION = RECORDS / "01_admission_a01.hl7"
DISCHARGE = RECORDS / "03_discharge_a03.hl7"
_POSITIVE = frozenset({"AA", "CA"})


class Partner:
    """A listening partner; it may be stopped and started again on its port."""

    def __init__(self, name: str, journal: Path, *options: str) -> None:
        """Start it; `options` are those of conformance.partners.`name`."""
        self.name = name
        self.journal = journal
        self.port = free_port()
        self.process: subprocess.Popen[str] | None = None
        self.start(*options)

    def start(self, *options: str) -> None:
        """Start (again) with other options."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"conformance.partners.{self.name}", "--until-eof",
             "--port", str(self.port), "--output", str(self.journal), *options],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        assert json.loads(self.process.stdout.readline())["port"] == self.port

    def stop(self) -> None:
        """Stop in an orderly way: the journal is whole."""
        if self.process is not None:
            self.process.communicate(timeout=60)
            self.process = None

    def received(self) -> list[dict[str, Any]]:
        """Return what the journal says so far."""
        if not self.journal.exists():
            return []
        lines = self.journal.read_text(encoding="utf-8").splitlines()
        found = []
        for line in lines:
            with contextlib.suppress(json.JSONDecodeError):  # a line still being written
                found.append(json.loads(line))
        return found


@dataclass(frozen=True, slots=True)
class Acked:
    """One positive acknowledgement a hospital got."""

    control_id: str
    patient: str
    time: str


class Hospital:
    """A running conformance.partners.hospital; its answers are collected as they come."""

    def __init__(self, region: Region, *options: str, files: tuple[Path, ...] = ()) -> None:
        """Start sending."""
        files = files or (ADMISSION, DISCHARGE)
        self.lines: list[dict[str, Any]] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "conformance.partners.hospital", "--until-eof",
             "--to", f"127.0.0.1:{region.mllp_port}", *options, *map(str, files)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with contextlib.suppress(ValueError):  # closed by `end`
            self._collect(self.process.stdout)

    def _collect(self, stream: TextIO) -> None:
        for line in stream:
            self.lines.append(json.loads(line))

    def answered(self) -> list[dict[str, Any]]:
        """Return the answers so far."""
        return [line for line in list(self.lines) if "control_id" in line]

    def acked(self) -> list[Acked]:
        """Return what was positively acknowledged so far, in that order."""
        return [
            Acked(line["control_id"], line["patient"], line["time"])
            for line in self.answered()
            if line["code"] in _POSITIVE
        ]

    def flow(self, count: int, seconds: float = 60.0) -> None:
        """Wait until `count` more messages are acknowledged."""
        wanted, end = len(self.acked()) + count, time.monotonic() + seconds
        while len(self.acked()) < wanted:
            assert time.monotonic() < end, "messages do not flow"
            time.sleep(0.05)

    def fall_silent(self, quiet: float = 1.5, seconds: float = 30.0) -> None:
        """Wait until nothing is answered for a while, though it goes on sending."""
        end = time.monotonic() + seconds
        count, since = len(self.answered()), time.monotonic()
        while time.monotonic() < since + quiet:
            assert time.monotonic() < end, "messages are still answered"
            time.sleep(0.05)
            if (now := len(self.answered())) != count:
                count, since = now, time.monotonic()

    def finish(self, seconds: float = 120.0) -> dict[str, Any]:
        """Wait until everything is answered; return the summary."""
        self.process.wait(seconds)
        return self._summary()

    def stop(self) -> dict[str, Any]:
        """Stop sending; what is not answered stays unanswered."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(60)
        return self._summary()

    def end(self) -> None:
        """Clean up after a test, whatever state it left."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    def _summary(self) -> dict[str, Any]:
        self._thread.join(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return next(line for line in self.lines if "sent" in line)
