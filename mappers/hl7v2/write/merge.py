"""Two records of one person → ADT^A40 (HL7 v2.5 chapter 3.3.40)."""

from __future__ import annotations

from mappers.base import Resource
from mappers.hl7v2.write.datatypes.identifiers import cx, own_first
from mappers.hl7v2.write.datatypes.names import xpn
from mappers.hl7v2.write.er7 import Segment
from mappers.hl7v2.write.plan import Choice, Plan, decisive, merged, refuse
from mappers.hl7v2.write.segments import person
from mappers.hl7v2.write.writing import Writing
from mappers.source import Source


def choose_merge(source: Source) -> Choice | None:
    """Choose A40 when one patient replaces the other; raises NotSupported beside other content.

    Facts about the patients, for which A40 has no segment, are left out.
    """
    gone = merged(source)
    if gone is None:
        return None
    patients = source.of("Patient")
    about = [one for one in source.of("Observation") if _is_fact(source, one, patients)]
    kinds = decisive(source)
    if len(about) == len(source.of("Observation")):
        kinds -= {"Observation"}
    if kinds:
        raise refuse({"Patient merge", *kinds})

    def segments(w: Writing, survivor: Resource) -> list[Segment]:
        return [person.pid(w, survivor), *person.pd1(w, survivor), mrg(w, gone, survivor)]

    def plan(survivor: Resource) -> Plan:
        return Plan("ADT^A40", lambda w: segments(w, survivor), None)

    return plan


def _is_fact(source: Source, observation: Resource, patients: list[Resource]) -> bool:
    """Tell a fact about the person from a finding: no code but words, of no visit or report."""
    subject = source.resolve(observation.get("subject"))
    coded = observation.get("code", {}).get("coding")
    return subject in patients and not coded and "encounter" not in observation


def mrg(w: Writing, gone: Resource, survivor: Resource) -> Segment:
    """The patient replaced → MRG; A40 itself says who replaces whom."""
    segment = w.segment("MRG")
    for identifier in own_first(w, gone.get("identifier", ())):
        segment.make(1, cx, w, identifier)
    for name in gone.get("name", ()):
        segment.make(7, xpn, w, name)
    active = gone.get("active")
    if active is not None and not active.value:
        w.carried(active)
    for patient, kind, other in ((gone, "replaced-by", survivor), (survivor, "replaces", gone)):
        for link in patient.get("link", ()):
            if link.get("type") == kind and w.source.resolve(link.get("other")) is other:
                w.carried(link)
    return segment
