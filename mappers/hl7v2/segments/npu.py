"""NPU → Location: the state of a bed (HL7 v2.5 chapter 3.4.8)."""

from __future__ import annotations

from mappers.hl7v2.datatypes.parties import places
from mappers.hl7v2.session import Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment
from mappers.trace import text

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "NPU-1": ("Location.identifier", "Location.physicalType"),
    "NPU-2": ("Location.operationalStatus",),
}


def bed(session: Session, segment: Segment) -> None:
    """NPU-1 and NPU-2 → the most specific place of NPU-1 with its operational status."""
    for repetition in segment.repetitions(1):
        found = places(session, repetition)
        if not found:
            return
        identity = found[0][0]["reference"].removeprefix("Location/")
        resource = session.drafts[identity].resource
        stated = segment.first(2)
        status = session.lookup("bed-status", stated, "NPU-2") if stated is not None else None
        if stated is not None and status is not None:
            coding = {"system": status.system, "code": text(status.code, stated.source)}
            coding["display"] = status.display
            resource["operationalStatus"] = coding
        elif stated is not None:
            session.unknown(stated)
