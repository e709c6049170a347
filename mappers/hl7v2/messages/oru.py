"""ORU^R01: results, read segment by segment (HL7 v2.5 chapter 7.3.1)."""

from __future__ import annotations

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.messages import orders, patient
from mappers.hl7v2.reader import Family, Handler, Reader
from mappers.hl7v2.segments import attachments, obr, obx
from mappers.hl7v2.segments import orders as requests
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import ALTERNATE_CODES, Draft
from mappers.hl7v2.tokenizer import Segment


def report(reader: Reader, segment: Segment) -> None:
    """OBR → the request and its DiagnosticReport."""
    session, orc = reader.session, reader.take("ORC")
    reader.now.clear()
    reader.pending["OBR"] = segment
    request = reader.made(requests.service_request(session, orc, segment))
    made = reader.made(obr.report(session, orc, segment, request))
    if made is not None:
        obr.specimen(session, segment, made)


def result(reader: Reader, segment: Segment) -> None:
    """OBX → Observation of the report, or one of its forms."""
    session, parent = reader.session, reader.parent()
    if parent is None:
        return
    within = reader.now.get("DiagnosticReport")
    if within is not None and segment.first(2) in ("ED", "RP"):
        _attachment(reader, segment, within)
        return
    header = reader.pending.get("OBR")
    category = obr.observation_category(session, header)
    made = reader.made(obx.observation(session, segment, parent, category))
    if made is None:
        return
    _when(reader, header, made)
    if within is not None and reader.first_time(made):
        within.resource.setdefault("result", []).append(reference(made))


def _when(reader: Reader, header: Segment | None, made: Draft) -> None:
    """OBX-14 is missing: the report's time holds."""
    if "effectiveDateTime" not in made.resource and header is not None:
        when = reader.session.date_time(header.first(7))
        if when is not None:
            made.resource["effectiveDateTime"] = when


def _attachment(reader: Reader, segment: Segment, within: Draft) -> None:
    session = reader.session
    title = segment.component(3, 2) or segment.first(3)
    code = next((c for r in segment.repetitions(3) if (c := concept(session, r))), None)
    for one in attachments.attachments(session, segment, within.id):
        if title is not None:
            one["title"] = title
        if code is not None:
            one["extension"] = [{"url": ALTERNATE_CODES, "valueCodeableConcept": code}]
        session.append(within, "presentedForm", one)
    stated = segment.first(11)
    if stated is not None:
        session.ignored.append((stated, "the report has a status of its own"))
    reader.before = within


def specimen(reader: Reader, segment: Segment) -> None:
    """SPM → Specimen of the report."""
    within = reader.now.get("DiagnosticReport")
    if within is not None:
        reader.made(obr.spm(reader.session, segment, within))


READERS: dict[str, Handler] = {
    **orders.READERS,
    "OBR": report,
    "OBX": result,
    "SPM": specimen,
}
FAMILY = Family(
    events=frozenset({"R01"}),
    readers=READERS,
    finish=(patient.finish_with_recipients,),
)
