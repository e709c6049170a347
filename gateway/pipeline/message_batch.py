"""A batch of HL7 v2 messages in one frame or body (HL7 v2.5 chapters 2.10.3.3 and 2.15.2, 2.15.3).

Each message is taken and answered for itself: one that is refused costs its neighbours nothing, and
what is sent again is known by its control id. A batch is answered by a batch; messages that merely
follow one another by acknowledgements that do the same.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gateway.pipeline.acknowledge import FRAME_BREAK
from gateway.pipeline.passage import Answer
from gateway.pipeline.translated import Outcome
from mappers.hl7v2.batch import pieces
from profiles.issue import Issue

#: Messages of one batch in work at a time.
_WINDOW = 64
#: HTTP status of an envelope that does not fit its messages.
_ENVELOPE_STATUS = 422
_BHS = b"BHS"


@dataclass(frozen=True, slots=True)
class Envelope:
    """How to answer a batch."""

    #: What parts acknowledgements where the messages came without an envelope.
    between: bytes
    #: BHS-7 as an HL7 timestamp.
    time: str
    #: BHS-11 of the answer.
    control_id: str


async def take_all(
    data: bytes, take: Callable[[bytes], asyncio.Future[Answer]], envelope: Envelope
) -> Answer:
    """Take the messages of a batch in their order and answer them together.

    Some in work at a time. When the store answers one of them no longer there is no answer at all:
    the batch comes again.
    """
    answers: list[Answer] = []
    faults: list[Issue] = []
    waiting: deque[asyncio.Future[Answer]] = deque()
    for piece in pieces([data]):
        faults += piece.issues
        if piece.issues:
            continue
        if len(waiting) >= _WINDOW:
            answers.append(await waiting.popleft())
        waiting.append(take(piece.data))
    for future in waiting:
        answers.append(await future)  # noqa: PERF401 - each is waited for
    return _together(data, answers, faults, envelope)


def _together(
    data: bytes, answers: list[Answer], faults: list[Issue], envelope: Envelope
) -> Answer:
    worst = max(answers, key=lambda one: one.status, default=_EMPTY)
    status = max(worst.status, _ENVELOPE_STATUS if faults else 0)
    issues = (*faults, *(issue for one in answers for issue in one.issues))
    if any(one.data is None and one.outcome is Outcome.UNAVAILABLE for one in answers):
        return Answer(Outcome.UNAVAILABLE, status, data=None, issues=issues)
    headers = [line for line in data[:_HEAD].splitlines() if line.startswith(_BHS)]
    if headers and len(headers[0]) > len(_BHS):
        said = b"".join(_enveloped(headers[0], answers, faults, envelope))
    else:
        said = envelope.between.join(one.data for one in answers if one.data)
    return Answer(worst.outcome, status, data=said, issues=issues)


#: Bytes at the beginning in which the header of a batch stands.
_HEAD = 16_384
_EMPTY = Answer(Outcome.REJECTED, _ENVELOPE_STATUS)


def _enveloped(
    header: bytes, answers: list[Answer], faults: list[Issue], envelope: Envelope
) -> Iterator[bytes]:
    """Write the answering batch: addresses swapped, BHS-12 names the batch that is answered."""
    mark = header[3:4]
    stated = header.split(mark)
    stated += [b""] * (11 - len(stated))
    _, encoding, application, facility, receiver, receiving_facility = stated[:6]
    yield (
        mark.join(
            [
                *(_BHS, encoding, receiver, receiving_facility, application, facility),
                *(envelope.time.encode(), b"", b"", b""),
                *(envelope.control_id.encode(), stated[10]),
            ]
        ).rstrip(mark)
        + b"\r"
    )
    said = [one.data.rpartition(FRAME_BREAK)[2] for one in answers if one.data]
    yield from said
    sentences = [issue.text for issue in faults]
    sentences += ["a part is no message" for one in answers if one.data is None]
    comment = "; ".join(sentences).replace(mark.decode("latin-1"), " ")
    yield mark.join([b"BTS", str(len(said)).encode(), comment.encode()]).rstrip(mark) + b"\r"
