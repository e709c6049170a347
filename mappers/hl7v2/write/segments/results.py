"""DiagnosticReport, Observation → OBR, OBX, NTE (HL7 v2.5 chapter 7.4; ORU^R01)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mappers.base import Resource
from mappers.hl7v2.session import V2
from mappers.hl7v2.write.datatypes import codings
from mappers.hl7v2.write.datatypes.contacts import xad
from mappers.hl7v2.write.datatypes.identifiers import ei, own_first
from mappers.hl7v2.write.datatypes.parties import house, is_organization, xcn, xon
from mappers.hl7v2.write.er7 import Repetition, Segment
from mappers.hl7v2.write.rows import by_number, fill, number
from mappers.hl7v2.write.segments.notes import notes, report_notes
from mappers.hl7v2.write.segments.orders import order_control, order_numbers, request, spm
from mappers.hl7v2.write.segments.values import value
from mappers.hl7v2.write.writing import Writing, meaning
from mappers.trace import Text, derived

_ANALYSED = "http://hl7.org/fhir/StructureDefinition/observation-analysis-date-time"
_NATURE = "http://hl7.org/fhir/StructureDefinition/observation-nature-of-abnormal-test"
_SUB_ID = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Observation.subId"
#: FHIR status without an exact code in v2.5 → the nearest one; the status counts as left out.
_NEAREST = {"amended": "C", "appended": "C"}


def report(w: Writing, found: Resource, set_id: int) -> list[Segment]:
    """DiagnosticReport with its order, results and specimens → ORC, OBR, NTE, OBX, SPM."""
    targets = (w.source.resolve(reference) for reference in found.get("basedOn", ()))
    order = next((o for o in targets if o and o["resourceType"] == "ServiceRequest"), None)
    obr = w.segment("OBR", str(set_id))
    order_numbers(w, obr, found, order)
    if order is not None and order.get("code") == found.get("code"):
        w.source.repeats(order.get("code"), found.get("code"))
    fill(w, obr, "obr_diagnosticreport", found)
    _period(w, obr, found)
    if order is not None:
        request(w, obr, order)
    for section in found.get("category", ()):
        _section(w, obr, section)
    obr.put(25, status(w, "report-status", found.get("status")))
    _interpreter(w, obr, found)
    w.carried(found.get("encounter"))
    results, specimens = _told(w, found)
    samples = spm(w, specimens, obr)
    told = [*report_notes(w, found), *observations(w, results, obr), *samples]
    return [order_control(w, obr, order), obr, *told]


def _told(w: Writing, found: Resource) -> tuple[list[Resource], list[Resource]]:
    """Results and specimens of a report, which stand below it without being named."""
    results: list[Resource] = []
    specimens: list[Resource] = []
    for reference in (*found.get("result", ()), *found.get("specimen", ())):
        target = w.source.resolve(reference)
        if target is not None:
            w.carried(reference)
            (specimens if target["resourceType"] == "Specimen" else results).append(target)
    return results, specimens


def lone(w: Writing, observation: Resource, set_id: int) -> list[Segment]:
    """An Observation outside every report → OBR and OBX; the OBR repeats its code."""
    obr = w.segment("OBR", str(set_id))
    obr.make(4, codings.cwe, w, observation.get("code"))
    obr.put(7, w.time(observation.get("effectiveDateTime")))
    obr.put(25, status(w, "report-status", observation.get("status")))
    return [obr, *observations(w, [observation], obr)]


def _period(w: Writing, obr: Segment, found: Resource) -> None:
    period = found.get("effectivePeriod")
    if period is not None:
        obr.put(7, w.time(period.get("start")))
        obr.put(8, w.time(period.get("end")))


def _section(w: Writing, obr: Segment, section: dict[str, Any]) -> None:
    for coding in section.get("coding", ()):
        code = coding.get("code")
        if code is not None and coding.get("system") == f"{V2}0074" and not obr.has(24):
            known = meaning("diagnostic-section", str(code))
            obr.put(24, derived(str(code), code, coding["system"]))
            if known is not None and coding.get("display") == known.display:
                w.carried(coding["display"])


def _interpreter(w: Writing, obr: Segment, found: Resource) -> None:
    """OBR-32 principal interpreter: NDL, whose person is a subcomponent list."""
    for reference in found.get("resultsInterpreter", ()):
        person = xcn(w, reference)
        if person is not None and not obr.has(32):
            obr.put(32, [_flat(part) for part in person[:7]])


def _flat(component: Any) -> str | None:
    return component if component is None or isinstance(component, str) else component[0]


def status(w: Writing, table: str, stated: Text | None) -> str | None:
    """Status → its code, or the nearest one, which does not count as carried."""
    return _NEAREST.get(stated or "") or w.code(table, stated)


def observations(
    w: Writing, found: Iterable[Resource], obr: Segment | None = None, numbered_from: int = 0
) -> list[Segment]:
    """Observations → OBX with their NTE; components follow under a common sub-id."""
    segments: list[Segment] = []
    count = numbered_from
    for observation in found:
        count += 1
        obx = _obx(w, observation, count)
        _context(w, observation, obr)
        segments.append(obx)
        for component in observation.get("component", ()):
            count += 1
            part = _component(w, component, count, obx)
            segments.append(part)
        segments += notes(w, observation)
    return segments


def _context(w: Writing, observation: Resource, obr: Segment | None) -> None:
    """The visit stands in PV1; OBR-24 implies the category of what follows."""
    w.carried(observation.get("encounter"))
    section = obr.fields[24][0][0] if obr is not None and obr.has(24) else None
    known = meaning("observation-category", str(section))
    for concept in observation.get("category", ()):
        codes = [coding.get("code") for coding in concept.get("coding", ())]
        if known is not None and codes == [known.code]:
            w.carried(concept)


def _obx(w: Writing, observation: Resource, set_id: int) -> Segment:
    obx = w.segment("OBX", str(set_id))
    value(w, obx, observation)
    obx.make(3, codings.cwe, w, observation.get("code"))
    _extensions(w, obx, observation)
    _assessment(w, obx, observation)
    obx.put(11, status(w, "observation-status", observation.get("status")))
    period = observation.get("effectivePeriod", {})
    obx.put(14, w.time(observation.get("effectiveDateTime") or period.get("start")))
    _performers(w, obx, observation)
    obx.make(17, codings.cwe, w, observation.get("method"))
    if "device" in observation:
        obx.make(18, by_number, w, observation["device"], ei, "device")
    obx.make(20, codings.cwe, w, observation.get("bodySite"))
    for identifier in own_first(w, observation.get("identifier", ()))[:1]:
        obx.make(21, ei, w, identifier, "observation")
    return obx


def _extensions(w: Writing, obx: Segment, observation: Resource) -> None:
    """OBX-4 sub-id, OBX-10 nature of the test, OBX-19 time of analysis."""
    for found in observation.get("extension", ()):
        url = found.get("url")
        written = False
        if url == _SUB_ID:
            written = obx.put(4, found.get("valueString"))
        elif url == _ANALYSED:
            written = obx.put(19, w.time(found.get("valueDateTime")))
        elif url == _NATURE:
            concept = found.get("valueCodeableConcept")
            written = obx.put(10, codings.plain(w, concept, "abnormal-nature", "OBX-10"))
        if written:
            w.carried(url)


def _component(w: Writing, component: dict[str, Any], set_id: int, parent: Segment) -> Segment:
    """A component stands as an OBX of its own under the sub-id of its observation."""
    if not parent.has(4):
        parent.put(4, parent.fields[1][0][0])
    obx = w.segment("OBX", str(set_id))
    value(w, obx, component)
    obx.make(3, codings.cwe, w, component.get("code"))
    _assessment(w, obx, component)
    for field in (4, 11, 14):
        for repetition in parent.fields.get(field, ()):
            obx.add(field, repetition)
    return obx


def _assessment(w: Writing, obx: Segment, owner: dict[str, Any]) -> None:
    """OBX-7 reference range and OBX-8 interpretation."""
    for limits in owner.get("referenceRange", ())[:1]:
        obx.put(7, _range(w, limits))
        _same_unit(w, limits, owner.get("valueQuantity", {}))
    for interpretation in owner.get("interpretation", ()):
        obx.put(8, codings.plain(w, interpretation, "interpretation", "OBX-8"))


def _same_unit(w: Writing, limits: dict[str, Any], measured: dict[str, Any]) -> None:
    """OBX-6 is the unit of the value and of its limits."""
    for side in ("low", "high"):
        end = limits.get(side, {})
        for part in ("unit", "system", "code"):
            if part in end and end[part] == measured.get(part):
                w.carried(end[part])


def _range(w: Writing, limits: dict[str, Any]) -> str | None:
    """Reference range as words, else its limits: `45-84`, `>45`, `<84`."""
    low, high = limits.get("low", {}).get("value"), limits.get("high", {}).get("value")
    words: Text | None = limits.get("text")
    ends = [number(end) for end in (low, high) if end is not None]
    if words is None and ends:
        sign = "" if len(ends) == 2 else (">" if low is not None else "<")
        return derived(sign + "-".join(ends), *ends)
    if words is not None and all(end in words for end in ends):
        w.carried(low, high)
    return words


def _performers(w: Writing, obx: Segment, observation: Resource) -> None:
    """OBX-15 the producing house (CE), OBX-23 one with its address, OBX-16 and -25 persons."""
    for reference in observation.get("performer", ()):
        if not is_organization(w, reference):
            further = obx.has(16) and obx.takes(25)
            obx.make(25 if further else 16, xcn, w, reference)
            continue
        target = w.source.resolve(reference)
        if target is not None and "address" in target:
            if obx.make(23, xon, w, reference):
                obx.make(24, xad, w, target["address"][0])
        elif not obx.has(15):
            obx.add(15, _producer(w, reference))
        else:
            obx.make(23, xon, w, reference)


def _producer(w: Writing, reference: dict[str, Any]) -> Repetition:
    """House → CE."""
    name, identifier = house(w, reference)
    system: Text | None = (identifier or {}).get("system")
    if system is not None and system == f"{w.namespace}/organization":
        w.carried(system)
        system = None
    shown = codings.system_name(w, system) if system is not None else None
    return ((identifier or {}).get("value"), name, shown)
