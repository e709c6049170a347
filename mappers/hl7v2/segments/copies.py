"""OBR-28 → who else is to have the result (HL7 v2.5 chapter 7.4.1.28).

The guide leaves the field to a later edition and names CommunicationRequest for it.
"""

from __future__ import annotations

from mappers.hl7v2.datatypes.parties import practitioner
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "OBR-28": ("CommunicationRequest.recipient", "CommunicationRequest.basedOn"),
}


def copies(session: Session, obr: Segment, order: Draft | None) -> None:
    """Write the request to send copies of an order's result."""
    patient = session.patient
    people = [practitioner(session, repetition) for repetition in obr.repetitions(28)]
    recipients = [person for person in people if person is not None]
    if not recipients or order is None or patient is None:
        return
    draft = session.natural("CommunicationRequest", order.id, "copies")
    resource = draft.resource
    resource["basedOn"] = [reference(order)]
    resource["status"] = "active"
    resource["subject"] = reference(patient)
    for recipient in recipients:
        session.append(draft, "recipient", recipient)
