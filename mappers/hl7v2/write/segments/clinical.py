"""Condition, Procedure, AllergyIntolerance → DG1, PR1, AL1.

HL7 v2.5 chapter 6.5.2, 6.5.4 and 3.4.6.
"""

from __future__ import annotations

from typing import Any

from mappers.base import Resource
from mappers.hl7v2.session import V2
from mappers.hl7v2.write.datatypes import codings
from mappers.hl7v2.write.datatypes.identifiers import ei, own_first
from mappers.hl7v2.write.datatypes.parties import xcn
from mappers.hl7v2.write.er7 import Repetition, Segment
from mappers.hl7v2.write.rows import fill, number
from mappers.hl7v2.write.writing import Writing, meaning
from mappers.trace import Text, derived, text

_ALTERNATE = "http://hl7.org/fhir/StructureDefinition/alternate-codes"
_CERTAINTY = "http://fhir.de/StructureDefinition/icd-10-gm-diagnosesicherheit"
_ENCOUNTER_DIAGNOSIS = "encounter-diagnosis"
#: Function of a performer (SNOMED CT) → PR1 field.
_PERFORMERS = {"88189002": 8, "304292004": 11}
_SNOMED = "http://snomed.info/sct"


def dg1(w: Writing, conditions: list[Resource], visit: Resource | None) -> list[Segment]:
    """Conditions → DG1, with their role and rank in the visit."""
    segments: list[Segment] = []
    count = 0
    for condition in conditions:
        segment = w.segment("DG1", str(count + 1))
        if not segment.make(3, codings.cwe, w, condition.get("code")):
            continue
        fill(w, segment, "dg1_condition", condition)
        _number(w, segment, 20, condition)
        _verification(segment, condition)
        _role(w, segment, condition, visit)
        _context(w, condition, visit)
        segments += [segment, *_certainty(w, segment, condition)]
        count += 1
    return segments


def _certainty(w: Writing, segment: Segment, condition: Resource) -> list[Segment]:
    """Diagnosesicherheit → the field the partner keeps it in; the standard has none."""
    name, _, field = w.dialect.outgoing.diagnosis_certainty.partition("-")
    for coding in condition.get("code", {}).get("coding", ()) if name else ():
        found = codings.extension(coding, _CERTAINTY) or {}
        stated = found.get("valueCoding", {})
        if "code" not in stated:
            continue
        letter = derived(stated["code"], stated["code"], stated.get("system"), found["url"])
        if name == segment.name:
            segment.put(int(field), letter)
            return []
        own = w.segment(name, segment.first(1) if field != "1" else None)
        own.put(int(field), letter)
        return [own]
    return []


def _number(w: Writing, segment: Segment, field: int, resource: Resource) -> None:
    kind = str(resource["resourceType"]).lower()
    known = own_first(w, resource.get("identifier", ()))
    if known:
        segment.make(field, ei, w, known[0], kind)


def _context(w: Writing, resource: Resource, visit: Resource | None) -> None:
    """Standing beside PV1 a statement belongs to the visit."""
    if visit is None or w.source.resolve(resource.get("encounter")) is not visit:
        return
    w.carried(resource["encounter"])
    categories = resource.get("category", ())
    for concept in categories if isinstance(categories, list) else ():
        codes = [str(coding.get("code")) for coding in concept.get("coding", ())]
        if codes == [_ENCOUNTER_DIAGNOSIS]:
            w.carried(concept)


def _verification(segment: Segment, condition: Resource) -> None:
    for coding in condition.get("verificationStatus", {}).get("coding", ()):
        if coding.get("code") == "entered-in-error":
            segment.put(21, derived("D", *coding.values()))
        elif coding.get("code") == "provisional":
            segment.put(6, derived("W", *coding.values()))


