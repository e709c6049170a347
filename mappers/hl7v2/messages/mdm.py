"""MDM messages: documents and what becomes of them (HL7 v2.5 chapter 9)."""

from __future__ import annotations

from mappers.hl7v2.messages import orders, patient
from mappers.hl7v2.reader import Family, Reader
from mappers.hl7v2.segments import notes, obx, txa
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.tokenizer import Segment

#: Datatypes of values that are no content of a document.
_VALUES = frozenset(
    {"CE", "CNE", "CWE", "DR", "DT", "DTM", "MO", "NA", "NM", "NR", "SN", "TM", "TS"}
)


def document(reader: Reader, segment: Segment) -> None:
    """TXA → DocumentReference; the OBX behind it are its content, the NTE its description.

    Values beside a text or file are findings of their own, which the document is related to.
    """
    reader.end_order()
    session = reader.session
    after = [s for s in session.group if s.index > segment.index and s.name in ("OBX", "NTE")]
    values = _values([one for one in after if one.name == "OBX"])
    contents = [one for one in after if one.name == "OBX" and one not in values]
    draft = reader.made(txa.document(session, segment, contents))
    if draft is None:
        return
    before: Draft | None = None
    for one in after:
        if one.name == "OBX":
            before = _finding(session, one, draft) if one in values else None
        elif before is not None:
            notes.on(session, before, one)
        else:
            notes.on_document(draft, [one])


def _values(contents: list[Segment]) -> list[Segment]:
    """The OBX with values, where there are others with a text or a file."""
    found = [one for one in contents if (one.first(2) or "") in _VALUES]
    return found if len(found) < len(contents) else []


def _finding(session: Session, segment: Segment, draft: Draft) -> Draft | None:
    found = obx.observation(session, segment, draft, None)
    if found is not None:
        related = draft.resource.setdefault("context", {}).setdefault("related", [])
        session.add(related, reference(found))
    return found


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
