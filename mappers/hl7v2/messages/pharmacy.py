"""Pharmacy: orders, encoded orders, dispenses, gives and administrations (HL7 v2.5 chapter 4.13).

OMP^O09 and ORP^O10, RDE^O11/O25 and RRE, RDS^O13 and RRD, RGV^O15 and RRG, RAS^O17 and RRA, and
their forms before v2.4 (O01, O02).
"""

from __future__ import annotations

from collections.abc import Mapping

from mappers.hl7v2.messages import finance, orders, patient
from mappers.hl7v2.reader import Family, Handler, Reader
from mappers.hl7v2.segments import obx, participation, pharmacy_order, prescription, rxa, rxd
from mappers.hl7v2.segments.order_facts import details
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import Draft
from mappers.hl7v2.tokenizer import Segment

#: Messages whose orders are those of the pharmacy.
_ENCODED = frozenset({"RDE", "RRE"})
#: Segments that begin an order or are its first detail.
_BEGINS = pharmacy_order.DETAILS | {"ORC", "OBR", "ODS", "RQD"}
#: Resources a result of the group belongs to, and how it says so.
_RESULT_OF = (
    ("MedicationAdministration", "partOf"),
    ("MedicationDispense", "partOf"),
    ("Immunization", "partOf"),
    ("MedicationRequest", "basedOn"),
)


def common_order(reader: Reader, segment: Segment) -> None:
    """ORC begins an order and stays with all its details."""
    orders.common_order(reader, segment)
    reader.lone_order = _lone


def _lone(reader: Reader, orc: Segment) -> None:
    code = reader.session.message.header.message_code
    part = "encoded" if code in _ENCODED else ""
    reader.made(pharmacy_order.lone(reader.session, orc, part))


def order(reader: Reader, segment: Segment) -> pharmacy_order.Order:
    """The ORC that a detail follows, and what stands around the detail."""
    orc = reader.take("ORC") or reader.pending.get("order")
    if orc is not None:
        reader.pending["order"] = orc
    return pharmacy_order.order_of(reader.session, orc, segment, reader.behind(segment))


def detailed(reader: Reader, placed: pharmacy_order.Order, made: Draft | None) -> None:
    """Remember a detail; a PRT between ORC and it is about it."""
    reader.made(made)
    session = reader.session
    if placed.orc is not None and placed.orc.index not in session.consumed:
        session.consumed.add(placed.orc.index)
        details(session, placed.orc, made)
    for segment in placed.around if made is not None else ():
        if segment.name == "PRT" and segment.index not in session.consumed:
            session.consumed.add(segment.index)
            participation.participation(session, segment, {}, made)


def requested(reader: Reader, segment: Segment) -> None:
    """RXO, RXE or RXG → MedicationRequest; each carries out the one before it."""
    placed = order(reader, segment)
    name = "original" if segment.name == "RXG" else "MedicationRequest"
    before = reader.now.get(name) or reader.now.get("MedicationRequest")
    made = prescription.prescription(reader.session, placed, segment, before)
    detailed(reader, placed, made)
    details(reader.session, segment, made)
    if made is not None and segment.name != "RXG":
        reader.now["original"] = made


def dispensed(reader: Reader, segment: Segment) -> None:
    """RXD → MedicationDispense."""
    placed = order(reader, segment)
    request = reader.now.get("MedicationRequest")
    made = rxd.dispense(reader.session, placed, segment, request)
    detailed(reader, placed, made)
    details(reader.session, segment, made)


def administered(reader: Reader, segment: Segment) -> None:
    """RXA → MedicationAdministration."""
    placed = order(reader, segment)
    request = reader.now.get("MedicationRequest")
    detailed(reader, placed, rxa.administration(reader.session, placed, segment, request))


def observation(reader: Reader, segment: Segment) -> None:
    """OBX behind a detail → an Observation of it; before any of them of the patient."""
    found = subject_of(reader)
    if found is None:
        patient.observation(reader, segment)
        return
    draft, element = found
    made = reader.made(obx.observation(reader.session, segment, draft, None))
    if made is not None:
        reader.session.append(made, element, reference(draft))


def subject_of(reader: Reader) -> tuple[Draft, str] | None:
    """The latest resource of the order, and how a result refers to it."""
    for kind, element in _RESULT_OF:
        draft = reader.now.get(kind)
        if draft is not None:
            return draft, element
    return None


def involved(reader: Reader, segment: Segment) -> None:
    """PRT of an order is read with its detail, behind OBX it is about the result.

    Any other is about the patient or the visit and is read with them.
    """
    session = reader.session
    about = reader.before if "Observation" in reader.now else None
    if about is None and subject_of(reader) is None:
        return
    if segment.index not in session.consumed:
        session.consumed.add(segment.index)
        participation.participation(session, segment, reader.now, reader.before)


def is_drug(reader: Reader, segment: Segment) -> bool:
    """Tell whether a segment belongs to an order of the pharmacy."""
    if any(kind in reader.now for kind, _ in _RESULT_OF):
        return True
    if "ORC" not in reader.pending and segment.name != "ORC":
        return False
    following = (one.name for one in reader.behind(segment))
    detail = next((name for name in following if name in _BEGINS), "")
    return detail in pharmacy_order.DETAILS


def mixed(readers: Mapping[str, Handler]) -> dict[str, Handler]:
    """Readers of messages whose orders are of services or of the pharmacy, order by order."""

    def either(drug: Handler, other: Handler) -> Handler:
        def handler(reader: Reader, segment: Segment) -> None:
            (drug if is_drug(reader, segment) else other)(reader, segment)

        return handler

    def begins(reader: Reader, segment: Segment) -> None:
        reader.end_order()
        (common_order if is_drug(reader, segment) else readers["ORC"])(reader, segment)

    found = {name: either(drug, readers[name]) for name, drug in _WITHIN.items() if name in readers}
    return {**readers, **found, **DETAILS, "ORC": begins}


def _read_with_detail(reader: Reader, segment: Segment) -> None:
    """TQ1 and TQ2 are read with the detail they stand around."""


DETAILS: dict[str, Handler] = {
    "RXO": requested,
    "RXE": requested,
    "RXG": requested,
    "RXD": dispensed,
    "RXA": administered,
}
_WITHIN: dict[str, Handler] = {
    "OBX": observation,
    "NTE": patient.note,
    "PRT": involved,
    "TQ1": _read_with_detail,
    "TQ2": _read_with_detail,
}
READERS: dict[str, Handler] = {
    **patient.READERS,
    "ORC": common_order,
    **DETAILS,
    **_WITHIN,
    "FT1": finance.charge,
}
_EVENTS = frozenset({"O01", "O02", "O09", "O10", "O25", "O26", *(f"O{n}" for n in range(11, 19))})
FAMILY = Family(
    events=_EVENTS,
    readers=READERS,
    finish=(patient.finish_with_recipients,),
)
#: Answers name the patient only where the order did not.
ANSWERS = Family(
    events=_EVENTS,
    readers=READERS,
    required=("MSA",),
    finish=(patient.finish_with_recipients,),
)
