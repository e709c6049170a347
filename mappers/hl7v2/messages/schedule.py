"""Messages about appointments: SIU tells, SRM asks, SRR answers (HL7 v2.5 chapter 10.3 to 10.5)."""

from __future__ import annotations

from mappers.hl7v2.messages import patient
from mappers.hl7v2.reader import Family, Handler, Reader
from mappers.hl7v2.segments import (
    answered,
    appointed,
    booking,
    notes,
    ordered_services,
    sch,
    slots,
)
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.tokenizer import Segment, leaves_of
from mappers.trace import derived

_NOTE = "http://hl7.org/fhir/StructureDefinition/note"
_TOLD = frozenset(f"S{number}" for number in range(12, 28))
_ASKED = frozenset(f"S{number:02}" for number in range(1, 12))


def appointment(reader: Reader, segment: Segment) -> None:
    """SCH or ARQ → Appointment; of S23 and S24 a Slot."""
    session = reader.session
    reader.pending.clear()
    if session.event in slots.EVENTS:
        reader.made(slots.slot(session, segment))
        return
    draft = reader.made(sch.appointment(session, segment))
    if draft is not None:
        ordered_services.orders(session, segment, draft)


def timing(reader: Reader, segment: Segment) -> None:
    """TQ1 behind SCH: the time of the appointment."""
    draft = slots.present(reader.session) or sch.present(reader.session)
    if draft is not None:
        appointed.more(reader.session, segment, draft)
        reader.before = draft


def preference(reader: Reader, segment: Segment) -> None:
    """APR: what would suit, as words; FHIR has no element for criteria of a choice."""
    draft = sch.present(reader.session)
    if draft is None:
        return
    for field in (1, 2, 3, 5):
        for repetition in segment.repetitions(field):
            parts = leaves_of(repetition)
            sch.comment(draft, derived(" ".join(parts), *parts))
    spacing = segment.first(4)
    if spacing is not None:
        sch.comment(draft, spacing)


def note(reader: Reader, segment: Segment) -> None:
    """NTE of the appointment and its services is its comment, of a resource that participant's."""
    session, draft = reader.session, reader.before
    kind = draft.resource["resourceType"] if draft is not None else ""
    if draft is None or kind not in ("Appointment", "Slot"):
        patient.note(reader, segment)
        return
    made = notes.annotation(session, segment)
    if made is None:
        return
    if "AI" in reader.pending and kind == "Appointment":
        of_participant = draft.resource["participant"][-1].setdefault("extension", [])
        of_participant.append({"url": _NOTE, "valueAnnotation": made})
    elif made.keys() == {"text"} or kind == "Slot":
        sch.comment(draft, made["text"])
    else:
        sch.extension(draft, "note", "valueAnnotation", made)


def service(reader: Reader, segment: Segment) -> None:
    """AIS; an NTE behind it is the appointment's."""
    reader.pending.pop("AI", None)
    booking.service(reader, segment)


def finish(session: Session) -> None:
    """Each patient takes part; with the last one the appointments are complete."""
    patient.finish(session)
    draft = sch.present(session)
    if draft is not None:
        sch.take_part(session, draft)
    if session.group[-1] is not session.message.segments[-1]:
        return
    for one in list(session.drafts.values()):
        kind = one.resource["resourceType"]
        if kind == "Slot":
            slots.settle(session, one)
        elif kind == "Appointment":
            _complete(session, one)


def _complete(session: Session, draft: Draft) -> None:
    appointed.settle(session, draft)
    sch.complete(draft)
    if session.message.header.message_code == "SRR":
        answered.response(session, draft)


READERS: dict[str, Handler] = {
    **patient.READERS,
    **booking.READERS,
    "SCH": appointment,
    "ARQ": appointment,
    "APR": preference,
    "TQ1": timing,
    "AIS": service,
    "NTE": note,
}
SIU = Family(events=_TOLD, readers=READERS, required=("SCH",), patientless=_TOLD, finish=(finish,))
SRM = Family(
    events=_ASKED, readers=READERS, required=("ARQ",), patientless=_ASKED, finish=(finish,)
)
SRR = Family(
    events=_ASKED, readers=READERS, required=("MSA",), patientless=_ASKED, finish=(finish,)
)
