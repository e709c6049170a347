"""Intake: an input comes in, its answer goes out, and in between it is safely stored.

Idempotent by endpoint, control id and digest. on_processing answers after the commit of everything
the message brought; on_receipt after the commit of its bytes, and processes in order of receipt.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from typing import TypeVar

from gateway.domain.log import log
from gateway.domain.message import Arrival
from gateway.domain.region import Endpoint, Region
from gateway.domain.time import Clock
from gateway.domain.transport import Received
from gateway.errors import rendering
from gateway.evidence import audit_event
from gateway.evidence.audit_event import MessageFacts, Result
from gateway.evidence.audit_event import Outcome as AuditOutcome
from gateway.evidence.event_class import EventClass
from gateway.evidence.parts import Party
from gateway.pipeline.acknowledge import FRAME_BREAK, answered, codes, timestamp, write
from gateway.pipeline.arrive import HL7V2, Arrived, arrive, order_key
from gateway.pipeline.backlog import Backlog
from gateway.pipeline.batch import record_batch
from gateway.pipeline.drain import Drain
from gateway.pipeline.message import Item, Recorded
from gateway.pipeline.message_batch import Envelope, take_all
from gateway.pipeline.passage import Answer, Lines, Passage, Processing
from gateway.pipeline.ports import Reader, Transaction, Writer
from gateway.pipeline.receipt import Receipt, store_receipts
from gateway.pipeline.refusal import failed, refused
from gateway.pipeline.site import Site
from gateway.pipeline.translated import Job, Outcome, WorkerConfig
from gateway.pipeline.workers import WorkerPool
from mappers.hl7v2.batch import holds_several
from profiles.issue import (
    GatewayError,
    Issue,
    NotSupported,
    NotUnderstood,
    Unavailable,
)

_log = log("intake")
T = TypeVar("T")


class Intake:
    """Takes inputs from every wire; used from one event loop."""

    def __init__(
        self,
        *,
        pool: WorkerPool,
        writer: Writer,
        reader: Reader,
        site: Site,
        digest: Callable[[bytes], bytes],
        clock: Clock,
        enqueued: Callable[[], None] = lambda: None,
    ) -> None:
        """Wire an intake; `enqueued` is called on the loop after deliveries became due."""
        self._pool = pool
        self._writer = writer
        self._site = site
        self._digest = digest
        self._clock = clock
        self._enqueued = enqueued
        self._backlog = Backlog(reader, self._process_received)
        self._lines = Lines(
            Drain(writer, self._record, self._committed, coming=lambda: len(pool)),
            Drain(writer, self._store),
            self._backlog.add,
        )
        self._number = 0
        #: Inputs taken and not answered yet.
        self._open = 0
        self._idle = asyncio.Event()

    async def start(self) -> None:
        """Begin with what earlier processes stored and did not process."""
        self._backlog.start()

    async def stop(self) -> None:
        """Answer what is in work; what is only received waits for the next start."""
        await self._backlog.stop()
        self._idle.clear()
        if self._open:
            await self._idle.wait()

    def configure(self, site: Site, config: WorkerConfig) -> None:
        """Work with another region from now on."""
        self._site = site
        self._pool.configure(config)

    @property
    def depth(self) -> int:
        """How many inputs are in work."""
        return self._open + self._backlog.outstanding

    # wires -----------------------------------------------------------------------
    def receive_frame(self, received: Received) -> asyncio.Future[bytes | None]:
        """Take a frame from an MLLP listener; None closes the connection without an answer."""
        endpoint = self._region.endpoints[received.endpoint]
        if received.oversize:
            return self._too_large(endpoint, received)
        if holds_several(received.data):
            return _data(self._take_batch(endpoint, received.data, FRAME_BREAK))
        try:
            arrived = self._arrive(endpoint, received.data, HL7V2, "")
        except NotUnderstood as error:
            return _then(self._not_understood(endpoint, received.data, error), None)
        return _data(self._take(endpoint, arrived))

    def receive(
        self,
        endpoint_id: str,
        data: bytes,
        *,
        format: str,  # noqa: A002 - the word of the contract
        key: str = "",
    ) -> asyncio.Future[Answer]:
        """Take an input from any other wire; `key` is its idempotency key."""
        endpoint = self._region.endpoints[endpoint_id]
        if format == HL7V2 and holds_several(data):
            return self._take_batch(endpoint, data, b"")
        return self._receive(endpoint, data, format, key)

    def _receive(
        self, endpoint: Endpoint, data: bytes, kind: str, key: str = ""
    ) -> asyncio.Future[Answer]:
        try:
            arrived = self._arrive(endpoint, data, kind, key)
        except NotUnderstood as error:
            status = rendering(error).http
            answer = Answer(Outcome.REJECTED, status, data=None, issues=error.issues)
            return _then(self._not_understood(endpoint, data, error), answer)
        return self._take(endpoint, arrived)

    def _take_batch(
        self, endpoint: Endpoint, data: bytes, between: bytes
    ) -> asyncio.Future[Answer]:
        """Take each message of a batch; `between` parts acknowledgements outside an envelope."""
        envelope = Envelope(between, timestamp(self._clock()), self._digest(data).hex()[:20])
        answering = take_all(data, lambda one: self._receive(endpoint, one, HL7V2), envelope)
        self._open += 1
        result = asyncio.ensure_future(answering)
        result.add_done_callback(self._closed)
        return result

    @property
    def _region(self) -> Region:
        return self._site.region

    def _arrive(self, endpoint: Endpoint, data: bytes, kind: str, key: str) -> Arrived:
        return arrive(
            endpoint,
            data,
            format=kind,
            digest=self._digest,
            received_at=self._clock(),
            key=key,
        )

    # the way ------------------------------------------------------------------------
    def _take(self, endpoint: Endpoint, arrived: Arrived) -> asyncio.Future[Answer]:
        """Take the input's place in order: nothing here waits."""
        job = self._job(arrived.arrival)
        result: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._open += 1
        result.add_done_callback(self._closed)
        passage = Passage(self._lines, endpoint, arrived, job, result)
        if arrived.refusal is not None:
            passage.record(answered(refused(job, arrived.refusal), job, endpoint))
        elif endpoint.acknowledge == "on_receipt":
            passage.store()
        else:
            self._pool.submit(job, arrived.order_key).add_done_callback(passage.translated)
        return result

    def _closed(self, _: object) -> None:
        self._open -= 1
        if not self._open:
            self._idle.set()

    def _job(self, arrival: Arrival) -> Job:
        self._number += 1
        return Job(
            self._number,
            arrival.endpoint,
            arrival.format,
            arrival.control_id,
            arrival.digest,
            arrival.received_at,
            arrival.data,
        )

    def _process_received(self, number: int, arrival: Arrival) -> asyncio.Future[Recorded]:
        """Process an input stored on receipt: its positive answer stands."""
        endpoint = self._region.endpoints.get(arrival.endpoint)
        result: asyncio.Future[Recorded] = asyncio.get_running_loop().create_future()
        job = self._job(arrival)
        processing = Processing(self._lines, endpoint, number, arrival, job, result)
        if endpoint is None:
            processing.record(failed(job, "endpoint-removed"))
            return result
        key = order_key(endpoint, arrival.data, arrival.format)
        self._pool.submit(job, key).add_done_callback(processing.translated)
        return result

    # the writer's jobs ---------------------------------------------------------------
    def _record(self, tx: Transaction, items: Sequence[Item]) -> list[Recorded]:
        return record_batch(tx, items, self._site)

    def _store(self, tx: Transaction, receipts: Sequence[Receipt]) -> list[Recorded]:
        return store_receipts(tx, receipts, self._site)

    def _committed(self, results: list[Recorded]) -> None:
        """After the commit: wake delivery, raise alerts."""
        if any(recorded.queued for recorded in results):
            self._enqueued()
        for recorded in results:
            if recorded.outcome is Outcome.QUARANTINED:
                _log.error("message_quarantined", message=recorded.message, reason=recorded.reason)
            elif recorded.reused:
                _log.warning("control_id_reused", message=recorded.message)

    # refusals before anything is stored ------------------------------------------------
    def _not_understood(
        self, endpoint: Endpoint, data: bytes, error: GatewayError
    ) -> asyncio.Future[None]:
        """No answer is possible; the attempt is evidence all the same."""
        return self._audit_refusal(endpoint, hashlib.sha256(data).hexdigest(), type(error).__name__)

    def _too_large(self, endpoint: Endpoint, received: Received) -> asyncio.Future[bytes | None]:
        """Answer AR 207 to a frame above the limit: its header is known, its rest is gone."""
        digest = hashlib.sha256(received.data).hexdigest()
        audited = self._audit_refusal(endpoint, digest, "too-costly")
        issue = Issue(
            "error", "too-costly", "The message is larger than this endpoint takes.", "", "207"
        )
        try:
            arrived = self._arrive(endpoint, received.data, HL7V2, "")
        except NotUnderstood:
            return _then(audited, None)
        if arrived.header is None:
            return _then(audited, None)
        chosen = codes(
            arrived.header.accept_ack,
            arrived.header.application_ack,
            Outcome.REJECTED,
            reason=NotSupported.__name__,
        )
        answer = write(arrived.header, chosen, self._job(arrived.arrival), (issue,))
        return _then(audited, answer or None)

    def _audit_refusal(self, endpoint: Endpoint, sha256: str, reason: str) -> asyncio.Future[None]:
        auditor, now = self._site.auditor, self._clock()
        event = audit_event.received(
            auditor.stamp(now),
            message=MessageFacts("", sha256),
            sender=Party(reference=f"Organization/{endpoint.organization}"),
            result=Result(AuditOutcome.SERIOUS_FAILURE, reason),
        )
        row = auditor.row(EventClass.RECEIVED, now, event)
        _log.warning("input_refused", endpoint=endpoint.id, reason=reason)
        try:
            return asyncio.wrap_future(self._writer.submit(lambda tx: tx.add_audit([row])))
        except Unavailable:
            return _already(None)


def _already(value: T) -> asyncio.Future[T]:
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    future.set_result(value)
    return future


def _then(before: asyncio.Future[None], value: T) -> asyncio.Future[T]:
    """Give a value once something has ended, well or not."""
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def give(done: asyncio.Future[None]) -> None:
        if not done.cancelled():
            done.exception()
        if not future.done():
            future.set_result(value)

    before.add_done_callback(give)
    return future


def _data(answers: asyncio.Future[Answer]) -> asyncio.Future[bytes | None]:
    """Follow an answer with its bytes alone."""
    future: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()

    def follow(done: asyncio.Future[Answer]) -> None:
        if not future.done():
            future.set_result(done.result().data)

    answers.add_done_callback(follow)
    return future
