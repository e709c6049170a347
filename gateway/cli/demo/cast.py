"""Who plays: the gateway and its partners, each a process of its own; none outlives the demo."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gateway.cli.demo.expectation import Deviation, expect

#: Seconds a process has to say that it is there, to do its errand, and to end.
_START, _ERRAND, _END = 30.0, 60.0, 15.0
#: How a command says that it was interrupted.
_INTERRUPTED = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def interrupts() -> Iterator[None]:
    """Take every request to stop as Ctrl-C; while the others are being ended none counts."""
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: object) -> None:
    _ignore_interrupts()
    raise KeyboardInterrupt


def _ignore_interrupts() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


class Cast:
    """The processes of one demo. Leaving the context ends them all."""

    def __init__(self, place: Path) -> None:
        """Nobody plays yet; `place` is the region's folder."""
        self.place = place
        self.ports: dict[str, int] = {}
        self._playing: dict[str, subprocess.Popen[str]] = {}
        (place / "logs").mkdir(exist_ok=True)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """End every process: asked first, forced if it does not go."""
        _ignore_interrupts()
        self.dismiss()

    def journal(self, name: str) -> Path:
        """Return the file in which a partner notes what it receives."""
        return self.place / "logs" / f"{name}.jsonl"

    def partner(self, name: str, module: str, *arguments: str) -> None:
        """Start a listening partner. It ends when its standard input does."""
        self._start(
            name,
            f"conformance.partners.{module}",
            "--until-eof",
            "--output",
            str(self.journal(name)),
            *arguments,
        )

    def listening(self) -> None:
        """Wait until every partner has said its port."""
        for name, process in self._playing.items():
            line = process.stdout.readline() if process.stdout else ""
            expect(line, f"the partner {name} did not start: {self._last_words(name)}")
            # One that reads a folder has no port.
            if port := int(_json(line)["port"]):
                self.ports[name] = port

    def gateway(self) -> float:
        """Start `gateway serve` and return the seconds until it took commands."""
        from gateway.operations.control import answers, socket_path

        begun = time.monotonic()
        process = self._start("gateway", "gateway", "serve", "--config", str(self.place))
        while not answers(socket_path(self.place)):
            self.check()
            expect(time.monotonic() < begun + _START, "`gateway serve` did not start in time")
            time.sleep(0.02)
        expect(process.poll() is None, "`gateway serve` ended at once")
        return time.monotonic() - begun

    def errand(self, module: str, *arguments: str) -> list[dict[str, Any]]:
        """Run a partner that sends something; return the lines it said."""
        done = self._run(f"conformance.partners.{module}", *arguments)
        lines = [_json(line) for line in done.stdout.splitlines()]
        expect(lines, f"the partner {module} said nothing")
        return lines

    def command(self, *arguments: str, may_fail: bool = False) -> Any:
        """Run `gateway … --json` as a shell would, in this process: it is loaded already.

        Raises Deviation with what the command said when it fails and may not.
        """
        from gateway.cli.app import run

        printed, said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
        with redirect_stdout(printed), redirect_stderr(said):
            code = run([*arguments, "--json"])
        if code == _INTERRUPTED:
            raise KeyboardInterrupt
        spoken = f"`gateway {' '.join(arguments[:2])}`"
        why = " ".join(said.getvalue().split()) or "without a word"
        expect(may_fail or not code, f"{spoken} failed: {why}")
        printed.flush()
        return _json(printed.buffer.getvalue())

    def operator(self, *arguments: str, may_fail: bool = False) -> Any:
        """Run a command on the region, as its operator would."""
        return self.command(*arguments, "--config", str(self.place), may_fail=may_fail)

    def check(self) -> None:
        """Raise Deviation when a process has ended that should play on."""
        for name, process in self._playing.items():
            if process.poll() is not None:
                raise Deviation(f"the process {name} ended by itself: {self._last_words(name)}")

    def dismiss(self) -> None:
        """End everybody; nobody is left when this returns."""
        for process in self._playing.values():
            if process.stdin:
                process.stdin.close()
            process.terminate()
        for process in self._playing.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(_END)
            # Whatever it started (workers) is in its group.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdout:
                process.stdout.close()
        self._playing.clear()

    def _start(self, name: str, module: str, *arguments: str) -> subprocess.Popen[str]:
        with self._log(name).open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if module != "gateway" else log,
                stderr=log,
                encoding="utf-8",
                # A terminal's Ctrl-C reaches the demo alone, which then ends the others in order.
                start_new_session=True,
            )
        self._playing[name] = process
        return process

    def _run(self, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                timeout=_ERRAND,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Deviation(f"{module} did not end within {_ERRAND:.0f} seconds") from None

    def _log(self, name: str) -> Path:
        return self.place / "logs" / f"{name}.log"

    def _last_words(self, name: str) -> str:
        lines = self._log(name).read_text(encoding="utf-8", errors="replace").splitlines()
        return lines[-1][:300] if lines else "without a word"


def _json(text: str | bytes) -> Any:
    from profiles.reading import read_json

    return read_json(text.encode() if isinstance(text, str) else text)
