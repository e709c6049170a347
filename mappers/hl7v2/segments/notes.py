"""NTE → annotations of what stands before it (HL7 v2.5 chapter 2.15.10)."""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.parties import practitioner
from mappers.hl7v2.session import V2, Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment
from mappers.trace import derived

_TYPE = "http://hl7.org/fhir/StructureDefinition/annotationType"
#: R5's DiagnosticReport.note, for R4.
REPORT_NOTE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-DiagnosticReport.note"
#: The note of what has no element for it (FHIR extensions pack).
_NOTE = "http://hl7.org/fhir/StructureDefinition/note"
#: Resources with an element `note` in R4, of those a message fills.
_WITH_NOTES = frozenset(
    {
        "AllergyIntolerance",
        "CarePlan",
        "CareTeam",
        "Communication",
        "Condition",
        "DeviceRequest",
        "Goal",
        "Immunization",
        "MedicationAdministration",
        "MedicationDispense",
        "MedicationRequest",
        "NutritionOrder",
        "Observation",
        "Procedure",
        "ServiceRequest",
        "Specimen",
        "SupplyRequest",
        "Task",
    }
)


#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "NTE-3": (
        "Annotation.text",
        "Observation.note.text",
        "ServiceRequest.note.text",
        "DocumentReference.description",
    ),
    "NTE-4": ("Annotation.extension",),
    "NTE-5": ("Annotation.authorReference", "ServiceRequest.note.authorReference"),
    "NTE-6": ("Annotation.time", "ServiceRequest.note.time"),
}


def annotation(session: Session, segment: Segment) -> dict[str, Any] | None:
    """NTE → Annotation; the repetitions of NTE-3 are lines."""
    lines = [line for line in segment.texts(3) if line != '""']
    if not lines:
        return None
    made: dict[str, Any] = {}
    for repetition in segment.repetitions(5):
        author = practitioner(session, repetition)
        if author is not None:
            made["authorReference"] = author
        break
    when = session.date_time(segment.first(6))
    if when is not None:
        made["time"] = when
    made["text"] = derived("\n".join(lines), *lines)
    for repetition in segment.repetitions(4):
        kind = concept(session, repetition, default=V2 + "0364")
        if kind is not None:
            made["extension"] = [{"url": _TYPE, "valueCodeableConcept": kind}]
        break
    return made


def on(session: Session, draft: Draft, segment: Segment) -> None:
    """Attach NTE to a resource; a report's note is an extension in R4."""
    note = annotation(session, segment)
    if note is None:
        return
    kind = draft.resource["resourceType"]
    if kind in _WITH_NOTES:
        session.append(draft, "note", note)
    else:
        url = REPORT_NOTE if kind == "DiagnosticReport" else _NOTE
        extension = {"url": url, "valueAnnotation": note}
        draft.resource.setdefault("extension", []).append(extension)


def on_document(draft: Draft, segments: list[Segment]) -> None:
    """NTE after TXA or OBX → description of the document."""
    lines = [line for segment in segments for line in segment.texts(3) if line != '""']
    if lines:
        before = draft.resource.get("description")
        words = ([before] if before else []) + lines
        draft.resource["description"] = derived("\n".join(words), *words)
