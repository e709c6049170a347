"""Backups: a consistent copy while the gateway runs, and proof that it can be restored.

SQLite: https://www.sqlite.org/backup.html; PostgreSQL: pg_dump's custom format. A backup holds
everything but the key files; without them it is unreadable, so they are backed up apart.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url

from gateway.evidence.verify import verify
from gateway.store import open_store, postgres, schema
from gateway.store.keys import Keys
from gateway.store.sqlite import SqliteDatabase
from gateway.store.store import sqlite_path
from profiles.issue import Unavailable

#: Bodies opened when a restored store is verified: the newest of each kind of row.
SAMPLE = 200


@dataclass(frozen=True, slots=True)
class Restored:
    """What verification of a restored store found."""

    schema: str
    messages: int
    #: Messages whose original bytes were opened with the key files.
    opened: int
    leaves: int
    #: Findings of the audit log's verification.
    findings: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Say whether the restored store can be used."""
        return self.schema == schema.HEAD and not self.findings


def backup(url: str, target: Path) -> Path:
    """Write a consistent copy of the store to a new file; the gateway may run meanwhile.

    Raises Unavailable when the file exists or the copy fails; a part of a copy is never left.
    """
    if target.exists():
        raise Unavailable("the backup file exists already")
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    path = sqlite_path(url)
    try:
        if path is not None:
            _copy_sqlite(path, part)
        else:
            _run(url, ["pg_dump", "--format=custom", f"--file={part}"])
        part.chmod(0o600)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def restore(source: Path, url: str) -> None:
    """Load a backup into an empty store: a new SQLite file or an empty PostgreSQL database.

    Raises Unavailable when something is there already.
    """
    path = sqlite_path(url)
    if path is not None:
        if path.exists():
            raise Unavailable("a store exists there already")
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, path)
        path.chmod(0o600)
        return
    if schema.status(url).present:
        raise Unavailable("a store exists there already")
    options = ["--exit-on-error", "--no-owner", "--single-transaction"]
    _run(url, ["pg_restore", *options, str(source)])


def check(url: str, keys: Keys) -> Restored:
    """Verify a (restored) store: schema, audit log, and that the key files open its bodies."""
    store = open_store(url, keys, read_only=True)
    try:
        newest = store.reader.messages(limit=SAMPLE)
        opened = sum(bool(store.reader.raw(one.number)) for one in newest)
        with store.reader.evidence() as log:
            # Without a clock: what waited for its number when the copy was made still waits.
            found = verify(log)
        counts = store.reader.counts()
        return Restored(
            schema.status(url).present,
            counts.messages_ever,
            opened,
            counts.leaves,
            tuple(finding.text for finding in found.findings),
        )
    finally:
        store.close()


def _copy_sqlite(source: Path, target: Path) -> None:
    database = SqliteDatabase(source, writes=False)
    try:
        database.backup_to(target)
    except Exception as error:
        raise Unavailable("the copy could not be written") from error
    finally:
        database.close()


def _run(url: str, command: list[str]) -> None:
    """Run one of PostgreSQL's programs; its output may name data and is not passed on.

    The password goes by the environment: arguments are visible to everybody on the machine.
    """
    parsed = make_url(postgres.conninfo(url))
    password = {"PGPASSWORD": str(parsed.password)} if parsed.password else {}
    database = parsed.set(password=None).render_as_string(hide_password=False)
    program, *rest = command
    try:
        done = subprocess.run(  # noqa: S603 - fixed programs
            [program, f"--dbname={database}", *rest],
            env=dict(os.environ) | password,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise Unavailable(f"{command[0]} is not installed") from error
    if done.returncode:
        raise Unavailable(f"{command[0]} failed with exit code {done.returncode}")
