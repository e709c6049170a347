"""FHIR R4 → an LDT 3 file with reports: 8220, a 8205 per report, 8221 with the checksum.

https://update.kbv.de ("LDT 3 Satzbeschreibung", version 3.2.20). Every report of a delivery is
about one patient; who reports is the laboratory its `performer` names.
"""

from __future__ import annotations

import hashlib

from mappers.base import MAPPING_VERSION, Context, Encoded, Resource
from mappers.source import Source
from mappers.trace import collect, text
from mappers.xdt.write.ldt.objects import obj, stamp
from mappers.xdt.write.ldt.parties import laboratory
from mappers.xdt.write.ldt.report import report
from mappers.xdt.write.pen import Field, Pen
from mappers.xdt.write.reader import Writing
from mappers.xdt.write.records import spoken
from profiles.issue import NotConformant, NotSupported

VERSION = "LDT3.2.20"
_CODEC = "iso8859-15"
_SOFTWARE = "region-gateway"


def write(bundle: Resource, context: Context) -> Encoded:
    """Write the reports of a Bundle.

    Raises NotSupported when there is no report or no patient, and NotConformant when it is about
    several patients.
    """
    source = Source(spoken(bundle))
    w = Writing(source, Pen(source, _CODEC), context, objects=True)
    reports, who = source.of("DiagnosticReport"), _patient(source)
    if not reports:
        raise NotSupported("LDT tells reports, and there is none.", location="Bundle")
    created = context.envelope.time or str(bundle.get("timestamp") or "")
    data = _record(w, "8220", _head(w, created, reports[0]))
    for one in reports:
        data += _record(w, "8205", report(w, one, who))
    data += w.pen.line("8000", "8221")
    checksum = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    data += w.pen.line("9300", checksum) + w.pen.line("8001", "8221")
    return Encoded(data, source.left_out())


def _patient(source: Source) -> Resource:
    patients = source.of("Patient")
    if not patients:
        raise NotSupported("LDT says nothing without a patient.", location="Bundle")
    if len(patients) > 1:
        raise NotConformant("The reports of a delivery are about one patient.", location="Bundle")
    for device in source.of("Device"):
        # The envelope says who sends and who receives.
        collect(device, source.neutral)
    return patients[0]


def _head(w: Writing, created: str, made: Resource) -> list[Field]:
    """8132 with the sending system, 8136 and 8119 with the laboratory."""
    put = w.pen.field
    envelope = w.context.envelope
    system = put("8315", envelope.receiving[0]) + put("8316", envelope.sending[0])
    system += [("0103", _SOFTWARE), ("0132", MAPPING_VERSION)]
    when = stamp(w, "8218", text(created, ())) if created else []
    head = obj("8132", [("0001", VERSION)], obj("8151", system), when)
    for reference in made.get("performer", ()):
        house = w.source.resolve(reference)
        if house is not None and house["resourceType"] == "Organization":
            return [*head, *laboratory(w, house)]
    shown = next((one["display"] for one in made.get("performer", ()) if "display" in one), None)
    named = {"resourceType": "Organization", "name": shown or text(_SOFTWARE, ())}
    return [*head, *laboratory(w, named)]


def _record(w: Writing, satzart: str, fields: list[Field]) -> bytes:
    every = [("8000", satzart), *fields, ("8001", satzart)]
    return b"".join(w.pen.line(fk, content) for fk, content in every)
