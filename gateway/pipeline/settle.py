"""Settle: write where deliveries went, with the evidence of it; results of a moment are one job."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from gateway.domain.delivery import Delivery, DeliveryState
from gateway.domain.log import log
from gateway.domain.time import Clock, Instant
from gateway.pipeline.disclose import state_row
from gateway.pipeline.ports import Settled, Transaction, Writer
from gateway.pipeline.site import Site
from profiles.issue import Unavailable

_log = log("settle")

#: Seconds until results that the store did not take are handed to it again.
PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class Move:
    """A transition to write, with what its evidence names."""

    delivery: Delivery
    settled: Settled
    #: Logical ids.
    patients: tuple[str, ...] = ()


def moved(
    delivery: Delivery,
    state: DeliveryState,
    reason: str,
    now: Instant,
    patients: tuple[str, ...] = (),
    decision: bytes = b"",
) -> Move:
    """Make a transition without an attempt."""
    settled = Settled(delivery.id, delivery.fence, state, reason, now, decision=decision)
    return Move(delivery, settled, patients)


def write(tx: Transaction, site: Site, moves: Sequence[Move]) -> None:
    """Write transitions and their evidence; one that came too late is refused and logged."""
    if not moves:
        return
    refused = set(tx.settle([move.settled for move in moves]))
    tx.add_audit(
        [
            state_row(site, move.delivery, move.settled, move.patients, tx.now)
            for move in moves
            if move.delivery.id not in refused
        ]
    )
    for number in refused:
        _log.warning("lease_lost", delivery=number)


@dataclass(slots=True)
class Settling:
    """Results of attempts on their way to the writer; used from one event loop."""

    writer: Writer
    site: Callable[[], Site]
    #: The clock that dated the attempts.
    clock: Clock
    #: Called on the loop after every commit.
    committed: Callable[[Sequence[Move]], None]
    _waiting: list[Move] = field(default_factory=list)
    _scheduled: bool = False

    def add(self, move: Move) -> None:
        """Note a result; those of one moment are settled together."""
        self._waiting.append(move)
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._submit)

    async def finish(self) -> None:
        """Settle what still waits; without a store the next start finds it inflight."""
        if not self._waiting:
            return
        rows, self._waiting = self._waiting, []
        try:
            await asyncio.wrap_future(self.writer.submit(lambda tx: self._write(tx, rows)))
        except Unavailable:
            _log.error("results_not_stored", count=len(rows))

    def _submit(self) -> None:
        """Hand the results of this moment to the writer as one job."""
        self._scheduled = False
        rows, self._waiting = self._waiting, []
        future = self.writer.submit(lambda tx: self._write(tx, rows))
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda done: loop.call_soon_threadsafe(self._done, rows, done))

    def _done(self, rows: list[Move], done: Future[None]) -> None:
        """Give the commit on; when the store failed, keep the results and try again."""
        if done.exception() is None:
            self.committed(rows)
            return
        _log.warning("settle_failed", count=len(rows))
        self._waiting = rows + self._waiting
        asyncio.get_running_loop().call_later(PAUSE, self._submit)

    def _write(self, tx: Transaction, rows: Sequence[Move]) -> None:
        ahead = tx.now - self.clock()
        write(tx, self.site(), [_by_store_time(move, ahead) for move in rows])


def _by_store_time(move: Move, ahead: int) -> Move:
    """Date an attempt by the store's clock: this machine's may be another one (rule D9)."""
    settled = move.settled
    next_at, started_at = settled.next_at + ahead, settled.started_at + ahead
    return replace(move, settled=settled._replace(next_at=next_at, started_at=started_at))
