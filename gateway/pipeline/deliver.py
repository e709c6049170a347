"""Deliver: claim what is due, send it, settle what became of it; the loop of one process.

One writer job claims, asks consent again and marks what may go inflight (`claim`); after its commit
the bytes leave (`attempt`) while the claim is young (`lease`); the results of a moment are settled
in one further job (`settle`). What a crash leaves inflight is sent again only where the endpoint is
declared idempotent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from gateway.domain.log import log
from gateway.domain.region import Endpoint
from gateway.domain.time import Clock, Instant
from gateway.domain.transport import Sender
from gateway.pipeline.attempt import LEASE_EXPIRED, NO_SENDER, Wire, not_made, result, send
from gateway.pipeline.batch import FAULTS
from gateway.pipeline.claim import Claimed, Ready, claim
from gateway.pipeline.lease import LEAVE_WITHIN, Mark, follow_clock, recover
from gateway.pipeline.ports import Transaction, Writer
from gateway.pipeline.settle import Move, Settling
from gateway.pipeline.site import Site
from profiles.issue import GatewayError, Unavailable

_log = log("deliver")

#: How often the loop looks without being woken, in seconds.
IDLE_WAIT = 0.5
#: Seconds from one claim that took all there was to the next: what becomes due meanwhile is taken
#: together. An idle gateway adds no wait.
PACE = 0.02


@dataclass(slots=True)
class Deliver:
    """The delivery loop of one process."""

    writer: Writer
    site: Callable[[], Site]
    paused: Callable[[], frozenset[str]]
    open_sender: Callable[[Endpoint], Sender]
    clock: Clock
    random: Random
    #: Monotonic seconds, for breakers and attempts.
    monotonic: Callable[[], float]
    #: By endpoint.
    _wires: dict[str, Wire] = field(init=False, default_factory=dict)
    _wake: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(init=False, default_factory=set)
    #: What this process has on the wire: only others may take it, whatever the clock says.
    _flying: set[int] = field(init=False, default_factory=set)
    _settling: Settling = field(init=False)
    #: The time of the last claim.
    _mark: Mark | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Let results find their way back."""
        self._settling = Settling(self.writer, self.site, self.clock, self._landed, self._sending)

    def wake(self) -> None:
        """Say that something may be due; called on the loop after a commit that enqueued."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until told to stop; what is on the wire then is waited for."""
        stopping = asyncio.ensure_future(stop.wait())
        try:
            while not stop.is_set():
                self._wake.clear()
                began = self.monotonic()
                claimed, more = await self._cycle()
                if more:
                    continue
                if claimed:
                    await asyncio.sleep(max(began + PACE - self.monotonic(), 0.0))
                waking = asyncio.ensure_future(self._wake.wait())
                await asyncio.wait(
                    {waking, stopping}, timeout=IDLE_WAIT, return_when=asyncio.FIRST_COMPLETED
                )
                waking.cancel()
        finally:
            stopping.cancel()
            await self._drain()

    async def recover(self, *, alone: bool) -> None:
        """Put back what a crash left claimed or inflight.

        A process that knows it is alone need not wait until the leases of the dead run out.
        """
        await asyncio.wrap_future(
            self.writer.submit(lambda tx: recover(tx, self.site(), self._flying, alone=alone))
        )

    async def _cycle(self) -> tuple[bool, bool]:
        """Claim and start what is due; say whether there was any, and whether more may be due."""
        room = self._room()
        if not room:
            return False, False
        until = self.monotonic() + LEAVE_WITHIN
        try:
            at, claimed = await asyncio.wrap_future(
                self.writer.submit(lambda tx: self._claim(tx, room), joins=True)
            )
        except Unavailable:
            _log.warning("claim_failed")
            return False, False
        except (*FAULTS, MemoryError, OSError) as error:
            _log.error("claim_broken", error=type(error).__name__)
            return False, False
        self._mark = Mark(at, self.monotonic())
        for ready in claimed.ready:
            self._start(ready, until)
        return bool(claimed.ready), claimed.leaves_more(room)

    def _claim(self, tx: Transaction, room: Mapping[str, int]) -> tuple[Instant, Claimed]:
        """Claim what is due by the store's clock; say what time that was."""
        if self._mark is not None:
            follow_clock(tx, self._mark, self.monotonic())
        return tx.now, claim(tx, self.site(), room)

    def _room(self) -> dict[str, int]:
        """Say how many deliveries each endpoint can take now."""
        paused = self.paused()
        room = {}
        for endpoint in self.site().region.endpoints.values():
            if endpoint.direction != "out" or endpoint.id in paused:
                continue
            try:
                wire = self._wire_of(endpoint)
            except GatewayError as error:
                _log.error("sender_not_opened", endpoint=endpoint.id, reason=error.text)
                continue
            free = wire.room(endpoint.parallel, self.monotonic())
            if free > 0:
                room[endpoint.id] = free
        return room

    def _wire_of(self, endpoint: Endpoint) -> Wire:
        """Find the endpoint's wire; a changed registration gets a new one once the old is idle."""
        wire = self._wires.get(endpoint.id)
        if wire is not None and (wire.endpoint == endpoint or wire.sending):
            return wire
        if wire is not None:
            self._keep(wire.sender.close())
        wire = self._wires[endpoint.id] = Wire(endpoint, self.open_sender(endpoint))
        return wire

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _start(self, ready: Ready, until: float) -> None:
        delivery = ready.delivery
        endpoint = self.site().region.endpoints.get(delivery.endpoint)
        if endpoint is None:  # removed this moment: the lease brings it back to a person
            return
        self._flying.add(delivery.id)
        if self.monotonic() > until:
            self._not_made(ready, LEASE_EXPIRED)
            return
        try:
            wire = self._wire_of(endpoint)
        except GatewayError as error:  # registered anew while the claim was committed
            _log.error("sender_not_opened", endpoint=endpoint.id, reason=error.text)
            self._not_made(ready, NO_SENDER)
            return
        wire.begin(self.monotonic())
        self._keep(self._attempt(wire, endpoint, ready))

    def _not_made(self, ready: Ready, reason: str) -> None:
        settled = not_made(ready.delivery, self.clock(), reason)
        self._settling.add(Move(ready.delivery, settled, ready.patients))

    async def _attempt(self, wire: Wire, endpoint: Endpoint, ready: Ready) -> None:
        """Send; `endpoint` is the registration of the moment, the wire may have an older one."""
        started = self.clock()
        outcome = await send(wire, endpoint, ready)
        wire.end(outcome, self.monotonic())
        settled = result(endpoint, ready.delivery, outcome, started, self.clock(), self.random)
        self._settling.add(Move(ready.delivery, settled, ready.patients))

    def _sending(self) -> int:
        return sum(wire.sending for wire in self._wires.values())

    def _landed(self, moves: Sequence[Move]) -> None:
        """After the commit of results their lanes are free: look for more."""
        self._flying.difference_update(move.delivery.id for move in moves)
        self._wake.set()

    async def _drain(self) -> None:
        """Wait for what is on the wire, settle it, close the connections."""
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._settling.finish()
        for wire in self._wires.values():
            await wire.sender.close()
