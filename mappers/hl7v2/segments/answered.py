"""SRR: what becomes of a request for an appointment → AppointmentResponse (chapter 10.5)."""

from __future__ import annotations

from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.trace import derived, text

_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/participant-type"
_FILLER = "filler contact"
_ACCEPTED = frozenset({"AA", "CA"})

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "MSA-1": ("AppointmentResponse.participantStatus",),
    "MSA-2": ("AppointmentResponse.identifier",),
    "MSA-3": ("AppointmentResponse.comment",),
    "ERR-7": ("AppointmentResponse.comment",),
    "ERR-8": ("AppointmentResponse.comment",),
}


def response(session: Session, appointment: Draft) -> None:
    """MSA → whether who keeps the book agrees."""
    msa = session.message.get("MSA")
    code = msa.first(1) if msa is not None else None
    if msa is None or code is None:
        return
    control = msa.first(2)
    draft = session.natural("AppointmentResponse", appointment.id, control or "")
    resource = draft.resource
    if control is not None:
        resource["identifier"] = [{"system": f"{session.namespace}/message", "value": control}]
    resource["appointment"] = reference(appointment)
    for element in ("start", "end"):
        if element in appointment.resource:
            resource[element] = appointment.resource[element]
    filler = {"coding": [{"system": _PARTICIPANT, "code": _FILLER}]}
    resource["participantType"] = [filler]
    for participant in appointment.resource["participant"]:
        kinds = participant.get("type", ())
        if _FILLER in [c.get("code") for kind in kinds for c in kind.get("coding", ())]:
            resource["actor"] = participant["actor"]
    said = "accepted" if code.upper() in _ACCEPTED else "declined"
    resource["participantStatus"] = text(said, code.source)
    errors = [words for err in session.message.all("ERR") for n in (8, 7) for words in err.texts(n)]
    lines = [line for line in (*msa.texts(3), *errors) if line != '""']
    if lines:
        resource["comment"] = derived("\n".join(lines), *lines)
