"""NTE → annotations of what stands before it (HL7 v2.5 chapter 2.15.10)."""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.annotations import coded_note
from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.parties import practitioner
from mappers.hl7v2.session import ALTERNATE_CODES, V2, Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment
from mappers.trace import derived

_TYPE = "http://hl7.org/fhir/StructureDefinition/annotationType"
#: R5's DiagnosticReport.note, for R4.
REPORT_NOTE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-DiagnosticReport.note"
#: The note of what has no element for it (FHIR extensions pack).
NOTE = "http://hl7.org/fhir/StructureDefinition/note"
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
    "NTE-9": ("Annotation.extension", "Appointment.extension", "Annotation.text"),
    "NTE-6": ("Annotation.time", "ServiceRequest.note.time"),
}


def annotation(session: Session, segment: Segment) -> dict[str, Any] | None:
    """NTE → Annotation; the repetitions of NTE-3 are lines, of NTE-9 the same in codes."""
    made = _words(session, segment)
    if made is None:
        return None
    for repetition in segment.repetitions(5)[:1]:
        author = practitioner(session, repetition)
        if author is not None:
            made["authorReference"] = author
    when = session.date_time(segment.first(6))
    if when is not None:
        made["time"] = when
    for repetition in segment.repetitions(4)[:1]:
        kind = concept(session, repetition, default=V2 + "0364")
        if kind is not None:
            extension = {"url": _TYPE, "valueCodeableConcept": kind}
            made["extension"] = [extension, *made.get("extension", ())]
    return made


def _words(session: Session, segment: Segment) -> dict[str, Any] | None:
    """The lines with the codes beside them; codes alone are told in their words."""
    lines = [line for line in segment.texts(3) if line != '""']
    coded = segment.repetitions(9)
    if not lines:
        return coded_note(session, coded[0]) if coded else None
    made: dict[str, Any] = {"text": derived("\n".join(lines), *lines)}
    codes = [one for repetition in coded if (one := concept(session, repetition)) is not None]
    if codes:
        made["extension"] = [{"url": ALTERNATE_CODES, "valueCodeableConcept": one} for one in codes]
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
        url = REPORT_NOTE if kind == "DiagnosticReport" else NOTE
        extension = {"url": url, "valueAnnotation": note}
        draft.resource.setdefault("extension", []).append(extension)


def on_document(draft: Draft, segments: list[Segment]) -> None:
    """NTE after TXA or OBX → description of the document."""
    lines = [line for segment in segments for line in segment.texts(3) if line != '""']
    if lines:
        before = draft.resource.get("description")
        words = ([before] if before else []) + lines
        draft.resource["description"] = derived("\n".join(words), *words)
