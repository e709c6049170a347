"""One MLLP connection of a listener: frames in, answers out, in the order of arrival.

A frame is handed on as soon as it is complete, up to `window` of them before the first is
answered; then reading stops and TCP pushes back. Handing on costs one task and no queue.

Nothing here judges content: what is not MLLP, takes too long or has no answer closes the connection
without one, and the sender sends again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from gateway.domain.transport import Observe, Receive, Received, WireEvent, WireFault
from gateway.endpoints.memory import ByteBudget
from gateway.endpoints.mllp_frame import Event, Frame, FrameReader, Oversize, Violation, frames
from gateway.endpoints.tls import fingerprint
from profiles.issue import GatewayError


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all connections of one listener share."""

    endpoint: str
    receive: Receive
    observe: Observe
    budget: ByteBudget
    #: Accepted certificate fingerprints; empty accepts what the CA issued.
    certificates: frozenset[str]
    #: Frames taken from one connection before the first is answered.
    window: int
    #: Bytes of unanswered frames after which one connection is no longer read.
    window_bytes: int
    #: Seconds without a frame after which a connection is closed.
    idle: float
    #: Seconds from start block to end block.
    frame_timeout: float
    #: Called once when the connection is gone.
    gone: Callable[[MllpConnection], None]
    open_reader: Callable[[], FrameReader]


