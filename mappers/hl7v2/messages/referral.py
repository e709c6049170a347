"""Referrals: REF, RRI and the questions around them (HL7 v2.5 chapter 11.3 to 11.5).

An OBR without an order number of its own says what is asked of whom the patient is referred to;
one with a number is an order or result that comes with the referral.
"""

from __future__ import annotations

from mappers.hl7v2.datatypes.identifiers import ei
from mappers.hl7v2.messages import general, patient, problems
from mappers.hl7v2.reader import Family, Handler, Reader
from mappers.hl7v2.segments import aut, notes, order_timing, prd, rf1
from mappers.hl7v2.session import Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.tokenizer import Segment

#: Roles (table 0286) of who refers and of whom it is asked; the rest only is named.
_REFERS = "RP"
_ASKED = "RT"
_GENERAL_PRACTITIONER = "PP"
_NO_CONTENT = frozenset({"Patient", "Coverage", "RelatedPerson", "ClaimResponse"})


def referred(reader: Reader, segment: Segment) -> None:
    """RF1 → ServiceRequest."""
    reader.made(rf1.referral(reader.session, segment))


def provider(reader: Reader, segment: Segment) -> None:
    """PRD → who refers or is asked; a CTD behind it belongs to its house."""
    session = reader.session
    found = prd.provider(session, segment, None)
    reader.pending["PRD"] = segment
    reader.before = None
    if found is None:
        return
    order = reader.now.get("ServiceRequest")
    if not {_REFERS, _ASKED, _GENERAL_PRACTITIONER}.isdisjoint(found.roles):
        session.echoes.append(segment.repetitions(1))
    if order is not None and _REFERS in found.roles:
        session.say(order, "requester", found.reference)
    if order is not None and _ASKED in found.roles:
        session.append(order, "performer", found.reference)
    if session.patient is not None and _GENERAL_PRACTITIONER in found.roles:
        session.append(session.patient, "generalPractitioner", found.reference)


def contact(reader: Reader, segment: Segment) -> None:
    """CTD → whom to ask at the house of the PRD before it."""
    before = reader.pending.get("PRD")
    house = prd.provider(reader.session, before, None) if before is not None else None
    prd.provider(reader.session, segment, house.house if house is not None else None)


def service(reader: Reader, segment: Segment) -> None:
    """OBR: what is asked, or an order or result beside it."""
    session = reader.session
    order = reader.now.get("ServiceRequest")
    own = [ei(session, r, "order") for field in (2, 3) for r in segment.repetitions(field)]
    known = [] if order is None else order.resource.get("identifier", [])
    numbers = [(one["system"], one["value"]) for one in known]
    others = [one for one in own if one and (one["system"], one["value"]) not in numbers]
    if order is None or others or "ORC" in reader.pending:
        general.service(reader, segment)
        return
    session.echoes.append(own)
    apply_rows(session, segment, table("obr_servicerequest"), order)
    apply_rows(session, segment, table("obr_servicerequest_details"), order)
    order_timing.settle(session, order)
    reader.before = order


def note(reader: Reader, segment: Segment) -> None:
    """NTE behind who it is about, or at the end, is a note of the referral."""
    order, before = reader.now.get("ServiceRequest"), reader.before
    if order is not None and (before is None or before.resource["resourceType"] in _NO_CONTENT):
        notes.on(reader.session, order, segment)
        return
    general.FAMILY.readers["NTE"](reader, segment)


def finish(session: Session) -> None:
    """Complete the referral when all is known that comes with it."""
    patient.finish_with_recipients(session)
    for segment in session.all("RF1"):
        draft = rf1.known(session, segment)
        if draft is None:
            continue
        rf1.settle(session, segment, draft)
        if session.message.header.message_code == "RRI":
            rf1.answer(session, segment, draft)


SEGMENTS: dict[str, Handler] = {
    "RF1": referred,
    "PRD": provider,
    "CTD": contact,
    "AUT": aut.authorization,
}
READERS: dict[str, Handler] = {
    **general.FAMILY.readers,
    **problems.SEGMENTS,
    **SEGMENTS,
    "OBR": service,
    "NTE": note,
}
#: I01 to I11 ask about insurance, demographics and authorizations, I12 to I15 refer.
_EVENTS = frozenset(f"I{number:02}" for number in range(1, 16))
FAMILY = Family(events=_EVENTS, readers=READERS, required=("PRD", "PID"), finish=(finish,))
ANSWERS = Family(events=_EVENTS, readers=READERS, required=("MSA",), finish=(finish,))
