"""Settle: write where deliveries went, with the evidence of it; results of a moment are one job."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from gateway.domain.delivery import Delivery, DeliveryState
from gateway.domain.log import log
from gateway.domain.time import Clock, Instant
from gateway.pipeline.disclose import state_row
from gateway.pipeline.drain import Drain
from gateway.pipeline.ports import Settled, Transaction, Writer
from gateway.pipeline.site import Site

_log = log("settle")

#: Seconds a result waits at most for others on the wire; its lane is held meanwhile.
MOMENT = 0.01
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
    #: How many attempts are on the wire.
    sending: Callable[[], int]
    _drain: Drain[Move, Move] = field(init=False)
    #: On their way into the store.
    _futures: set[asyncio.Future[Move]] = field(init=False, default_factory=set)
    #: Given back by a store that failed.
    _kept: list[Move] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """Let what ends together be settled together."""
        self._drain = Drain(
            self.writer, self._write, self.committed, self.sending, MOMENT, joins=True
        )

    def add(self, move: Move) -> None:
        """Note a result; those of one moment are settled together."""
        future = self._drain.submit(move)
        self._futures.add(future)
        future.add_done_callback(partial(self._done, move))

    async def finish(self) -> None:
        """Settle what still waits; without a store the next start finds it inflight."""
        kept, self._kept = self._kept, []
        for move in kept:
            self.add(move)
        if self._futures:
            await asyncio.wait(self._futures)
        if self._kept:
            _log.error("results_not_stored", count=len(self._kept))

    def _done(self, move: Move, done: asyncio.Future[Move]) -> None:
        """When the store failed, keep the result and try again."""
        self._futures.discard(done)
        if done.exception() is None:
            return
        if not self._kept:
            _log.warning("settle_failed")
            asyncio.get_running_loop().call_later(PAUSE, self._again)
        self._kept.append(move)

    def _again(self) -> None:
        kept, self._kept = self._kept, []
        for move in kept:
            self.add(move)

    def _write(self, tx: Transaction, moves: Sequence[Move]) -> list[Move]:
        ahead = tx.now - self.clock()
        write(tx, self.site(), [_by_store_time(move, ahead) for move in moves])
        return list(moves)


def _by_store_time(move: Move, ahead: int) -> Move:
    """Date an attempt by the store's clock: this machine's may be another one (rule D9)."""
    settled = move.settled
    next_at, started_at = settled.next_at + ahead, settled.started_at + ahead
    return replace(move, settled=settled._replace(next_at=next_at, started_at=started_at))
