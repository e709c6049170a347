"""ServiceRequest and Specimen of a report → ORC, OBR, SPM (HL7 v2.5 chapter 4.5.1, 7.4.3)."""

from __future__ import annotations

from typing import Any

from mappers.base import Resource
from mappers.hl7v2.session import ALTERNATE_CODES, V2
from mappers.hl7v2.write.datatypes import codings
from mappers.hl7v2.write.datatypes.contacts import xad, xtn
from mappers.hl7v2.write.datatypes.identifiers import ei, own_first
from mappers.hl7v2.write.datatypes.parties import is_organization, xon
from mappers.hl7v2.write.er7 import Component, Segment
from mappers.hl7v2.write.rows import fill
from mappers.hl7v2.write.writing import Writing

#: Type of an order number → field of ORC and OBR.
_FIELDS = {"PLAC": 2, "FILL": 3}
_SPM_SINCE = "2.5"
_CONTROLS = V2 + "0119"
#: The house that orders, beside the person in ServiceRequest.requester.
_FACILITY = "https://region-gateway.example/fhir/StructureDefinition/ordering-facility"


def order_numbers(w: Writing, obr: Segment, report: Resource, order: Resource | None) -> None:
    """OBR-2 placer and OBR-3 filler number; a number without type is the filler's."""
    for resource in (report, order or {}):
        for identifier in own_first(w, resource.get("identifier", ())):
            codes = {str(c.get("code")) for c in identifier.get("type", {}).get("coding", ())}
            field = 2 if "PLAC" in codes else 3
            taken = obr.fields.get(field)
            if taken and str(taken[0][0]) == identifier["value"]:
                w.carried(identifier)
            elif obr.make(field, ei, w, identifier, "order") and codes <= set(_FIELDS):
                w.carried(identifier.get("type"))
    for reference in report.get("basedOn", ()):
        if order is not None and w.source.resolve(reference) is order:
            w.carried(reference)
        elif "identifier" in reference and obr.make(2, ei, w, reference["identifier"], "order"):
            w.carried(reference.get("type"))


def request(w: Writing, obr: Segment, order: Resource) -> None:
    """What the order says stands in the OBR of its result."""
    fill(w, obr, "obr_servicerequest", order, skip=frozenset({4, 16, 46, 47}))
    if not obr.has(4):
        obr.make(4, codings.cwe, w, order.get("code"))
    if order.get("intent") == "order":
        w.carried(order["intent"])
    w.carried(order.get("encounter"))


def order_control(w: Writing, obr: Segment, order: Resource | None) -> Segment:
    """ORC: results to the numbers of the OBR, status and requester of the order."""
    orc = w.segment("ORC", control(w, order or {}) or "RE")
    for field in _FIELDS.values():
        for repetition in obr.fields.get(field, ()):
            orc.add(field, repetition)
    if order is not None:
        orc.put(5, w.code("order-status", order.get("status")))
        fill(w, orc, "orc_servicerequest", order, skip=frozenset({4}))
        ordering(w, orc, order)
        for repetition in orc.fields.get(12, ()):
            obr.add(16, repetition)
    return orc


def control(w: Writing, order: Resource) -> str | None:
    """ORC-1 as it stands beside the status, where it did not become one."""
    for extension in order.get("_status", {}).get("extension", ()):
        for coding in extension.get("valueCodeableConcept", {}).get("coding", ()):
            code: str | None = coding.get("code")
            known = extension.get("url") == ALTERNATE_CODES and coding.get("system") == _CONTROLS
            if known and code is not None:
                w.carried(extension["url"], coding["system"])
                return code
    return None


def ordering(w: Writing, orc: Segment, order: Resource) -> None:
    """ORC-21 to -23: the house that orders; ORC-24 the address of the person."""
    requester = order.get("requester")
    stated = codings.extension(order, _FACILITY)
    house = (stated or {}).get("valueReference") or requester
    if house is not None and is_organization(w, house) and orc.make(21, xon, w, house):
        w.carried((stated or {}).get("url"))
        target = w.source.resolve(house) or {}
        for address in target.get("address", ()):
            orc.make(22, xad, w, address)
        for point in target.get("telecom", ()):
            orc.make(23, xtn, w, point)
    person = w.source.resolve(requester) or {}
    for address in person.get("address", ()) if orc.has(12) else ():
        orc.make(24, xad, w, address)


def spm(w: Writing, specimens: list[Resource], obr: Segment) -> list[Segment]:
    """Specimens → SPM, or OBR-15 of the versions before it."""
    if not w.since(_SPM_SINCE):
        _source(w, obr, specimens)
        return []
    segments: list[Segment] = []
    for specimen in specimens:
        segment = w.segment("SPM", str(len(segments) + 1))
        for identifier in own_first(w, specimen.get("identifier", ()))[:1]:
            if identifier.get("system") == f"{w.namespace}/specimen":
                segment.put(2, None, identifier["value"])
                w.carried(identifier["system"])
            else:
                segment.put(2, None, _assigned(w, identifier))
        fill(w, segment, "spm_specimen", specimen, skip=frozenset({31}))
        _collection(w, segment, specimen.get("collection", {}))
        segments.append(segment)
    return segments


def _source(w: Writing, obr: Segment, specimens: list[Resource]) -> None:
    """OBR-15 specimen source (SPS) with OBR-14 and OBR-39; one order has one."""
    for specimen in specimens[:1]:
        kind = codings.cwe(w, specimen.get("type"))
        if kind is not None and obr.put(15, [_plain(part) for part in kind[:6]]):
            fill(w, obr, "obr_specimen", specimen)
        collected = specimen.get("collection", {}).get("collectedDateTime")
        if collected is not None and w.time(collected) == obr.first(7):
            w.carried(collected)


def _plain(part: Component) -> str | None:
    return part if part is None or isinstance(part, str) else None


def _assigned(w: Writing, identifier: dict[str, Any]) -> tuple[str | None, ...]:
    """EI as the subcomponents of an EIP component."""
    return tuple(ei(w, identifier, "specimen") or ())  # type: ignore[arg-type]  # EI has no lists


def _collection(w: Writing, segment: Segment, collection: dict[str, Any]) -> None:
    period = collection.get("collectedPeriod", {})
    start = collection.get("collectedDateTime") or period.get("start")
    segment.put(17, w.time(start), w.time(period.get("end")))
    segment.make(7, codings.cwe, w, collection.get("method"))
    segment.make(8, codings.cwe, w, collection.get("bodySite"))
