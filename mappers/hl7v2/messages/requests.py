"""ORM, OMG, OML, OMI, OMS, OSU and the answers ORR, ORG, ORL, ORI (HL7 v2.5 chapter 4.4).

Orders and what comes with them: earlier results (ORC-1 = PR) are read as results are, and what
is observed for an order is what the order says it rests on.
"""

from __future__ import annotations

from mappers.hl7v2.messages import orders, oru, patient, pharmacy
from mappers.hl7v2.reader import Family, Handler, Reader
from mappers.hl7v2.segments import obx
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.tokenizer import Segment

#: ORC-1 of results that come with an order.
_PREVIOUS = "PR"


def service(reader: Reader, segment: Segment) -> None:
    """OBR of an order, or of earlier results that come with it."""
    orc = reader.pending.get("ORC")
    earlier = orc is not None and orc.first(1) == _PREVIOUS
    (oru.report if earlier else orders.request)(reader, segment)


def observation(reader: Reader, segment: Segment) -> None:
    """OBX → a result, or what supports the order it stands in."""
    order = reader.now.get("ServiceRequest")
    if "DiagnosticReport" in reader.now:
        oru.result(reader, segment)
        return
    parent = reader.parent()
    if parent is None:
        return
    made = reader.made(obx.observation(reader.session, segment, parent, None))
    if made is None:
        return
    if "Specimen" in reader.now:
        reader.session.say(made, "specimen", reference(reader.now["Specimen"]))
    if order is not None and reader.first_time(made):
        order.resource.setdefault("supportingInfo", []).append(reference(made))


READERS: dict[str, Handler] = pharmacy.mixed({**orders.READERS, "OBR": service, "OBX": observation})
FAMILY = Family(
    events=frozenset({"O01", "O19", "O21", "O23", "O27", "O33", "O35", "O39", "O51"}),
    readers=READERS,
    also={"O01": ("ORC",)},
    finish=(patient.finish_with_recipients,),
)
#: Answers name the patient only where the order did not.
ANSWERS = Family(
    events=frozenset({"O02", "O20", "O22", "O24", "O34", "O36", "O40", "O52"}),
    readers=READERS,
    required=("MSA",),
    finish=(patient.finish_with_recipients,),
)