class MllpConnection(asyncio.Protocol):
    """The protocol side of one accepted socket."""

    __slots__ = (
        "_answers",
        "_certificate",
        "_closing_since",
        "_frame_since",
        "_loop",
        "_paused_since",
        "_quiet_since",
        "_reader",
        "_shared",
        "_silent",
        "_stopping",
        "_stuck_since",
        "_transport",
        "_unanswered",
        "_waiting",
        "peer",
    )

    def __init__(self, shared: Surroundings, peer: str) -> None:
        """Serve `peer`, whose address has been checked."""
        self.peer = peer
        self._shared = shared
        self._loop = asyncio.get_running_loop()
        self._reader = shared.open_reader()
        self._certificate = ""
        self._transport: asyncio.Transport | None = None
        #: Complete frames not handed on yet.
        self._waiting: deque[Frame | Oversize] = deque()
        #: Handed on, in order of arrival, with their size.
        self._answers: deque[tuple[asyncio.Future[bytes | None], int]] = deque()
        self._unanswered = 0
        #: No further frame is handed on; closed once everything handed on is answered.
        self._stopping = False
        #: An answer is missing; later ones would be taken for it, so none follows.
        self._silent = False
        self._quiet_since = self._loop.time()
        self._frame_since = 0.0
        self._paused_since = 0.0
        self._stuck_since = 0.0
        self._closing_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Look at the certificate before anything is read."""
        # Not every loop's transports are subclasses of asyncio.Transport (uvloop's are not).
        self._transport = opened = cast("asyncio.Transport", transport)
        if self._stopping:
            opened.close()
            return
        secured = opened.get_extra_info("ssl_object")
        if secured is not None:
            self._certificate = fingerprint(secured.getpeercert(binary_form=True))
        accepted = self._shared.certificates
        if accepted and self._certificate not in accepted:
            self.stop(WireFault.CERTIFICATE_REFUSED)

    def data_received(self, data: bytes) -> None:
        """Cut frames and hand them on."""
        if self._stopping:
            return
        was_inside = self._reader.in_frame
        try:
            events = self._reader.feed(data)
        except OSError:
            self.stop(WireFault.SPOOL_FAILED)
            return
        now = self._loop.time()
        if self._reader.in_frame and (events or not was_inside):
            self._frame_since = now
        if events:
            self._quiet_since = now
            self._take(events)

    def eof_received(self) -> bool:
        """Answer what came before the sender closed its side."""
        if self._reader.in_frame:
            self.stop(WireFault.INCOMPLETE_FRAME)
        else:
            self.stop(None, finish=True)
        # TLS knows no half-closed connection; asyncio would warn.
        return self._transport is not None and not self._transport.get_extra_info("ssl_object")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Let go; what was handed on runs to its end and is stored, though nobody hears of it."""
        if not self._stopping and self._reader.in_frame:
            self._observe(WireFault.INCOMPLETE_FRAME)
        self._stopping = True
        self._drop_waiting()
        self._reader.close()
        self._transport = None
        self._shared.gone(self)

    def pause_writing(self) -> None:
        """Stop reading while the sender does not take its answers."""
        self._stuck_since = self._loop.time()
        self._regulate()

    def resume_writing(self) -> None:
        """Go on reading."""
        self._stuck_since = 0.0
        self._regulate()

    def check(self, now: float) -> None:
        """Close when a time limit is over; called about once a second."""
        if self._transport is None:
            return
        shared = self._shared
        unread = self._stuck_since or self._closing_since
        if unread and now - unread > min(shared.frame_timeout, shared.idle):
            self._observe(WireFault.NOT_READING)
            self._transport.abort()
        elif self._paused_since or self._stopping:
            return
        elif self._reader.in_frame:
            if now - self._frame_since > shared.frame_timeout:
                self.stop(WireFault.FRAME_TIMEOUT)
        elif not self._answers and now - self._quiet_since > shared.idle:
            self.stop(WireFault.IDLE)

    def stop(self, fault: WireFault | None, detail: str = "", *, finish: bool = False) -> None:
        """Hand nothing on any more and close once everything handed on is answered.

        With `finish` complete frames that wait are handed on first.
        """
        if fault is not None:
            self._observe(fault, detail)
        self._stopping = True
        if not finish:
            self._drop_waiting()
        self._reader.close()
        self._regulate()
        self._close_when_done()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def _take(self, events: Sequence[Event]) -> None:
        broken = ""
        for event in events:
            if isinstance(event, Violation):
                broken = event.reason
            else:
                self._waiting.append(event)
                self._unanswered += event.size
        self._hand_on()
        if broken:
            self.stop(WireFault.PROTOCOL_ERROR, broken, finish=True)
        else:
            self._regulate()

    def _hand_on(self) -> None:
        shared = self._shared
        while self._waiting and len(self._answers) < shared.window:
            event = self._waiting[0]
            held = event.size if isinstance(event, Frame) else len(event.header)
            if not shared.budget.take(held, self._go_on):
                return
            self._waiting.popleft()
            received = self._received(event)
            answer = asyncio.ensure_future(shared.receive(received))
            self._answers.append((answer, event.size))
            answer.add_done_callback(partial(self._answered, held))

    def _go_on(self) -> None:
        self._hand_on()
        self._regulate()

    def _received(self, event: Frame | Oversize) -> Received:
        whole = isinstance(event, Frame)
        data = event.read() if isinstance(event, Frame) else event.header
        return Received(
            self._shared.endpoint, self.peer, self._certificate, data, not whole, event.size
        )

    def _answered(self, held: int, _: object) -> None:
        self._shared.budget.give_back(held)
        ready: list[bytes] = []
        while self._answers and self._answers[0][0].done():
            answer, size = self._answers.popleft()
            self._unanswered -= size
            message = self._result(answer)
            if message is None:
                self._silent = True
            elif not self._silent:
                ready.append(message)
        self._quiet_since = self._loop.time()
        if ready and self._transport is not None:
            self._transport.write(b"".join(ready))
        if self._silent:
            self.stop(None)
        else:
            self._go_on()
        if self._stopping:
            self._close_when_done()

    def _result(self, answer: asyncio.Future[bytes | None]) -> bytes | None:
        try:
            message = answer.result()
            # Nothing was asked for (MSH-15 and MSH-16 NE): no frame, the connection stays.
            return frames(message) if message else message
        except GatewayError as error:
            self._observe(WireFault.RECEIVE_FAILED, error.issue_type)
        except asyncio.CancelledError:
            self._observe(WireFault.RECEIVE_FAILED, "cancelled")
        except Exception as error:  # noqa: BLE001 - one message's failure closes one connection only
            self._observe(WireFault.RECEIVE_FAILED, type(error).__name__)
        return None

    def _regulate(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        full = (
            self._stopping
            or bool(self._stuck_since)
            or bool(self._waiting)
            or len(self._answers) >= self._shared.window
            or self._unanswered >= self._shared.window_bytes
        )
        if full and not self._paused_since:
            self._paused_since = self._loop.time()
            self._transport.pause_reading()
        elif not full and self._paused_since:
            # A frame's time does not run while it is we who do not read.
            self._frame_since += self._loop.time() - self._paused_since
            self._paused_since = 0.0
            self._transport.resume_reading()

    def _close_when_done(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._silent or not (self._answers or self._waiting):
            self._closing_since = self._loop.time()
            self._transport.close()

    def _drop_waiting(self) -> None:
        while self._waiting:
            event = self._waiting.popleft()
            self._unanswered -= event.size
            if isinstance(event, Frame):
                event.close()

    def _observe(self, fault: WireFault, detail: str = "") -> None:
        self._shared.observe(WireEvent(fault, self._shared.endpoint, self.peer, detail))
