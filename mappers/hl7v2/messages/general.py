"""Messages without a family of their own, read by the segments they hold.

A message type or event nobody knows still says what its segments say; an issue tells that its
event was not understood. Whether such messages are taken is the endpoint's setting.
"""

from __future__ import annotations

from mappers.hl7v2.messages import mdm, oru, patient, pharmacy, requests
from mappers.hl7v2.reader import Family, Reader, plain
from mappers.hl7v2.segments import mrg
from mappers.hl7v2.tokenizer import Segment

#: OBR-25: only a result has a status of results.
_RESULT_STATUS = 25
#: What may stand between an OBR and its first OBX.
_BETWEEN = frozenset({"NTE", "TQ1", "TQ2", "PRT", "CTD", "IPC", "DG1", "FT1", "CTI", "ORC"})


def service(reader: Reader, segment: Segment) -> None:
    """OBR of a result when it has a result's status or OBX behind it, else of an order."""
    names = (one.name for one in reader.behind(segment))
    following = next((name for name in names if name not in _BETWEEN), "")
    is_result = segment.has(_RESULT_STATUS) or following == "OBX"
    (oru.report if is_result else requests.service)(reader, segment)


def observation(reader: Reader, segment: Segment) -> None:
    """OBX of a document, a report, a visit or a patient, whatever is open."""
    if "DocumentReference" not in reader.now:
        oru.result(reader, segment)


FAMILY = Family(
    events=frozenset(),
    readers=pharmacy.mixed(
        {
            **oru.READERS,
            "TXA": mdm.document,
            "NTE": mdm.note,
            "MRG": plain(mrg.merged),
            "OBR": service,
            "OBX": observation,
        }
    ),
    required=(),
    finish=(patient.finish_with_recipients,),
)
