"""The one thread that writes: takes what has arrived, one transaction, one commit.

A group is run without savepoints first. When a job of it raises, the whole group is undone and run
again with a savepoint around each job, so that only the failing one is set aside. Jobs may thus
run more than once and must have no effects outside their transaction. Futures resolve after COMMIT
has returned, never before (delivery rule D1).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from random import Random
from typing import Any, Protocol, TypeVar

from gateway.domain.log import log
from gateway.pipeline.ports import Transaction
from gateway.store.database import Database
from gateway.store.rhythm import Rhythm
from profiles.issue import GatewayError, Unavailable

T = TypeVar("T")
#: Most jobs in one group; a job is itself a batch of messages.
MAX_JOBS = 256
#: How often a group is run again because another process got in between.
MAX_CONFLICTS = 12
#: From this conflict on each job runs in a transaction of its own.
ALONE_FROM = 3
#: Seconds after which the store's own work is tried again when it failed.
BACKGROUND_PAUSE = 5.0
_LOG = log("writer")


class Session(Protocol):
    """Everything one connection needs to run jobs; survives a reopened connection."""

    db: Database

    def transaction(self) -> Transaction:
        """Begin and return the transaction of one group."""

    def savepoint(self) -> None:
        """Set the job savepoint in the database and in memory."""

    def release(self) -> None:
        """Keep the job; raises what went wrong in it."""

    def undo_job(self) -> None:
        """Undo to the job savepoint in the database and in memory."""

    def commit(self) -> None:
        """Commit, then let memory follow."""

    def rollback(self) -> None:
        """Undo the group in the database and in memory."""

    def reopen(self) -> None:
        """Connect anew and load what memory holds from the database."""

    def close(self) -> None:
        """Close the connection."""


class Background(Protocol):
    """Work of the store itself, done between groups in transactions of its own."""

    def due_in(self, idle: float) -> float | None:
        """Seconds until it wants to run (0 or less: now), None when there is nothing to do.

        `idle` is how many seconds ago the last job ended.
        """

    def run(self, tx: Transaction) -> None:
        """Do a bounded piece of it."""


class _Job:
    __slots__ = ("error", "function", "future", "joins", "result")

    def __init__(self, function: Callable[[Transaction], Any], *, joins: bool = False) -> None:
        self.function = function
        self.joins = joins
        self.future: Future[Any] = Future()
        self.result: Any = None
        self.error: BaseException | None = None


class GroupWriter:
    """Runs submitted jobs in order, in groups."""

    def __init__(self, session: Session, background: Sequence[Background] = ()) -> None:
        """Start the thread; `background` runs between groups."""
        self._session = session
        self._background = tuple(background)
        self._jobs: deque[_Job] = deque()
        #: Those of them that do not wait for others.
        self._urgent = 0
        self._rhythm = Rhythm()
        self._wake = threading.Condition()
        self._closing = False
        self._broken = False
        self._not_before: dict[Background, float] = {}
        self._random = Random()  # noqa: S311 - jitter, no secret
        self._last_job = time.monotonic()
        self._after_commit: tuple[Callable[[], None], ...] = ()
        self._thread = threading.Thread(target=self._loop, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[Transaction], T], *, joins: bool = False) -> Future[T]:
        """Run a job in the next group commit; the future resolves after the commit.

        A job that `joins` may wait a moment for a group that others begin.
        """
        entry = _Job(job, joins=joins)
        with self._wake:
            if self._closing:
                raise Unavailable("the store is closed")
            self._jobs.append(entry)
            self._urgent += not joins
            self._wake.notify()
        return entry.future

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call `callback` in the writer's thread after each group's commit; it must not block."""
        self._after_commit = (*self._after_commit, callback)

    @property
    def depth(self) -> int:
        """How many jobs wait."""
        return len(self._jobs)

    def close(self) -> None:
        """Finish what is queued, then stop."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()
        self._session.close()

    # the thread ------------------------------------------------------------------
    def _loop(self) -> None:
        while True:
            group = self._next_group()
            if group is None:
                return
            if group:
                self._run(group)
                # A slow group is no idle time.
                self._last_job = time.monotonic()
                self._notify()
            self._run_background()

    def _next_group(self) -> list[_Job] | None:
        with self._wake:
            if not self._is_time():
                if self._closing and not self._jobs:
                    return None
                self._wake.wait(self._pause())
                if not self._is_time():
                    return []
            count = min(len(self._jobs), MAX_JOBS)
            group = [self._jobs.popleft() for _ in range(count)]
            urgent = sum(not job.joins for job in group)
            self._urgent -= urgent
        if urgent:
            self._rhythm.beat(time.monotonic())
        return group

    def _is_time(self) -> bool:
        """Say whether a group begins: for something urgent, or for what has waited enough."""
        if not self._jobs:
            return False
        return bool(self._urgent) or self._closing or time.monotonic() >= self._rhythm.wait_until()

    def _pause(self) -> float | None:
        now = time.monotonic()
        idle = now - self._last_job
        wishes = [due for work in self._background if (due := self._due_in(work, idle)) is not None]
        if self._jobs:
            wishes.append(self._rhythm.wait_until() - now)
        return max(min(wishes), 0.0) if wishes else None

    def _run_background(self) -> None:
        idle = 0.0 if self._jobs else time.monotonic() - self._last_job
        for work in self._background:
            due = self._due_in(work, idle)
            if due is not None and due <= 0:
                job = _Job(work.run)
                self._run([job])
                if job.error is not None:
                    _LOG.error("background_failed", work=type(work).__name__)
                    self._not_before[work] = time.monotonic() + BACKGROUND_PAUSE

    def _due_in(self, work: Background, idle: float) -> float | None:
        due = work.due_in(idle)
        pause = self._not_before.get(work, 0.0) - time.monotonic()
        return None if due is None else max(due, pause)

    def _notify(self) -> None:
        for callback in self._after_commit:
            with suppress(RuntimeError):  # an event loop that has been closed meanwhile
                callback()

    def _run(self, group: list[_Job]) -> None:
        for attempt in range(MAX_CONFLICTS):
            try:
                if self._broken:
                    self._session.reopen()
                    self._broken = False
                self._attempt(group, attempt)
                break
            except Exception as error:  # noqa: BLE001 - sorted into classes here
                if not self._undo(error, group):
                    break
                time.sleep(self._random.uniform(0, 0.005 * 2 ** min(attempt, 6)))
        else:
            self._fail(group, Unavailable("the store is contended"))
        _resolve(group)

    def _attempt(self, group: list[_Job], attempt: int) -> None:
        if attempt >= ALONE_FROM and len(group) > 1:
            for job in group:
                if not job.future.done():
                    self._run([job])
            return
        if self._run_plain(group):
            return
        self._run_carefully(group)

    def _run_plain(self, group: list[_Job]) -> bool:
        tx = self._session.transaction()
        try:
            for job in group:
                job.error = None
                job.result = job.function(tx)
            self._session.commit()
        except Exception as error:
            if self._is_ours(error):
                raise
            self._session.rollback()
            if len(group) == 1:
                group[0].error = error
                return True
            return False
        return True

    def _run_carefully(self, group: list[_Job]) -> None:
        tx = self._session.transaction()
        for job in group:
            self._session.savepoint()
            job.error = None
            try:
                job.result = job.function(tx)
                self._session.release()
            except Exception as error:
                if self._is_ours(error):
                    raise
                job.error = error
                self._session.undo_job()
        self._session.commit()

    def _is_ours(self, error: BaseException) -> bool:
        db = self._session.db
        return db.is_conflict(error) or db.is_failure(error)

    def _undo(self, error: Exception, group: list[_Job]) -> bool:
        """Undo the group; True when it shall be tried again."""
        db = self._session.db
        conflict = db.is_conflict(error)
        self._session.rollback()
        if conflict:
            return True
        _LOG.error("store_failed", error=type(error).__name__)
        self._broken = True
        self._fail(group, Unavailable("the store does not answer"))
        return False

    @staticmethod
    def _fail(group: list[_Job], error: GatewayError) -> None:
        for job in group:
            job.error = job.error or error


def _resolve(group: list[_Job]) -> None:
    for job in group:
        if job.future.done() or not job.future.set_running_or_notify_cancel():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
