"""Messages that order something: ORM, OMG, OML and their like (HL7 v2.5 chapter 4.4)."""

from __future__ import annotations

from mappers.hl7v2.messages import patient
from mappers.hl7v2.reader import Handler, Reader
from mappers.hl7v2.segments import orders
from mappers.hl7v2.tokenizer import Segment


def common_order(reader: Reader, segment: Segment) -> None:
    """ORC begins an order and waits for the segment that says what is ordered."""
    reader.end_order()
    reader.pending["ORC"] = segment
    reader.lone_order = _lone


def _lone(reader: Reader, orc: Segment) -> None:
    reader.made(orders.service_request(reader.session, orc, None))


def request(reader: Reader, segment: Segment) -> None:
    """OBR → ServiceRequest, with the ORC before it."""
    reader.now.clear()
    reader.made(orders.service_request(reader.session, reader.take("ORC"), segment))


READERS: dict[str, Handler] = {**patient.READERS, "ORC": common_order, "OBR": request}
