"""Messages that order something: ORM, OMG, OML, OMI and their answers (HL7 v2.5 chapter 4.4).

The segments of an order follow its ORC. What comes with an order and is no order, such as a
result it rests on, is read as in a message of results.
"""

from __future__ import annotations

from mappers.hl7v2.messages import patient
from mappers.hl7v2.reader import Handler, Reader
from mappers.hl7v2.segments import (
    interpreters,
    notes,
    obr_specimen,
    order_timing,
    orders,
    participation,
    prd,
    spm,
)
from mappers.hl7v2.segments.ipc import ipc
from mappers.hl7v2.segments.order_facts import details
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import Draft
from mappers.hl7v2.tokenizer import Segment

#: Control codes of an order that another one replaces, and of that other one.
_REPLACED, _REPLACEMENT = frozenset({"RP", "RU", "RQ"}), "RO"
#: Events whose groups begin with the specimen the orders behind it are about.
SPECIMEN_FIRST = frozenset({"O33", "O34", "O35", "O36", "O39", "R22", "R23"})
#: What a PRT within an order is about.
_OF_ORDERS = frozenset({"ServiceRequest", "DiagnosticReport", "Specimen"})
_ORDER_BEGINS = frozenset({"ORC", "OBR", "PID"})


def common_order(reader: Reader, segment: Segment) -> None:
    """ORC begins an order and waits for the segment that says what is ordered."""
    specimen = reader.now.get("Specimen") if leads(reader) else None
    reader.end_order()
    if specimen is not None:
        reader.now["Specimen"] = specimen
    reader.pending["ORC"] = segment
    reader.lone_order = _lone


def leads(reader: Reader) -> bool:
    """Tell whether the specimen stands before its orders in this kind of message."""
    return reader.session.event in SPECIMEN_FIRST


def _lone(reader: Reader, orc: Segment) -> None:
    _ordered(reader, orc, None)


def request(reader: Reader, segment: Segment) -> None:
    """OBR → ServiceRequest, with the ORC before it."""
    specimen = reader.now.get("Specimen") if leads(reader) else None
    reader.now.clear()
    reader.pending["OBR"] = segment
    made = _ordered(reader, reader.take("ORC"), segment)
    if made is None:
        return
    interpreters.asked(reader.session, segment, made)
    if specimen is not None:
        reader.now["Specimen"] = specimen
        spm.belongs(reader.session, specimen, made)
    elif not is_followed(reader, segment, "SPM"):
        obr_specimen.specimen(reader.session, segment, made)


def _ordered(reader: Reader, orc: Segment | None, obr_: Segment | None) -> Draft | None:
    """One order: what it says, what has no element for it, and which it replaces."""
    session = reader.session
    made = reader.made(orders.service_request(session, orc, obr_))
    if made is None:
        return None
    for segment in (orc, obr_):
        details(session, segment, made)
    reader.resume(made)
    control = orc.first(1) if orc is not None else None
    if control in _REPLACED:
        reader.replaced = made
    elif control == _REPLACEMENT and reader.replaced is not None:
        session.append(made, "replaces", reference(reader.replaced))
        reader.replaced = None
    return made


def is_followed(reader: Reader, segment: Segment, name: str) -> bool:
    """Tell whether a segment of this name stands in the order an OBR begins."""
    for one in reader.behind(segment):
        if one.name == name:
            return True
        if one.name in _ORDER_BEGINS:
            return False
    return False


def specimen(reader: Reader, segment: Segment) -> None:
    """SPM → Specimen of the order or report it stands in, or that stands behind it."""
    session = reader.session
    if leads(reader):
        reader.end_order()
    about = reader.now.get("DiagnosticReport") or reader.now.get("ServiceRequest")
    made = reader.made(spm.spm(session, segment, about))
    if made is None:
        return
    spm.belongs(session, made, about)
    details(session, segment, made)
    header = reader.pending.get("OBR")
    if header is not None:
        obr_specimen.collection(session, header, made)


def container(reader: Reader, segment: Segment) -> None:
    """SAC → the container of the specimen before it."""
    made = spm.sac(reader.session, segment, reader.now.get("Specimen"))
    reader.made(made)
    details(reader.session, segment, made)


def timing(reader: Reader, segment: Segment) -> None:
    """TQ1 → when the order before it is to be done."""
    order = reader.now.get("ServiceRequest")
    if not reader.defer(timing, segment) and order is not None:
        order_timing.tq1(reader.session, segment, order)


def sequence(reader: Reader, segment: Segment) -> None:
    """TQ2 → how the order before it stands to others."""
    order = reader.now.get("ServiceRequest")
    if not reader.defer(sequence, segment) and order is not None:
        order_timing.tq2(reader.session, segment, order)


def involved(reader: Reader, segment: Segment) -> None:
    """PRT within an order; before the first it is about the patient or the visit."""
    if reader.defer(involved, segment):
        return
    if reader.before is None and not _OF_ORDERS & reader.now.keys():
        return
    reader.session.consumed.add(segment.index)
    participation.participation(reader.session, segment, reader.now, reader.before)


def contact(reader: Reader, segment: Segment) -> None:
    """CTD → whom to ask about the order or report before it."""
    session = reader.session
    about = reader.now.get("ServiceRequest")
    found = prd.provider(session, segment, None)
    if found is not None and about is not None:
        session.append(about, "performer", found.reference)


def imaging(reader: Reader, segment: Segment) -> None:
    """IPC → ImagingStudy of the order."""
    order = reader.now.get("ServiceRequest")
    made = ipc(reader.session, segment, order)
    if made is not None:
        reader.before = made


def note(reader: Reader, segment: Segment) -> None:
    """NTE → a note of what was read before it; behind ORC of the order that begins there."""
    if not reader.defer(note, segment) and reader.before is not None:
        notes.on(reader.session, reader.before, segment)


READERS: dict[str, Handler] = {
    **patient.READERS,
    "ORC": common_order,
    "OBR": request,
    "SPM": specimen,
    "SAC": container,
    "TQ1": timing,
    "TQ2": sequence,
    "PRT": involved,
    "CTD": contact,
    "IPC": imaging,
    "NTE": note,
}
