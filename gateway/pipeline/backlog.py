"""The backlog: inputs stored on receipt, processed in the order of their numbers.

Inputs of this process go on from memory; what an earlier process left, or what would be too much to
hold, is read from the store in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.domain.log import log
from gateway.domain.message import Arrival
from gateway.pipeline.message import Recorded
from gateway.pipeline.ports import Reader
from profiles.issue import Unavailable

_log = log("backlog")

#: Inputs processed from memory at the same time; more wait in the store.
MOST = 512
#: Inputs read from the store at a time.
PAGE = 64
#: Seconds to wait when the store does not answer.
PAUSE = 1.0


class Backlog:
    """Hands received inputs to `process`, which returns a future in order."""

    def __init__(
        self, reader: Reader, process: Callable[[int, Arrival], asyncio.Future[Recorded]]
    ) -> None:
        """Begin empty; `start` looks at what the store holds."""
        self._reader = reader
        self._process = process
        self._waiters: dict[int, asyncio.Future[Recorded]] = {}
        self._catching_up: asyncio.Task[None] | None = None
        #: An input came that only the store holds.
        self._deferred = False
        self.outstanding = 0

    def start(self) -> None:
        """Process what the store holds; later inputs queue behind it."""
        if self._catching_up is None:
            self._catching_up = asyncio.create_task(self._catch_up())
            self._catching_up.add_done_callback(self._caught_up)

    async def stop(self) -> None:
        """Leave what is not begun to the next start."""
        if self._catching_up is not None:
            self._catching_up.cancel()
            await asyncio.gather(self._catching_up, return_exceptions=True)
        for waiter in self._waiters.values():
            waiter.cancel()

    def add(self, number: int, arrival: Arrival) -> asyncio.Future[Recorded]:
        """Queue an input just stored; its future ends with its processing."""
        if self._catching_up is None and self.outstanding < MOST:
            return self._begin(number, arrival)
        self._deferred = True
        self.start()
        waiter: asyncio.Future[Recorded] = asyncio.get_running_loop().create_future()
        self._waiters[number] = waiter
        return waiter

    def _begin(self, number: int, arrival: Arrival) -> asyncio.Future[Recorded]:
        self.outstanding += 1
        done = self._process(number, arrival)
        done.add_done_callback(lambda ended: self._ended(number, ended))
        return done

    def _ended(self, number: int, done: asyncio.Future[Recorded]) -> None:
        self.outstanding -= 1
        waiter = self._waiters.pop(number, None)
        error = None if done.cancelled() else done.exception()
        if waiter is None or waiter.done():
            return
        if error is not None or done.cancelled():
            waiter.set_exception(error or Unavailable())
        else:
            waiter.set_result(done.result())

    def _caught_up(self, task: asyncio.Task[None]) -> None:
        """What stopped early leaves its inputs in the store, for the next look."""
        if self._catching_up is task:
            self._catching_up = None
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("backlog_failed", error=type(error).__name__)

    async def _catch_up(self) -> None:
        after = 0
        while True:
            self._deferred = False
            try:
                page = await asyncio.to_thread(self._reader.received, after=after, limit=PAGE)
            except Unavailable:
                _log.warning("backlog_unavailable")
                await asyncio.sleep(PAUSE)
                continue
            if not page:
                if self._deferred:
                    continue
                self._catching_up = None  # from here on inputs go on from memory
                return
            begun = [self._begin(number, arrival) for number, arrival in page]
            results = await asyncio.gather(*begun, return_exceptions=True)
            if any(isinstance(result, Unavailable) for result in results):
                await asyncio.sleep(PAUSE)
                continue
            after = page[-1][0]
