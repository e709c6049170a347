"""Acknowledge: which code answers which outcome; one table for both modes.

HL7 v2.5 chapter 2.9.2 (original and enhanced mode), tables 0008 (MSA-1) and 0155 (MSH-15, MSH-16).
Original mode (MSH-15 and MSH-16 empty) knows one answer. In enhanced mode the accept code says
that the message is safe, the application code that it was processed; each is given only where the
sender asked for it, and after a negative accept code no application code follows.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

from gateway.domain.region import Endpoint
from gateway.domain.time import SECOND, Instant
from gateway.errors import RENDERINGS
from gateway.pipeline.translated import Job, Outcome, Translated
from mappers.hl7v2.acknowledgement import acknowledge as write_acknowledgement
from mappers.hl7v2.header import Header, read_header
from profiles.issue import Issue, NotUnderstood

#: Parts two acknowledgements on one connection (accept, then application) as MLLP frames do.
FRAME_BREAK = b"\x1c\r\x0b"

#: MSH-15 or MSH-16 (table 0155) → the outcomes it wants to hear of; empty asks for nothing.
ASKED: dict[str, frozenset[Outcome]] = {
    "AL": frozenset({Outcome.STORED, Outcome.QUARANTINED, Outcome.REJECTED, Outcome.UNAVAILABLE}),
    "SU": frozenset({Outcome.STORED, Outcome.QUARANTINED}),
    "ER": frozenset({Outcome.REJECTED, Outcome.UNAVAILABLE}),
    "NE": frozenset(),
}

#: outcome → (accept code, application code). The letter of a refusal, E or R, follows from the
#: error class. What we cannot process but hold is ours: AA.
CODES: dict[Outcome, tuple[str, str]] = {
    Outcome.STORED: ("CA", "AA"),
    Outcome.QUARANTINED: ("CA", "AA"),
    Outcome.REJECTED: ("C?", "A?"),
    Outcome.UNAVAILABLE: ("CR", "AR"),
}

#: Error class → the letter of its refusal; an unusable header (NotUnderstood) gets no answer.
_LETTERS = {cls.__name__: shown.application_code[1:] for cls, shown in RENDERINGS.items()}
_STATUS = {cls.__name__: str(shown.http) for cls, shown in RENDERINGS.items()}
_HTTP = {Outcome.STORED: "200", Outcome.QUARANTINED: "202", Outcome.UNAVAILABLE: "503"}


def codes(
    accept: str,
    application: str,
    outcome: Outcome,
    *,
    reason: str = "",
    processed: bool = True,
    say_unavailable: bool = False,
) -> tuple[str, ...]:
    """Return the codes to answer with, in order; none means: close without an answer.

    `accept` and `application` are MSH-15 and MSH-16; `reason` is the error class of a rejection;
    `processed` is False when only the raw bytes are stored (on_receipt); `say_unavailable` is the
    endpoint's own choice to hear AR instead of silence.
    """
    if outcome is Outcome.UNAVAILABLE and not say_unavailable:
        return ()
    accepted, applied = CODES[outcome]
    if outcome is Outcome.REJECTED:
        letter = _LETTERS.get(reason, "E")
        if not letter:
            return ()
        accepted, applied = f"C{letter}", f"A{letter}"
    if not accept and not application:
        return (applied,)
    if outcome in ASKED.get(accept, frozenset()):
        final = outcome in {Outcome.REJECTED, Outcome.UNAVAILABLE} or not processed
        if final or outcome not in ASKED.get(application, frozenset()):
            return (accepted,)
        return (accepted, applied)
    return (applied,) if processed and outcome in ASKED.get(application, frozenset()) else ()


def wants_processing(header: Header) -> bool:
    """Say whether the sender waits for the application acknowledgement alone."""
    return header.accept_ack in {"", "NE"} and header.application_ack in {"AL", "ER", "SU"}


def answered(
    done: Translated,
    job: Job,
    endpoint: Endpoint,
    *,
    processed: bool = True,
    header: Header | None = None,
) -> Translated:
    """Add the acknowledgement to what became of a message; `header` spares reading it again."""
    if job.format != "hl7v2":
        code = _HTTP.get(done.outcome) or _STATUS.get(done.reason, "422")
        return replace(done, answer_code=code)
    try:
        header = header or read_header(job.data)
    except NotUnderstood:
        return done
    chosen = codes(
        header.accept_ack,
        header.application_ack,
        done.outcome,
        reason=done.reason,
        processed=processed,
        say_unavailable=endpoint.answer_unavailable,
    )
    issues = done.issues if done.outcome is Outcome.REJECTED else ()
    return replace(
        done,
        answer_code=chosen[0] if chosen else "",
        answer=write(header, chosen, job, issues),
    )


def write(
    header: Header, chosen: tuple[str, ...], job: Job, issues: tuple[Issue, ...] = ()
) -> bytes:
    """Write the acknowledgements as they go over the wire; b"" for none."""
    time = timestamp(job.received_at)
    return FRAME_BREAK.join(
        write_acknowledgement(
            header,
            code,
            control_id=f"{code}{job.digest.hex()[:18]}",
            time=time,
            issues=issues,
        )
        for code in chosen
    )


def timestamp(moment: Instant) -> str:
    """Write an instant as an HL7 v2 timestamp in UTC."""
    return _timestamp(moment // SECOND)


@lru_cache(maxsize=64)
def _timestamp(second: int) -> str:
    """Write a second since the epoch as an HL7 v2 timestamp in UTC (chapter 2A.3.22)."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y%m%d%H%M%S+0000")
