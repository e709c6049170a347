"""What messages say of their origin outside MSH and EVN → Provenance.

Who entered an appointment and why it was changed (table SCH[Provenance]), why a document was and
to whom it went (table TXA[Provenance]).
"""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.parties import practitioner
from mappers.hl7v2.segments import contacts, sch
from mappers.hl7v2.session import Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment

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
    "SCH-20": ("Provenance.agent",),
    "ARQ-19": ("Provenance.agent",),
    "SCH-6": ("Provenance.reason",),
    "ARQ-6": ("Provenance.reason",),
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
