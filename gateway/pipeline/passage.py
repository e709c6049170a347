"""Passage: one input on its way from the listener to its answer, as callbacks.

There are many at a time, so each is a few callbacks on futures and no task of its own.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway.domain.log import log
from gateway.domain.message import Arrival
from gateway.domain.region import Endpoint
from gateway.errors import RENDERINGS
from gateway.pipeline.acknowledge import answered, codes, wants_processing, write
from gateway.pipeline.arrive import Arrived
from gateway.pipeline.drain import Drain
from gateway.pipeline.message import Item, Recorded
from gateway.pipeline.receipt import Receipt
from gateway.pipeline.refusal import failed, fault
from gateway.pipeline.translated import Job, Outcome, Translated
from profiles.issue import Issue, Unavailable

_log = log("intake")


@dataclass(frozen=True, slots=True)
class Answer:
    """What an input is answered with."""

    outcome: Outcome
    #: HTTP status.
    status: int
    #: MSA-1 of the first acknowledgement; "" for none.
    code: str = ""
    #: The acknowledgements as they go over MLLP; b"" asks for none, None closes the connection.
    data: bytes | None = b""
    message: int = 0
    #: The same input came before; this is the answer it got then.
    duplicate: bool = False
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Lines:
    """Where inputs queue."""

    items: Drain[Item, Recorded]
    receipts: Drain[Receipt, Recorded]
    #: Queues an input just stored for processing.
    process: Callable[[int, Arrival], asyncio.Future[Recorded]]


@dataclass(slots=True)
class Passage:
    """One input between its arrival and its answer; callbacks, because there are many."""

    lines: Lines
    endpoint: Endpoint
    arrived: Arrived
    job: Job
    result: asyncio.Future[Answer]
    #: Recording failed once; the input is quarantined instead.
    quarantined: bool = False

    def translated(self, done: asyncio.Future[Translated]) -> None:
        """Go on to the writer, in the order translations end."""
        if (error := done.exception()) is not None:
            self._fail(error)
        else:
            self.record(done.result())

    def record(self, translated: Translated) -> None:
        """Hand the input to the writer."""
        item = Item(self.arrived.arrival, translated)
        size = len(self.job.data) + sum(len(s.body) for s in translated.statements)
        self.lines.items.submit(item, size=size).add_done_callback(self._recorded)

    def store(self) -> None:
        """Store the bytes; processing follows."""
        positive = Translated(
            self.job.number,
            Outcome.STORED,
            sha256=hashlib.sha256(self.job.data).hexdigest(),
        )
        receipt = Receipt(
            self.arrived.arrival, answered(positive, self.job, self.endpoint, processed=False)
        )
        done = self.lines.receipts.submit(receipt, size=len(self.job.data))
        done.add_done_callback(self._received)

    def _recorded(self, done: asyncio.Future[Recorded]) -> None:
        error = _classified(done.exception())
        if error is None:
            self._answer(done.result())
        elif isinstance(error, Unavailable) or self.quarantined:
            self._fail(error)
        else:
            self.quarantined = True
            reason = f"recording-failed: {fault(error)}"
            self.record(answered(failed(self.job, reason), self.job, self.endpoint))

    def _received(self, done: asyncio.Future[Recorded]) -> None:
        if (error := done.exception()) is not None:
            self._fail(error)
            return
        recorded = done.result()
        header = self.arrived.header
        if recorded.duplicate:
            self._answer(recorded)
            return
        processed = self.lines.process(recorded.message, self.arrived.arrival)
        if header is not None and wants_processing(header):
            processed.add_done_callback(self._processed)
        else:
            self._answer(recorded, status=202)

    def _processed(self, done: asyncio.Future[Recorded]) -> None:
        """Give the application acknowledgement the sender waits for."""
        error = Unavailable() if done.cancelled() else done.exception()
        if error is not None:
            self._fail(error)
            return
        recorded = done.result()
        outcome = Translated(self.job.number, recorded.outcome)
        said = answered(outcome, self.job, self.endpoint)
        self._answer(replace(recorded, code=said.answer_code, answer=said.answer))

    def _answer(self, recorded: Recorded, *, status: int = 0) -> None:
        self._give(
            Answer(
                recorded.outcome,
                status or _status(recorded),
                recorded.code,
                recorded.answer,
                recorded.message,
                recorded.duplicate,
                recorded.issues,
            )
        )

    def _fail(self, error: BaseException) -> None:
        """The store does not answer: silence and a closed connection, or AR where asked for."""
        if not isinstance(error, Unavailable):
            _log.error("intake_failed", endpoint=self.endpoint.id, error=type(error).__name__)
        header, data = self.arrived.header, None
        if header is not None:
            chosen = codes(
                header.accept_ack,
                header.application_ack,
                Outcome.UNAVAILABLE,
                say_unavailable=self.endpoint.answer_unavailable,
            )
            issue = Issue("error", "transient", "The gateway cannot store now.", "", "207")
            data = write(header, chosen, self.job, (issue,)) or None
        self._give(Answer(Outcome.UNAVAILABLE, 503, data=data, issues=Unavailable().issues))

    def _give(self, answer: Answer) -> None:
        if not self.result.done():
            self.result.set_result(answer)


@dataclass(slots=True)
class Processing:
    """One input stored on receipt between its translation and its commit."""

    lines: Lines
    #: None when it was taken out of the registry meanwhile.
    endpoint: Endpoint | None
    number: int
    arrival: Arrival
    job: Job
    result: asyncio.Future[Recorded]
    quarantined: bool = False

    def translated(self, done: asyncio.Future[Translated]) -> None:
        """Go on to the writer."""
        if (error := done.exception()) is not None:
            self._give(error)
        else:
            self.record(done.result())

    def record(self, translated: Translated) -> None:
        """Hand the translation to the writer; the answer given on receipt stays."""
        if self.endpoint is not None:
            given = replace(translated, outcome=Outcome.STORED)
            given = answered(given, self.job, self.endpoint, processed=False)
            translated = replace(translated, answer_code=given.answer_code, answer=given.answer)
        item = Item(self.arrival, translated, self.number)
        done = self.lines.items.submit(item, size=len(self.job.data))
        done.add_done_callback(self._recorded)

    def _recorded(self, done: asyncio.Future[Recorded]) -> None:
        error = _classified(done.exception())
        if error is None:
            self.result.set_result(done.result())
        elif isinstance(error, Unavailable) or self.quarantined:
            self._give(error)
        else:
            self.quarantined = True
            self.record(failed(self.job, f"recording-failed: {fault(error)}"))

    def _give(self, error: BaseException) -> None:
        _log.warning("processing_postponed", message=self.number, error=type(error).__name__)
        if not self.result.done():
            self.result.set_exception(error)


def _classified(error: BaseException | None) -> BaseException | None:
    """What the machine lacks (memory, descriptors) is no fault of the message: it comes again."""
    if isinstance(error, MemoryError | OSError):
        _log.error("resources_missing", reason=fault(error))
        return Unavailable("The gateway lacks resources at the moment.")
    return error


def _status(recorded: Recorded) -> int:
    """Return the HTTP status of an outcome, as `gateway.errors` renders it."""
    if recorded.outcome is Outcome.REJECTED:
        return next(
            (shown.http for cls, shown in RENDERINGS.items() if cls.__name__ == recorded.reason),
            422,
        )
    return 202 if recorded.outcome is Outcome.QUARANTINED else 200
