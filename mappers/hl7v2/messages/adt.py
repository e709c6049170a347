"""ADT messages: patients and their visits (HL7 v2.5 chapter 3)."""

from __future__ import annotations

from mappers.hl7v2.messages import patient
from mappers.hl7v2.reader import Family, plain
from mappers.hl7v2.segments import mrg

_EVENTS = frozenset({"A01", "A02", "A03", "A04", "A08", "A11", "A12", "A13", "A28", "A31", "A40"})

FAMILY = Family(
    events=_EVENTS,
    readers={**patient.READERS, "MRG": plain(mrg.merged)},
    also={"A40": ("MRG",)},
    finish=(patient.finish,),
)
