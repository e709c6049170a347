"""The drain into the writer: what comes together while it works is its next batch.

One job at most waits for the writer, and it takes its messages when it begins, not when it is
submitted. A batch costs as much again as some messages, so one that would be small waits a moment
for those on their way: until as many have come as are still to come. An idle gateway adds no wait.
Order is kept, also when a batch fails and its entries go again one by one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from gateway.pipeline.ports import Transaction, Writer
from profiles.issue import Unavailable

E = TypeVar("E")
R = TypeVar("R")

#: Most entries and bytes of one batch.
MAX_ENTRIES = 256
MAX_BYTES = 32_000_000
#: A batch of this many entries waits for no more.
ENOUGH = 32
#: A batch waits at most so many times as long as the last one took: where everything is slow, small
#: batches would make it slower still. By default never longer than these seconds.
PATIENCE = 4
MOMENT = 0.25


@dataclass(slots=True)
class _Waiting(Generic[E, R]):
    entry: E
    size: int
    done: asyncio.Future[R]
    #: Its batch failed: it goes alone.
    alone: bool = False


@dataclass(slots=True)
class Drain(Generic[E, R]):
    """Hands entries to the writer in order, in batches."""

    writer: Writer
    #: What a batch does; returns one result an entry, in order.
    work: Callable[[Transaction, Sequence[E]], list[R]]
    #: Called on the loop after every commit.
    committed: Callable[[list[R]], None] = lambda _: None
    #: How many entries are on their way here.
    coming: Callable[[], int] = lambda: 0
    #: How long a batch ever waits for them, in seconds.
    moment: float = MOMENT
    #: A batch may go with what others write.
    joins: bool = False
    #: Seconds from handing over the last batch to its commit; before the first one a guess.
    _took: float = MOMENT
    _waiting: deque[_Waiting[E, R]] = field(default_factory=deque)
    #: A submitted job has not begun yet; it will take what waits.
    _submitted: bool = False
    #: A batch failed; nothing overtakes it until its entries wait again.
    _failed: bool = False
    #: Runs while a batch waits for more.
    _timer: asyncio.TimerHandle | None = None

    def submit(self, entry: E, *, size: int = 0) -> asyncio.Future[R]:
        """Queue an entry for the next batch.

        The future raises Unavailable when the store fails, and the entry's own error when it failed
        alone.
        """
        loop = asyncio.get_running_loop()
        waiting: _Waiting[E, R] = _Waiting(entry, size, loop.create_future())
        self._waiting.append(waiting)
        self._go_on(loop)
        return waiting.done

    def __len__(self) -> int:
        """How many entries wait."""
        return len(self._waiting)

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand over what waits, now or in a moment."""
        waiting = self._waiting
        if not waiting or waiting[0].alone or len(waiting) >= min(self.coming(), ENOUGH):
            self._kick(loop)
        elif self._timer is None:
            moment = min(self.moment, PATIENCE * self._took)
            self._timer = loop.call_later(moment, self._kick, loop)

    def _kick(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._submitted or self._failed or not self._waiting:
            return
        self._submitted = True
        batch = _Batch(self, loop.time())
        try:
            future = self.writer.submit(batch, joins=self.joins)
        except Unavailable as error:
            self._submitted = False
            self._refuse(self.take(), error)
            return
        future.add_done_callback(
            lambda done: loop.call_soon_threadsafe(self._settle, batch, done, loop)
        )

    def take(self) -> list[_Waiting[E, R]]:
        """Take the next batch; called in the writer's thread."""
        # First the flag, then the entries: whatever comes in between finds a new job to wait for.
        self._submitted = False
        taken: list[_Waiting[E, R]] = []
        waiting, size = self._waiting, 0
        while waiting and len(taken) < MAX_ENTRIES and size <= MAX_BYTES:
            if waiting[0].alone and taken:
                break
            taken.append(waiting.popleft())
            size += taken[-1].size
            if taken[-1].alone:
                break
        return taken

    def _settle(
        self, batch: _Batch[E, R], done: Future[list[R]], loop: asyncio.AbstractEventLoop
    ) -> None:
        """Give the results on, on the loop."""
        error = done.exception()
        self._took = loop.time() - batch.since
        if batch.taken is None:
            # The job ended before it began: what waits for it shares its fate, or waits on.
            self._submitted = False
        entries = batch.taken if batch.taken is not None else self.take() if error else []
        if error is None:
            results = done.result()
            for waiting, result in zip(entries, results, strict=True):
                if not waiting.done.done():
                    waiting.done.set_result(result)
            self.committed(results)
        elif isinstance(error, Unavailable) or len(entries) <= 1:
            self._failed = False
            self._refuse(entries, error)
        else:
            for waiting in reversed(entries):
                waiting.alone = True
                self._waiting.appendleft(waiting)
            self._failed = False
        self._go_on(loop)

    def _refuse(self, entries: Sequence[_Waiting[E, R]], error: BaseException) -> None:
        for waiting in entries:
            if not waiting.done.done():
                waiting.done.set_exception(error)


@dataclass(slots=True)
class _Batch(Generic[E, R]):
    """One job; the writer may run it more than once, with the same entries."""

    drain: Drain[E, R]
    #: When it was handed over, by the loop's clock.
    since: float
    taken: list[_Waiting[E, R]] | None = None

    def __call__(self, tx: Transaction) -> list[R]:
        """Do the work of the entries taken at the first run."""
        drain = self.drain
        if self.taken is None:
            if drain._failed:  # noqa: SLF001 - the two halves of one mechanism
                return []
            self.taken = drain.take()
        drain._failed = False  # noqa: SLF001
        try:
            return drain.work(tx, [waiting.entry for waiting in self.taken]) if self.taken else []
        except BaseException:
            drain._failed = True  # noqa: SLF001
            raise
