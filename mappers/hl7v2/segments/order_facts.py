"""What order segments say beyond FHIR's elements → an Observation about their resource.

Components are named by the standard's names of the fields (`facts/<segment>.csv`).
"""

from __future__ import annotations

from mappers.hl7v2.segments.facts import components
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment

#: Segment → what the Observation is called, and the element that says what it is about.
_ABOUT = {
    "ORC": ("Order control details", "basedOn"),
    "OBR": ("Observation request details", "basedOn"),
    "SPM": ("Specimen details", "specimen"),
    "SAC": ("Specimen container details", "specimen"),
    "RXO": ("Pharmacy order details", "basedOn"),
    "RXE": ("Pharmacy encoded order details", "basedOn"),
    "RXG": ("Pharmacy give details", "basedOn"),
    "RXD": ("Pharmacy dispense details", "partOf"),
    "RXA": ("Vaccination details", "partOf"),
    "RXR": ("Vaccination route details", "partOf"),
}
#: Resources an Observation may refer to, and by which element.
_REFERRED = {
    "ServiceRequest": "basedOn",
    "MedicationRequest": "basedOn",
    "MedicationDispense": "partOf",
    "MedicationAdministration": "partOf",
    "Immunization": "partOf",
}

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    name: ("Observation.code", f"Observation.{element}") for name, (_, element) in _ABOUT.items()
}


def details(session: Session, segment: Segment | None, about: Draft | None) -> None:
    """Write what has no element of its own; nothing where the segment says no such thing."""
    patient = session.patient
    found = components(session, segment) if segment is not None else []
    if not found or patient is None or about is None or segment is None:
        return
    title, element = _ABOUT[segment.name]
    draft = session.natural("Observation", about.id, segment.name)
    resource = draft.resource
    resource["status"] = "final"
    resource["code"] = {"text": title}
    resource["subject"] = reference(patient)
    if element == "specimen":
        resource["specimen"] = reference(about)
    elif (referred := _REFERRED.get(about.resource["resourceType"])) is not None:
        resource[referred] = [reference(about)]
    for component in found:
        session.append(draft, "component", component)
