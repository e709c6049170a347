"""What a message will hold, decided before a segment is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mappers.base import Resource
from mappers.hl7v2.write.er7 import Segment
from mappers.hl7v2.write.writing import Writing
from mappers.source import Source
from profiles.issue import NotSupported

#: Types that only serve others: they decide no message.
SERVING = frozenset(
    {
        "Account",
        "Binary",
        "Device",
        "Endpoint",
        "HealthcareService",
        "Location",
        "MessageHeader",
        "Organization",
        "Patient",
        "Practitioner",
        "PractitionerRole",
        "Provenance",
    }
)


@dataclass(frozen=True, slots=True)
class Plan:
    """One message: its type and the function that writes what follows EVN."""

    #: Message code and trigger event, e.g. "ADT^A01".
    message: str
    segments: Callable[[Writing], list[Segment]]
    #: The visit of PV1; None without one.
    visit: Resource | None

    @property
    def event(self) -> str:
        """MSH-9.2."""
        return self.message.partition("^")[2]


#: A chosen message waits for its patient.
Choice = Callable[[Resource], Plan]


def only_patient(source: Source) -> Resource:
    """Return the patient the message is about; raises NotSupported for none or several.

    A patient merged into the other one of the Bundle is told by the merge.
    """
    gone = merged(source)
    patients = [patient for patient in source.of("Patient") if patient is not gone]
    if len(patients) != 1:
        raise NotSupported(
            "One HL7 v2 message is about exactly one patient.", location="Bundle.entry"
        )
    return patients[0]


def merged(source: Source) -> Resource | None:
    """Return the patient whom the only other patient of the Bundle replaces."""
    patients = source.of("Patient")
    for patient in patients if len(patients) == 2 else ():
        for link in patient.get("link", ()):
            other = source.resolve(link.get("other"))
            if link.get("type") == "replaced-by" and other is not None and other is not patient:
                return patient
    return None


def refuse(kinds: set[str]) -> NotSupported:
    """Error for content one message cannot carry together."""
    listed = ", ".join(sorted(kinds))
    return NotSupported(
        f"No single HL7 v2 message carries this content together: {listed}.",
        location="Bundle.entry",
    )


def only_visit(source: Source) -> Resource | None:
    """Return the visit of PV1: the outermost of one stay; raises NotSupported for several stays."""
    visits = source.of("Encounter")
    outermost = [v for v in visits if source.resolve(v.get("partOf")) is None]
    if len(outermost) > 1:
        raise NotSupported("One HL7 v2 message is about one visit.", location="Bundle.entry")
    return outermost[0] if outermost else (visits[0] if visits else None)


def decisive(source: Source) -> set[str]:
    """Types of the Bundle that decide the message."""
    return {str(r["resourceType"]) for r in source.resources} - SERVING
