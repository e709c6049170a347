"""Sends HL7 v2 messages over MLLP and believes only an answer to the very message.

HL7 v2.5 chapter 2.9.2 (MSA-1, MSA-2) and 2.9.3 (enhanced mode). Refused before the first byte
left: try again. Anything after it without an answer whose MSA-2 is our MSH-10: uncertain, and the
connection is closed, so that a late answer meets nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Collection
from datetime import UTC, datetime
from uuid import uuid4

from gateway.domain.region import Endpoint
from gateway.domain.transport import (
    ANSWER_LIMIT,
    Outgoing,
    PartnerRefused,
    PartnerUnavailable,
    PartnerUncertain,
    Sent,
)
from gateway.endpoints.mllp_frame import frame
from gateway.endpoints.mllp_line import LineClosed, MllpLine
from gateway.endpoints.networks import networks, resolve, split_address
from gateway.endpoints.tls import client_context
from mappers.hl7v2.acknowledgement import Ack, acknowledge, read_acknowledgement
from mappers.hl7v2.header import read_header
from profiles.issue import GatewayError, NotConformant

#: Seconds an unused connection is kept.
KEEP = 60.0
_POSITIVE = frozenset({"AA", "CA"})
_NEGATIVE = frozenset({"AE", "AR", "CE", "CR"})
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,20}")


class MllpSender:
    """The connections to one partner."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        application_answer: bool = False,
        again: Collection[str] = (),
        keep: float = KEEP,
    ) -> None:
        """Prepare; nothing is connected yet.

        With `application_answer` the partner sends CA and, on the same connection, AA or AE
        (enhanced mode); only the latter counts. `again` are codes of table 0357 with which a
        refusal means "not now" (207 for partners that say so when their store is down).
        Raises NotConformant when the address or the TLS files are unusable.
        """
        address = endpoint.address if "://" in endpoint.address else f"mllp://{endpoint.address}"
        parts, self._host, self._port = split_address(address)
        if parts.scheme not in {"mllp", "mllps"}:
            raise NotConformant("An MLLP address is mllp://host:port, or mllps:// with TLS.")
        secured = parts.scheme == "mllps" or bool(endpoint.tls)
        self._context = client_context(endpoint.tls) if secured else None
        self._allowed = networks(endpoint.peers)
        self._application_answer = application_answer
        self._again = frozenset(again)
        self._keep = keep
        self._slots = asyncio.Semaphore(max(1, endpoint.parallel))
        #: Unused connections and since when, the latest last.
        self._idle: list[tuple[MllpLine, float]] = []

    async def send(self, delivery: Outgoing) -> Sent:
        """Send one message and return the partner's positive answer.

        Raises PartnerUnavailable, PartnerUncertain or PartnerRefused.
        """
        try:
            framed = frame(delivery.payload)
        except NotConformant as error:
            raise PartnerRefused(error.text, codes=("unframeable",)) from error
        left = False
        try:
            async with asyncio.timeout(delivery.deadline), self._slots, self._line() as line:
                left = True
                line.write(framed)
                return await self._answered(line, delivery.control_id)
        except TimeoutError as error:
            if not left:
                raise PartnerUnavailable("The partner could not be reached in time.") from error
            raise PartnerUncertain("The partner did not answer in time.") from error
        except LineClosed as error:
            if error.unread:
                raise PartnerUnavailable("The partner's TLS turned us away.") from error
            raise PartnerUncertain(f"No answer: {error}.") from error

    async def close(self) -> None:
        """Close the unused connections; those in use close when their attempt ends."""
        self._keep = 0.0
        while self._idle:
            self._idle.pop()[0].close()

    @contextlib.asynccontextmanager
    async def _line(self) -> AsyncIterator[MllpLine]:
        """Lend a connection; it is kept only when the exchange ended in order."""
        line = self._reusable() or await self._connect()
        try:
            yield line
        except PartnerRefused:
            self._put_back(line)
            raise
        except BaseException:
            line.close()
            raise
        self._put_back(line)

    def _put_back(self, line: MllpLine) -> None:
        line.rest()
        if line.usable and self._keep:
            self._idle.append((line, asyncio.get_running_loop().time()))
        else:
            line.close()

    def _reusable(self) -> MllpLine | None:
        now = asyncio.get_running_loop().time()
        while self._idle:
            line, since = self._idle.pop()
            if line.usable and now - since < self._keep:
                return line
            line.close()
        return None

    async def _connect(self) -> MllpLine:
        address = await resolve(self._host, self._port, allowed=self._allowed)
        name = self._host if self._context else None
        try:
            _, line = await asyncio.get_running_loop().create_connection(
                MllpLine, address, self._port, ssl=self._context, server_hostname=name
            )
        except OSError as error:
            raise PartnerUnavailable(_why(error)) from error
        return line

    async def _answered(self, line: MllpLine, control_id: str) -> Sent:
        answer = await line.answer()
        ack = self._judge(answer, control_id)
        if ack.code == "CA" and self._application_answer:
            answer = await line.answer()
            ack = self._judge(answer, control_id)
            self._accept(line, answer)
            if ack.code == "CA":
                raise PartnerUncertain("The partner accepted twice and did not apply.")
        return Sent(ack.code, answer[:ANSWER_LIMIT])

    def _judge(self, answer: bytes, control_id: str) -> Ack:
        """Return a positive answer; raise what any other one means."""
        try:
            ack = read_acknowledgement(answer)
        except GatewayError as error:
            raise PartnerUncertain("The answer is no acknowledgement.", answer=answer) from error
        if ack.control_id != control_id:
            raise PartnerUncertain("The answer is for another message.", answer=answer)
        if ack.code in _POSITIVE:
            return ack
        if ack.code not in _NEGATIVE:
            raise PartnerUncertain("The answer has no code of table 0008.", answer=answer)
        codes = tuple(error.code for error in ack.errors if _CODE.fullmatch(error.code))
        if self._again.intersection(codes):
            raise PartnerUnavailable(f"The partner answered {ack.code}: not now.", answer=answer)
        text = f"The partner answered {ack.code}."
        raise PartnerRefused(text, codes=(ack.code, *codes), answer=answer)

    def _accept(self, line: MllpLine, answer: bytes) -> None:
        """Answer the application acknowledgement with CA where its MSH-15 asks for it."""
        header = read_header(answer)
        if header.accept_ack in {"AL", "SU"}:
            now = datetime.now(UTC).strftime("%Y%m%d%H%M%S+0000")
            identity = uuid4().hex[:20]
            line.write(frame(acknowledge(header, "CA", control_id=identity, time=now)))


def _why(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "The partner refuses connections."
    if type(error).__module__ == "ssl" or "ssl" in type(error).__name__.lower():
        return "The partner's TLS certificate or handshake failed."
    return "The partner cannot be reached."
