"""Deliver: claim lane heads, decide again, store the bytes, send, settle.

One writer job claims what is due, asks consent again, writes the bytes and marks them inflight;
after its commit the bytes leave; the results of a moment are settled in one further job. What a
crash leaves inflight is sent again only where the endpoint is declared idempotent.
"""

from __future__ import annotations

import asyncio
from base64 import b32encode
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from random import Random

from gateway.consent import PERMIT
from gateway.domain.breaker import Breaker, BreakerState
from gateway.domain.delivery import Delivery, DeliveryState
from gateway.domain.log import log
from gateway.domain.region import Endpoint
from gateway.domain.time import DAY, SECOND, Clock, Instant
from gateway.domain.transport import (
    Outgoing,
    PartnerRefused,
    PartnerUnavailable,
    PartnerUncertain,
    Sender,
    Sent,
)
from gateway.pipeline.batch import FAULTS
from gateway.pipeline.decide import decision_bytes
from gateway.pipeline.disclose import Verdict, disclosed, patient_ids, state_row, verdicts
from gateway.pipeline.encode import Source, Written, content_type, encode
from gateway.pipeline.ports import AuditRow, NewDelivery, Settled, Transaction, Writer
from gateway.pipeline.site import Site
from profiles.issue import GatewayError, Unavailable

_log = log("deliver")

#: Reason of a delivery that ended because less may go out than its stored bytes hold.
DECISION_CHANGED = "decision-changed"

#: How much longer than the longest attempt a claim holds its lanes without news: time for the
#: commits before and after it. Only another process may take what is left when it has run out.
LEASE_MARGIN = 20 * SECOND
#: Later than any lease.
FAR = 365 * DAY
#: How often the loop looks without being woken, in seconds.
IDLE_WAIT = 0.5


@dataclass(frozen=True, slots=True)
class _Ready:
    delivery: Delivery
    payload: bytes
    #: Logical ids, for the evidence.
    patients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Move:
    """A transition to write, with what its evidence names."""

    delivery: Delivery
    settled: Settled
    patients: tuple[str, ...] = ()


