"""MDM messages: documents and what becomes of them (HL7 v2.5 chapter 9)."""

from __future__ import annotations

from mappers.hl7v2.messages import orders, patient
from mappers.hl7v2.reader import Family, Reader
from mappers.hl7v2.segments import notes, txa
from mappers.hl7v2.tokenizer import Segment


def document(reader: Reader, segment: Segment) -> None:
    """TXA → DocumentReference; the OBX behind it are its content, the NTE its description."""
    reader.end_order()
    session = reader.session
    after = [s for s in session.group if s.index > segment.index]
    draft = reader.made(txa.document(session, segment, [s for s in after if s.name == "OBX"]))
    if draft is not None:
        notes.on_document(draft, [s for s in after if s.name == "NTE"])


def content(reader: Reader, segment: Segment) -> None:
    """OBX before TXA belongs to the order; behind it TXA has read it."""
    if "DocumentReference" not in reader.now:
        patient.observation(reader, segment)


def note(reader: Reader, segment: Segment) -> None:
    """NTE before TXA belongs to the order; behind it TXA has read it."""
    if "DocumentReference" not in reader.now:
        patient.note(reader, segment)


FAMILY = Family(
    events=frozenset(f"T{number:02}" for number in range(1, 12)),
    readers={**orders.READERS, "TXA": document, "OBX": content, "NTE": note},
    required=("PID", "TXA"),
    finish=(patient.finish_with_recipients,),
)
