"""What the store does by itself between groups: merging, checkpoints, the trail, the log."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import IO

from gateway.domain.log import log
from gateway.pipeline.ports import Transaction
from gateway.store.identifiers import RecentIdentifiers
from gateway.store.sqlite import SqliteDatabase

_LOG = log("store")
#: Pages in the write-ahead log, not copied yet, from which a checkpoint is worth its writes.
CHECKPOINT_FROM = 8_000
#: Pages in the log from which the writer itself copies the rest, so that the log starts over.
FINISH_FROM = 64_000
#: Commits from one look at the log to the next.
LOOK_EVERY = 8
# https://www.sqlite.org/walformat.html section 2.1: mxFrame, and nBackfill of the checkpoint info.
_FRAMES_AT = 16
_COPIED_AT = 96


class MergeIdentifiers:
    """Merges recent identifier terms into their tree (SQLite)."""

    def __init__(self, identifiers: RecentIdentifiers) -> None:
        """Merge what these hold."""
        self._identifiers = identifiers

    def due_in(self, idle: float) -> float | None:  # noqa: ARG002 - due whether idle or not
        """Now, while there is something to merge."""
        return 0.0 if self._identifiers.wants_merge else None

    def run(self, tx: Transaction) -> None:  # noqa: ARG002 - the identifiers know the connection
        """Merge one sorted run."""
        self._identifiers.merge_slice()


class Checkpoints:
    """Copies the write-ahead log into the database file, in a thread and connection of its own.

    The writer goes on meanwhile, so under constant load the log never runs empty by that alone;
    when it has grown large the writer copies the (then short) rest between two groups.
    """

    def __init__(self, path: Path, writer: SqliteDatabase) -> None:
        """Watch the log beside `path`."""
        self._index = path.with_name(path.name + "-shm")
        self._path = path
        self._writer = writer
        self._thread: threading.Thread | None = None
        self._commits = 0
        #: The index stays open: closing any descriptor of it would drop all POSIX locks SQLite
        #: holds on it for this process (https://www.sqlite.org/howtocorrupt.html section 2.2).
        self._head: IO[bytes] | None = None

    def after_commit(self) -> None:
        """Start or finish a checkpoint when the log has grown; in the writer's thread."""
        self._commits += 1
        if self._commits % LOOK_EVERY:
            return
        if self._thread is not None and self._thread.is_alive():
            return
        frames, copied = self._progress()
        if frames - copied >= CHECKPOINT_FROM:
            self._thread = threading.Thread(target=self._copy, name="store-checkpoint", daemon=True)
            self._thread.start()
        elif frames >= FINISH_FROM and frames > copied:
            self._writer.checkpoint("PASSIVE")

    def _progress(self) -> tuple[int, int]:
        try:
            head = os.pread(self._opened().fileno(), _COPIED_AT + 4, 0)
        except OSError:
            return 0, 0
        if len(head) < _COPIED_AT + 4:
            return 0, 0
        frames, copied = (
            int.from_bytes(head[at : at + 4], sys.byteorder) for at in (_FRAMES_AT, _COPIED_AT)
        )
        return frames, copied

    def _opened(self) -> IO[bytes]:
        """Return the index, opened anew only when it became another file."""
        if self._head is None or not os.path.samestat(
            os.fstat(self._head.fileno()), self._index.stat()
        ):
            opened = self._index.open("rb", buffering=0)
            if self._head is not None:
                self._head.close()
            self._head = opened
        return self._head

    def _copy(self) -> None:
        db = SqliteDatabase(self._path, writes=False)
        try:
            db.checkpoint("PASSIVE")
        except Exception as error:  # noqa: BLE001 - the next commit starts another one
            _LOG.warning("checkpoint_failed", error=type(error).__name__)
        finally:
            db.close()

    def close(self) -> None:
        """Wait for a running checkpoint; to be called when the store's connections are closed."""
        if self._thread is not None:
            self._thread.join()
        if self._head is not None:
            self._head.close()
