"""Partners as processes of their own, as the demo and outsiders start them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest


class Process:
    """A running partner."""

    def __init__(self, name, arguments):
        command = [sys.executable, "-m", f"conformance.partners.{name}", *arguments]
        self._process = subprocess.Popen(
            [*map(str, command), "--until-eof"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._ended = False
        self.port = json.loads(self._process.stdout.readline())["port"]
        self.at = f"127.0.0.1:{self.port}"

    def stop(self, number=signal.SIGTERM):
        """Stop it and return its last line."""
        if self._ended:
            return {}
        self._process.send_signal(number)
        return self._finish()

    def abandon(self):
        """End its standard input, as when its parent dies, and return its last line."""
        self._process.stdin.close()
        self._process.stdin = None
        return self._finish()

    def _finish(self):
        self._ended = True
        out, err = self._process.communicate(timeout=60)
        assert (self._process.returncode, err) == (0, "")
        return json.loads(out.splitlines()[-1]) if out else {}


@pytest.fixture
def partner():
    @contextmanager
    def start(name, *arguments):
        process = Process(name, arguments)
        try:
            yield process
        finally:
            process.stop()

    return start


@pytest.fixture
def hospital():
    """Run the hospital to its end; return exit code, its lines and its summary."""

    def send(*arguments):
        command = [sys.executable, "-m", "conformance.partners.hospital", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.stderr == ""
        *lines, summary = [json.loads(line) for line in done.stdout.splitlines()]
        return done.returncode, lines, summary

    return send
