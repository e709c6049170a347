"""PID → others it speaks of: the mother, and who changed the record (HL7 v2.5 chapter 3.4.2)."""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes import houses
from mappers.hl7v2.datatypes.identifiers import cx
from mappers.hl7v2.datatypes.names import xpn
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment

_AUTHOR = {
    "system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
    "code": "author",
}
_UPDATE = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-DataOperation",
    "code": "UPDATE",
}

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "PID-6": ("RelatedPerson.name",),
    "PID-21": ("RelatedPerson.identifier", "RelatedPerson.relationship"),
    "PID-33": ("Provenance.occurredDateTime",),
    "PID-34": ("Provenance.agent",),
}


def mother(session: Session, segment: Segment) -> None:
    """PID-21 and PID-6 → RelatedPerson: the mother, by her number or her whole name."""
    patient_draft = session.patient
    if patient_draft is None or not (segment.has(21) or segment.has(6)):
        return
    numbers = [i for r in segment.repetitions(21) if (i := cx(session, r)) is not None]
    whole = [r for r in segment.repetitions(6) if len(r) > 2]
    names = [n for r in whole if (n := xpn(session, r, "maiden")) is not None]
    if not (numbers or names):
        return
    named = numbers[0]["value"] if numbers else ""
    draft = session.natural("RelatedPerson", patient_draft.id, "mother", named)
    resource = draft.resource
    if numbers:
        resource["identifier"] = numbers
    if names:
        resource["name"] = names
    resource["patient"] = reference(patient_draft)
    coding = {"system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": "MTH"}
    resource["relationship"] = [{"coding": [coding]}]


def updated(session: Session, segment: Segment) -> None:
    """PID-33 and PID-34 → Provenance: when and by whom the record was last changed."""
    patient_draft, when = session.patient, session.date_time(segment.first(33))
    if patient_draft is None or when is None:
        return
    draft = session.natural("Provenance", patient_draft.id, "updated", when)
    resource = draft.resource
    resource["target"] = [reference(patient_draft)]
    resource["occurredDateTime"] = when
    sent = session.instant(session.message.segments[0].first(7))
    resource["recorded"] = sent or session.instant(segment.first(33))
    resource["activity"] = {"coding": [dict(_UPDATE)]}
    house: dict[str, Any] = {"display": "unbekannt"}
    for repetition in segment.repetitions(34):
        house = houses.house(session, repetition) or house
    resource["agent"] = [{"type": {"coding": [dict(_AUTHOR)]}, "who": house}]
