"""A PostgreSQL server of the tests' own, which may be killed and starved.

The server refuses to run as root; then it runs as the user `postgres` in a folder of that user.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from tests.ports import free_port

_USER = "postgres"
#: Small and quick to start; commits are synced as always.
_SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "shared_buffers": "32MB",
    "max_connections": "40",
}


def programs() -> Path | None:
    """Find the folder of the newest server's programs; None when there is none here."""
    found = shutil.which("initdb")
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), *([Path(found).parent] if found else [])]
    usable = [one for one in folders if (one / "initdb").exists() and (one / "postgres").exists()]
    return max(usable, key=lambda one: one.parent.name, default=None)


class PostgresServer:
    """One server, started, killed and started again on its port."""

    def __init__(self) -> None:
        """Make the cluster and start it."""
        folder = programs()
        assert folder is not None
        self._programs = folder
        self._user = _USER if os.getuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="gateway-faults-postgres-"))
        if self._user:
            shutil.chown(self.folder, self._user)
        self.port = free_port()
        self._data = self.folder / "data"
        self._run("initdb", "--no-sync", "--auth=trust", f"--username={_USER}", f"-D{self._data}")
        with (self._data / "postgresql.conf").open("a") as config:
            config.writelines(f"{name} = {value}\n" for name, value in _SETTINGS.items())
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start and wait until it takes statements; after a kill it recovers first."""
        log = (self.folder / "server.log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, "-p", str(self.port)],
                stdout=log, stderr=log, user=self._user, group=self._user, cwd=self.folder,
                extra_groups=[] if self._user else None, start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + 30
        while True:
            with contextlib.suppress(psycopg.OperationalError):
                self.execute("SELECT 1")
                return
            assert time.monotonic() < end, (self.folder / "server.log").read_text()[-2000:]
            time.sleep(0.05)

    def url(self, database: str) -> str:
        """Return the URL the gateway's configuration takes."""
        return f"postgresql+psycopg://{_USER}@127.0.0.1:{self.port}/{database}"

    def conninfo(self, database: str = _USER) -> str:
        """Return what psycopg connects to, as the superuser."""
        return f"host=127.0.0.1 port={self.port} user={_USER} dbname={database}"

    def connect(self) -> psycopg.Connection[Any]:
        """Connect to the database that is always there."""
        return psycopg.connect(self.conninfo(), autocommit=True)

    def execute(self, *statements: str) -> None:
        """Run statements."""
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def kill(self) -> None:
        """Kill -9 the server and all its children, as a power failure of its machine would."""
        assert self.process is not None
        mine = [self.process.pid, *_children(self.process.pid)]
        for pid in mine:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def end(self) -> None:
        """Stop for good and remove everything."""
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, *arguments], user=self._user, group=self._user, check=True,
            extra_groups=[] if self._user else None, capture_output=True, cwd=self.folder,
            timeout=120,
        )  # fmt: skip


def _children(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) == parent:
                    found.append(int(entry.name))
    return found
