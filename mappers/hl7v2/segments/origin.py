"""What messages say of their origin outside MSH and EVN → Provenance.

Who entered an appointment and why it was changed (table SCH[Provenance]), why a document was and
to whom it went (table TXA[Provenance]), and which message or question one answers.
"""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.parties import practitioner
from mappers.hl7v2.segments import asked, contacts, sch
from mappers.hl7v2.session import V2, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment
from mappers.trace import derived

_AGENT_TYPE = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_RECIPIENT = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
    "code": "IRCP",
}

_TRANSCRIBER = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
    "code": "TRANS",
}

#: TXA-9 beside who sends it, where TXA-8 says that the document was edited.
_ORIGINATOR, _EDITED = 9, 8
#: Field of TXA → what its people are to the message.
_PEOPLE = (
    (23, _RECIPIENT),
    (11, _TRANSCRIBER),
    (_ORIGINATOR, {"system": _AGENT_TYPE, "code": "author"}),
)

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "MSA-1": ("Provenance.entity",),
    "MSA-2": ("Provenance.entity",),
    "MSA-3": ("Provenance.entity",),
    "QPD-1": ("Provenance.entity",),
    "QPD-2": ("Provenance.entity",),
    "SCH-20": ("Provenance.agent",),
    "ARQ-19": ("Provenance.agent",),
    "SCH-6": ("Provenance.reason",),
    "ARQ-6": ("Provenance.reason",),
    "TXA": ("Provenance.agent", "Provenance.reason", "Provenance.recorded"),
    "TXA-11": ("Provenance.agent",),
    "TXA-9": ("Provenance.agent",),
    "TXA-21": ("Provenance.reason",),
    "TXA-23": ("Provenance.agent",),
}


def tell(session: Session, made: dict[str, Any]) -> None:
    """Add agents and reasons of the message's own segments to its Provenance."""
    for segment in session.message.all("SCH", "ARQ"):
        for who in contacts.enterers(session, segment):
            _agent(made, {"system": _AGENT_TYPE, "code": "enterer"}, who)
        if not sch.is_cancelled(session):
            _reason(session, segment, 6, made)
    for segment in session.message.all("TXA"):
        _document(session, segment, made)
    for segment in session.message.all("MSA"):
        _answered(session, segment, made)
    for segment in session.message.all("QPD"):
        _asked(session, segment, made)
    asked.tell(session, made)


def _answered(session: Session, segment: Segment, made: dict[str, Any]) -> None:
    """MSA: the message this one answers, how, and in which words; ERR says what was wrong."""
    code, control = segment.first(1), segment.first(2)
    if code is None or control is None:
        return
    errors = [words for err in session.message.all("ERR") for n in (8, 7) for words in err.texts(n)]
    lines = [line for line in (*segment.texts(3), *errors) if line != '""']
    kind = {"coding": [{"system": V2 + "0008", "code": code}]}
    identifier = {"type": kind, "system": f"{session.namespace}/message", "value": control}
    what: dict[str, Any] = {"identifier": identifier}
    if lines:
        what["display"] = derived("\n".join(lines), *lines)
    made["entity"].append({"role": "source", "what": what})


def _asked(session: Session, segment: Segment, made: dict[str, Any]) -> None:
    """QPD-1 and -2: which question; QAK-1 repeats its tag."""
    tag = segment.first(2)
    if tag is None:
        return
    identifier: dict[str, Any] = {"system": f"{session.namespace}/query", "value": tag}
    for repetition in segment.repetitions(1):
        name = concept(session, repetition)
        if name is not None:
            identifier = {"type": name, **identifier}
    made["entity"].append({"role": "source", "what": {"identifier": identifier}})
    for answer in session.message.all("QAK"):
        if answer.first(1) == tag:
            session.echoes.append(answer.first(1))


def _document(session: Session, segment: Segment, made: dict[str, Any]) -> None:
    for field, coding in _PEOPLE:
        if field == _ORIGINATOR and not segment.has(_EDITED):
            continue
        for repetition in segment.repetitions(field):
            who = practitioner(session, repetition)
            if who is not None:
                _agent(made, dict(coding), who)
    for words in segment.texts(21):
        if words != '""':
            made.setdefault("reason", []).append({"text": words})


def _agent(made: dict[str, Any], coding: dict[str, str], who: dict[str, Any]) -> None:
    made["agent"].append({"type": {"coding": [coding]}, "who": who})


def _reason(session: Session, segment: Segment, field: int, made: dict[str, Any]) -> None:
    for repetition in segment.repetitions(field):
        reason = concept(session, repetition)
        if reason is not None:
            made.setdefault("reason", []).append(reason)