@dataclass(slots=True)
class _Lanes:
    """What one endpoint has on the wire."""

    endpoint: Endpoint
    sender: Sender
    breaker: Breaker
    sending: int = 0


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
    _lanes: dict[str, _Lanes] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _settled: list[_Move] = field(default_factory=list)
    _settling: bool = False

    def wake(self) -> None:
        """Say that something may be due; called on the loop after a commit that enqueued."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until told to stop; what is on the wire then is waited for."""
        stopping = asyncio.ensure_future(stop.wait())
        try:
            while not stop.is_set():
                self._wake.clear()
                if await self._cycle():
                    continue
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
        await asyncio.wrap_future(self.writer.submit(lambda tx: self._recover(tx, alone)))

    def _recover(self, tx: Transaction, alone: bool) -> None:  # noqa: FBT001 - as in `recover`
        endpoints = self.site().region.endpoints
        settled: list[_Move] = []
        for delivery in tx.recover(tx.now + FAR if alone else tx.now):
            endpoint = endpoints.get(delivery.endpoint)
            again = endpoint is not None and endpoint.idempotent
            state = DeliveryState.RETRY if again else DeliveryState.AMBIGUOUS
            settled.append(_moved(delivery, state, "interrupted", tx.now))
        self._write(tx, settled)

    async def _cycle(self) -> bool:
        """Claim and start what is due; say whether there may be more."""
        room = self._room()
        if not room:
            return False
        try:
            ready = await asyncio.wrap_future(self.writer.submit(lambda tx: self._take(tx, room)))
        except Unavailable:
            _log.warning("claim_failed")
            return False
        except FAULTS as error:
            _log.error("claim_broken", error=type(error).__name__)
            return False
        for item in ready:
            self._start(item)
        return bool(ready)

    def _room(self) -> dict[str, int]:
        """Say how many deliveries each endpoint can take now."""
        paused = self.paused()
        room = {}
        for endpoint in self.site().region.endpoints.values():
            if endpoint.direction != "out" or endpoint.id in paused:
                continue
            try:
                lanes = self._lanes_of(endpoint)
            except GatewayError as error:
                _log.error("sender_not_opened", endpoint=endpoint.id, reason=error.text)
                continue
            free = endpoint.parallel - lanes.sending
            if free > 0 and lanes.breaker.state is not BreakerState.CLOSED:
                free = 1 if self._may_probe(lanes) else 0
            if free > 0:
                room[endpoint.id] = free
        return room

    def _may_probe(self, lanes: _Lanes) -> bool:
        """Say whether the breaker would let one attempt pass; `_start` takes it."""
        return not lanes.sending and lanes.breaker.admit(self.monotonic()) is not None

    def _lanes_of(self, endpoint: Endpoint) -> _Lanes:
        """Find the endpoint's wire; a changed registration gets a new one once the old is idle."""
        lanes = self._lanes.get(endpoint.id)
        if lanes is not None and (lanes.endpoint == endpoint or lanes.sending):
            return lanes
        if lanes is not None:
            self._keep(lanes.sender.close())
        lanes = self._lanes[endpoint.id] = _Lanes(endpoint, self.open_sender(endpoint), Breaker())
        return lanes

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _take(self, tx: Transaction, room: Mapping[str, int]) -> list[_Ready]:
        """Claim, decide, encode and mark inflight, all in the writer's transaction."""
        claimed = tx.claim(room, lease_until=tx.now + self._lease(room))
        if not claimed:
            return []
        messages = {delivery.message_id for delivery in claimed}
        raw, contents = tx.raw(messages), tx.contents(messages)
        rows = [
            (d, Source(raw.get(d.message_id, b""), contents.get(d.message_id, []))) for d in claimed
        ]
        kept = tx.outgoing([d.id for d in claimed if d.attempts])
        ready: list[_Ready] = []
        begun: list[tuple[Delivery, bytes, bytes]] = []
        moves: list[_Move] = []
        audit: list[AuditRow] = []
        again: list[NewDelivery] = []
        for (delivery, source), verdict in zip(rows, verdicts(tx, self.site(), rows), strict=True):
            audit += verdict.audit
            patients = patient_ids(delivery, source)
            if verdict.state is not DeliveryState.INFLIGHT:
                move = _moved(delivery, verdict.state, verdict.reason, tx.now, patients)
                decision = decision_bytes(verdict.decision)
                moves.append(replace(move, settled=replace(move.settled, decision=decision)))
                continue
            stored = kept.get(delivery.id, b"")
            try:
                written = self._written(delivery, source, verdict, stored)
            except FAULTS as error:
                _log.error(
                    "delivery_not_encodable", delivery=delivery.id, error=type(error).__name__
                )
                moves.append(_moved(delivery, DeliveryState.DEAD, "form", tx.now, patients))
                continue
            if stored and written.data != stored:
                again.append(self._anew(delivery, source, verdict))
                state, reason = DeliveryState.CANCELLED_BY_CONSENT, DECISION_CHANGED
                moves.append(_moved(delivery, state, reason, tx.now, patients))
                continue
            audit += disclosed(self.site(), delivery, source, verdict, written, tx.now)
            begun.append((delivery, written.data, decision_bytes(verdict.decision)))
            ready.append(_Ready(delivery, written.data, patients))
        lost = set(tx.begin(begun))
        tx.add_audit(audit)
        self._write(tx, moves)
        tx.add_deliveries(again)
        return [item for item in ready if item.delivery.id not in lost]

    def _written(
        self, delivery: Delivery, source: Source, verdict: Verdict, stored: bytes
    ) -> Written:
        """Write what may go out; a resend repeats its bytes unless less may go out now."""
        if stored and verdict.decision.outcome == PERMIT:
            return Written(stored)
        return encode(self.site(), delivery, source, verdict.decision)

    def _anew(self, delivery: Delivery, source: Source, verdict: Verdict) -> NewDelivery:
        """Make the delivery that takes the place of one whose decision changed on the way."""
        first = source.contents[0]
        name = blake2b(delivery.control_id.encode(), digest_size=10).digest()
        return NewDelivery(
            message_id=delivery.message_id,
            endpoint=delivery.endpoint,
            route=delivery.route,
            organization=delivery.organization,
            patient=delivery.patients[0],
            lanes=delivery.patients,
            subject=first.subject,
            state=DeliveryState.QUEUED,
            reason=verdict.reason,
            control_id=b32encode(name).decode(),
            expires_at=delivery.expires_at,
            decision=decision_bytes(verdict.decision),
            retain_until=self.site().retain_until(first.organization, delivery.created_at),
        )

    def _lease(self, room: Mapping[str, int]) -> int:
        """Say how long a claim for these endpoints holds, in microseconds."""
        endpoints = self.site().region.endpoints
        longest = max((endpoints[name].timeout for name in room if name in endpoints), default=0)
        return longest + LEASE_MARGIN

    def _start(self, item: _Ready) -> None:
        endpoint = self.site().region.endpoints.get(item.delivery.endpoint)
        if endpoint is None:  # removed this moment: the lease brings it back to a person
            return
        lanes = self._lanes_of(endpoint)
        lanes.sending += 1
        lanes.breaker = lanes.breaker.admit(self.monotonic()) or lanes.breaker
        self._keep(self._attempt(endpoint, item))

    async def _attempt(self, endpoint: Endpoint, item: _Ready) -> None:
        lanes = self._lanes_of(endpoint)
        started = self.clock()
        outgoing = Outgoing(
            endpoint.id,
            item.payload,
            item.delivery.control_id,
            content_type(endpoint),
            endpoint.timeout / SECOND,
        )
        try:
            outcome: Sent | Exception = await lanes.sender.send(outgoing)
        except (PartnerUnavailable, PartnerUncertain, PartnerRefused) as error:
            outcome = error
        finally:
            lanes.sending -= 1
        lanes.breaker = self._judged(lanes.breaker, outcome)
        settled = self._result(endpoint, item.delivery, outcome, started)
        self._settled.append(_Move(item.delivery, settled, item.patients))
        if not self._settling:
            self._settling = True
            asyncio.get_running_loop().call_soon(self._settle_now)

    def _judged(self, breaker: Breaker, outcome: Sent | Exception) -> Breaker:
        """A refusal is an answer: only silence and unavailability open the breaker."""
        if isinstance(outcome, PartnerUnavailable):
            return breaker.failed(self.monotonic(), retry_after=outcome.retry_after)
        if isinstance(outcome, PartnerUncertain):
            return breaker.failed(self.monotonic())
        return breaker.succeeded()

    def _result(
        self, endpoint: Endpoint, delivery: Delivery, outcome: Sent | Exception, started: Instant
    ) -> Settled:
        number, now = delivery.attempts + 1, self.clock()
        state, reason, answer, next_at = DeliveryState.DELIVERED, "", b"", now
        if isinstance(outcome, Sent):
            reason, answer = outcome.status, outcome.answer
        elif isinstance(outcome, PartnerRefused):
            state, reason, answer = DeliveryState.DEAD, outcome.text, outcome.answer
        elif isinstance(outcome, PartnerUncertain) and not endpoint.idempotent:
            state, reason, answer = DeliveryState.AMBIGUOUS, outcome.text, outcome.answer
        else:
            state, reason = DeliveryState.RETRY, getattr(outcome, "text", "failed")
            asked = int((getattr(outcome, "retry_after", None) or 0) * SECOND)
            next_at = endpoint.retry.next_at(
                now=now, attempt=number, random=self.random, wait=asked
            )
            if endpoint.retry.exhausted(number):
                state = DeliveryState.DEAD
        return Settled(delivery.id, delivery.fence, state, reason, next_at, answer, number, started)

    def _settle_now(self) -> None:
        """Hand the results of this moment to the writer as one job."""
        self._settling = False
        rows, self._settled = self._settled, []
        future = self.writer.submit(lambda tx: self._write(tx, rows))
        loop = asyncio.get_running_loop()
        future.add_done_callback(
            lambda done: loop.call_soon_threadsafe(self._settled_now, rows, done)
        )

    def _settled_now(self, rows: list[_Move], done: Future[None]) -> None:
        """After the commit look for more; when the store failed, keep the results and try again."""
        if done.exception() is not None:
            _log.warning("settle_failed", count=len(rows))
            self._settled = rows + self._settled
            asyncio.get_running_loop().call_later(IDLE_WAIT, self._settle_now)
            return
        self._wake.set()

    def _write(self, tx: Transaction, moves: Sequence[_Move]) -> None:
        if not moves:
            return
        refused = set(tx.settle([move.settled for move in moves]))
        site = self.site()
        tx.add_audit(
            [
                state_row(site, move.delivery, move.settled, move.patients, tx.now)
                for move in moves
                if move.delivery.id not in refused
            ]
        )
        for number in refused:
            _log.warning("lease_lost", delivery=number)

    async def _drain(self) -> None:
        """Wait for what is on the wire, settle it, close the connections."""
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._settled:
            rows, self._settled = self._settled, []
            await asyncio.wrap_future(self.writer.submit(lambda tx: self._write(tx, rows)))
        for lanes in self._lanes.values():
            await lanes.sender.close()


def _moved(
    delivery: Delivery,
    state: DeliveryState,
    reason: str,
    now: Instant,
    patients: tuple[str, ...] = (),
) -> _Move:
    return _Move(delivery, Settled(delivery.id, delivery.fence, state, reason, now), patients)
