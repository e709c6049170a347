"""ADT messages: patients and their visits (HL7 v2.5 chapter 3)."""

from __future__ import annotations

from mappers.hl7v2 import events
from mappers.hl7v2.messages import patient
from mappers.hl7v2.reader import Family, Reader, plain
from mappers.hl7v2.segments import link, mrg, npu
from mappers.hl7v2.tokenizer import Segment

_OF_VISITS = events.VISIT_MERGES | events.VISIT_NUMBERS | events.VISIT_MOVES


def prior(reader: Reader, segment: Segment) -> None:
    """MRG; where pairs of MRG and PV1 follow one another it waits for its visit."""
    session = reader.session
    if session.event in _OF_VISITS and len(session.all("PV1")) > 1:
        reader.pending["MRG"] = segment
    else:
        mrg.read_merge(session, segment)


def read_visit(reader: Reader, segment: Segment) -> None:
    """PV1, and the MRG that waited for it."""
    patient.read_visit(reader, segment)
    waiting = reader.take("MRG")
    if waiting is not None:
        mrg.read_merge(reader.session, waiting)


FAMILY = Family(
    events=events.ALL,
    readers={**patient.READERS, "PV1": read_visit, "MRG": prior, "NPU": plain(npu.bed)},
    also=events.REQUIRED,
    patientless=events.PATIENTLESS,
    finish=(patient.finish, link.linked, link.deleted),
)
