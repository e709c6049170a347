"""Race and ethnic group of US Core → PID-10 and PID-22 (HL7 v2.5 chapter 3.4.2)."""

from __future__ import annotations

from mappers.base import Resource
from mappers.hl7v2.segments.heritage import EXTENSIONS
from mappers.hl7v2.write.datatypes.codings import triplet
from mappers.hl7v2.write.er7 import Segment
from mappers.hl7v2.write.writing import Writing


def heritage(w: Writing, segment: Segment, patient: Resource) -> None:
    """Write each category as a repetition; the text of an extension repeats their names."""
    for extension in patient.get("extension", ()):
        field = EXTENSIONS.get(str(extension.get("url")))
        if field is None:
            continue
        w.carried(extension["url"])
        shown = []
        for part in extension.get("extension", ()):
            coding = part.get("valueCoding")
            if coding is not None:
                segment.add(field, triplet(w, coding))
                w.carried(part["url"])
                shown.append(str(coding.get("display", coding.get("code"))))
        for part in extension.get("extension", ()):
            if part.get("url") == "text" and part.get("valueString") == ", ".join(shown):
                w.carried(part["url"], part["valueString"])
