"""ORU and OUL: results, read segment by segment (HL7 v2.5 chapter 7.3)."""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.messages import orders, patient
from mappers.hl7v2.reader import Family, Handler, Reader
from mappers.hl7v2.segments import attachments, obr, obr_specimen, obx, spm
from mappers.hl7v2.segments import orders as requests
from mappers.hl7v2.segments.order_facts import details
from mappers.hl7v2.segments.parents import parent_result
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import ALTERNATE_CODES, Draft
from mappers.hl7v2.tokenizer import Segment


def report(reader: Reader, segment: Segment) -> None:
    """OBR → the request and its DiagnosticReport."""
    session, orc = reader.session, reader.take("ORC") or _behind(reader, segment)
    leading = reader.now.get("Specimen") if orders.leads(reader) else None
    reader.now.clear()
    reader.grouped.clear()
    reader.pending["OBR"] = segment
    request = reader.made(requests.service_request(session, orc, segment))
    reader.resume(request)
    made = reader.made(obr.report(session, orc, segment, request))
    reader.origin = parent_result(session, segment, reader.reports, reader.results)
    if made is None:
        return
    for stated in (orc, segment):
        details(session, stated, request or made)
    for identifier in made.resource.get("identifier", ()):
        reader.reports.setdefault(str(identifier["value"]), []).append(made)
    if leading is not None:
        reader.now["Specimen"] = leading
        spm.belongs(session, leading, made)
    elif not orders.is_followed(reader, segment, "SPM"):
        obr_specimen.specimen(session, segment, made)


def _behind(reader: Reader, segment: Segment) -> Segment | None:
    """In OUL the ORC of an order stands behind its OBR."""
    following = next(reader.behind(segment), None)
    if reader.session.message.header.message_code != "OUL" or following is None:
        return None
    return following if following.name == "ORC" else None


def common_order(reader: Reader, segment: Segment) -> None:
    """ORC begins an order, unless it stands behind the OBR that has taken it."""
    header = reader.pending.get("OBR")
    if header is None or segment.index != header.index + 1 or not _is_oul(reader):
        orders.common_order(reader, segment)


def _is_oul(reader: Reader) -> bool:
    return reader.session.message.header.message_code == "OUL"


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
    found = obx.result(session, segment, parent, _category(reader, header))
    if found is None:
        return
    made, key = found
    reader.made(made)
    _when(reader, header, made)
    if "Specimen" in reader.now:
        session.say(made, "specimen", reference(reader.now["Specimen"]))
    if not reader.first_time(made):
        return
    if within is not None:
        within.resource.setdefault("result", []).append(reference(made))
    _relate(reader, made, key)


def _category(reader: Reader, header: Segment | None) -> dict[str, Any] | None:
    """OBR-24, the same for all results of a report."""
    if header is not reader.categorised:
        reader.categorised = header
        reader.category = obr.observation_category(reader.session, header)
    return reader.category


def _relate(reader: Reader, made: Draft, key: tuple[str, ...]) -> None:
    """What a result came from, and the group its sub-id places it in ("1.2" below "1")."""
    reader.results[key] = made
    if reader.origin is not None:
        made.resource["derivedFrom"] = [reader.origin]
    sub_id = key[-1]
    if not sub_id:
        return
    above = reader.grouped.get(sub_id.rpartition(".")[0])
    if above is not None:
        above.resource.setdefault("hasMember", []).append(reference(made))
    reader.grouped.setdefault(sub_id, made)


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


READERS: dict[str, Handler] = {
    **orders.READERS,
    "ORC": common_order,
    "OBR": report,
    "OBX": result,
}
FAMILY = Family(
    events=frozenset({"R01", "R30", "R31", "R32", "R40"}),
    readers=READERS,
    finish=(patient.finish_with_recipients,),
)
#: Results by specimen or container; those of quality control are about no patient.
OUL = Family(
    events=frozenset({"R21", "R22", "R23", "R24"}),
    readers=READERS,
    finish=(patient.finish_with_recipients,),
)
