"""Annotations → NTE (HL7 v2.5 chapter 2.15.10)."""

from __future__ import annotations

from typing import Any

from mappers.base import Resource
from mappers.hl7v2.segments.notes import REPORT_NOTE
from mappers.hl7v2.write.datatypes import codings
from mappers.hl7v2.write.datatypes.parties import xcn
from mappers.hl7v2.write.er7 import Segment
from mappers.hl7v2.write.writing import Writing

_TYPE = "http://hl7.org/fhir/StructureDefinition/annotationType"


def notes(w: Writing, resource: Resource) -> list[Segment]:
    """Annotations of a resource → NTE."""
    return _segments(w, resource.get("note", ()))


def report_notes(w: Writing, report: Resource) -> list[Segment]:
    """Conclusion and notes of a report → NTE."""
    found: list[dict[str, Any]] = []
    if "conclusion" in report:
        found.append({"text": report["conclusion"]})
    for extension in report.get("extension", ()):
        if extension.get("url") == REPORT_NOTE and "valueAnnotation" in extension:
            w.carried(extension["url"])
            found.append(extension["valueAnnotation"])
    return _segments(w, found)


def comment(w: Writing, resource: Resource) -> list[Segment]:
    """The comment of a resource that has no annotations → NTE."""
    return _segments(w, [{"text": resource["comment"]}] if "comment" in resource else ())


def _segments(w: Writing, found: Any) -> list[Segment]:
    segments: list[Segment] = []
    for note in found:
        segment = w.segment("NTE", str(len(segments) + 1), "L")
        if not segment.put(3, note.get("text")):
            continue
        kind = codings.extension(note, _TYPE)
        if kind is not None and segment.make(
            4, codings.cwe, w, kind.get("valueCodeableConcept"), "", "NTE-4"
        ):
            w.carried(kind["url"])
        segment.make(5, xcn, w, note.get("authorReference"))
        segment.put(6, w.time(note.get("time")))
        segments.append(segment)
    return segments
