"""Queries for patients: QBP^Q21 to Q24, RSP^K21 to K24 (HL7 v2.5 chapter 3.3.56; IHE PIX and PDQ).

Each PID of an answer is a patient of its own. The questions themselves and plain acknowledgements
state nothing about anybody: a gateway, which could not answer them, takes none; a converter says
what was asked.
"""

from __future__ import annotations

from mappers.hl7v2.messages import patient
from mappers.hl7v2.reader import Family

_EVENTS = frozenset({"K21", "K22", "K23", "K24"})
FAMILY = Family(
    events=_EVENTS,
    readers=patient.READERS,
    required=("MSA",),
    patientless=_EVENTS,
    finish=(patient.finish,),
)
#: No event is known: only who translates whatever comes reads them.
QUESTIONS = Family(events=frozenset(), readers={}, required=())