def _role(w: Writing, segment: Segment, condition: Resource, visit: Resource | None) -> None:
    for stated in (visit or {}).get("diagnosis", ()):
        if w.source.resolve(stated.get("condition")) is not condition:
            continue
        w.carried(stated["condition"])
        use = codings.plain(w, stated.get("use"), "diagnosis-role", "DG1-6", f"{V2}0052")
        if segment.has(6) and use == "W":
            w.carried(use)
        elif use is not None:
            segment.put(6, use)
        if "rank" in stated:
            segment.put(15, number(stated["rank"]))
        return


def pr1(w: Writing, procedures: list[Resource], visit: Resource | None) -> list[Segment]:
    """Procedures → PR1."""
    segments: list[Segment] = []
    for procedure in procedures:
        segment = w.segment("PR1", str(len(segments) + 1))
        if not segment.make(3, codings.cwe, w, procedure.get("code")):
            continue
        fill(w, segment, "pr1_procedure", procedure)
        if not segment.has(5):
            segment.put(5, w.time(procedure.get("performedPeriod", {}).get("start")))
        for performer in procedure.get("performer", ()):
            _performer(w, segment, performer)
        _number(w, segment, 19, procedure)
        status = procedure.get("status")
        if status == "entered-in-error":
            segment.put(20, text("D", status.source))
        elif status == "completed":
            w.carried(status)
        _context(w, procedure, visit)
        segments.append(segment)
    return segments


def _performer(w: Writing, segment: Segment, performer: dict[str, Any]) -> None:
    field = 12
    for coding in performer.get("function", {}).get("coding", ()):
        if coding.get("system") == _SNOMED:
            field = _PERFORMERS.get(str(coding.get("code")), 12)
            if field != 12:
                w.carried(coding)
    segment.make(field, xcn, w, performer.get("actor"))


def al1(w: Writing, allergies: list[Resource]) -> list[Segment]:
    """AllergyIntolerances → AL1."""
    segments: list[Segment] = []
    for allergy in allergies:
        segment = w.segment("AL1", str(len(segments) + 1))
        if not segment.make(3, codings.cwe, w, allergy.get("code")):
            continue
        segment.add(2, _kind(w, allergy))
        _reaction(w, segment, allergy)
        fill(w, segment, "al1_allergyintolerance", allergy)
        for coding in allergy.get("clinicalStatus", {}).get("coding", ()):
            if coding.get("code") == "active":
                w.carried(coding)
        segments.append(segment)
    return segments


def _kind(w: Writing, allergy: Resource) -> Repetition | None:
    """AL1-2 from category and type, or as the sender wrote it."""
    kind, categories = allergy.get("type"), allergy.get("category", ())
    stated = [*allergy.get("_category", ()), allergy.get("_type")]
    for holder in stated:
        original = codings.extension(holder or {}, _ALTERNATE)
        if original is not None:
            w.carried(original["url"], kind, *categories)
            return codings.cwe(w, original.get("valueCodeableConcept"))
    code: Text | None = w.code("allergy-category", categories[0]) if categories else None
    if code is not None:
        _implied(w, kind, code)
        return (code,)
    return (text("MA", kind.source),) if kind == "allergy" else None


def _implied(w: Writing, kind: Text | None, code: str) -> None:
    known = meaning("allergy-type", code)
    if kind is not None and known is not None and known.code == kind:
        w.carried(kind)


def _reaction(w: Writing, segment: Segment, allergy: Resource) -> None:
    """AL1-5 first reaction, AL1-4 its severity, or the criticality where none is known."""
    reactions = allergy.get("reaction", ())
    if not reactions:
        segment.add(4, _severity(w, allergy, "criticality"))
        return
    shown = [words for m in reactions[0].get("manifestation", ()) if (words := codings.words(w, m))]
    for words in shown:
        segment.put(5, words)
    segment.add(4, _severity(w, reactions[0], "severity"))


def _severity(w: Writing, owner: dict[str, Any], element: str) -> Repetition | None:
    original = codings.extension(owner.get(f"_{element}", {}), _ALTERNATE)
    if original is not None:
        w.carried(original["url"], owner.get(element))
        return codings.cwe(w, original.get("valueCodeableConcept"))
    code = w.code(f"allergy-{element}", owner.get(element))
    return (code,) if code is not None else None
