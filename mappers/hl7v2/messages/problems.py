"""Problems, goals and pathways: PPR, PGL, PPP and PPG (HL7 v2.5 chapter 12.3).

One of them leads, the others stand behind it: PPR a problem with its goals and pathways, PGL a
goal with its problems, PPP and PPG a pathway.
"""

from __future__ import annotations

from mappers.hl7v2.messages import general, patient
from mappers.hl7v2.reader import Family, Handler, Reader
from mappers.hl7v2.segments import prb
from mappers.hl7v2.tokenizer import Segment


def observation(reader: Reader, segment: Segment) -> None:
    """OBX behind a goal is its outcome, behind a problem the patient's."""
    goal = reader.now.get("Goal")
    general.observation(reader, segment)
    made = reader.now.get("Observation")
    if goal is not None and made is not None and "DiagnosticReport" not in reader.now:
        stated = {"reference": f"Observation/{made.id}"}
        reader.session.append(goal, "outcomeReference", stated)


SEGMENTS: dict[str, Handler] = {
    "PRB": prb.problem,
    "GOL": prb.goal,
    "PTH": prb.pathway,
    "VAR": prb.variance,
}
READERS: dict[str, Handler] = {**general.FAMILY.readers, **SEGMENTS, "OBX": observation}
FAMILY = Family(
    events=frozenset(
        {"PC1", "PC2", "PC3", "PC6", "PC7", "PC8", "PCB", "PCC", "PCD", "PCG", "PCH", "PCJ"}
    ),
    readers=READERS,
    finish=(patient.finish,),
)
