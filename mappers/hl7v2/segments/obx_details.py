"""OBX beyond code, value and status: who measured it, of what, and why it is missing.

HL7 v2.5 chapter 7.4.2, v2.8 for OBX-26 to -33.
"""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.converters import quantity
from mappers.hl7v2.datatypes.devices import device
from mappers.hl7v2.datatypes.parties import organization_at, practitioner
from mappers.hl7v2.segments import facts
from mappers.hl7v2.segments.requester import role
from mappers.hl7v2.segments.spm import by_number
from mappers.hl7v2.session import V2, Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment, leaf
from mappers.trace import Text, derived, text

_GATEWAY = "http://hl7.org/fhir/StructureDefinition/observation-gatewayDevice"
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
SUB_ID = "http://hl7.org/fhir/StructureDefinition/observation-v2-subid"
_SPECIMEN = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Observation.specimen"
_DIRECTOR = {"coding": [{"system": V2 + "0912", "code": "MDIR"}]}
#: Component of OG → part of the extension for sub-ids and its element.
_PARTS = (
    (1, "original-sub-identifier", "valueString"),
    (2, "group", "valueDecimal"),
    (3, "sequence", "valueDecimal"),
    (4, "identifier", "valueString"),
)

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "OBX-18": ("Observation.device", "Device.identifier"),
    "OBX-23": ("Observation.performer", "Organization.name"),
    "OBX-24": ("Observation.performer", "Organization.address"),
    "OBX-25": ("Observation.performer", "PractitionerRole.code"),
    "OBX-32": ("Observation.dataAbsentReason",),
    "OBX-33": ("Observation.specimen", "Observation.extension"),
}


def performers(session: Session, segment: Segment, draft: Draft) -> None:
    """OBX-23 to -25: the laboratory that measured, and who leads it."""
    if len(segment.raw) < 19:
        return
    devices(session, segment, draft)
    house = organization_at(session, segment.repetitions(23), segment.repetitions(24), [])
    director = None
    for repetition in segment.repetitions(25)[:1]:
        director = practitioner(session, repetition)
    if house is not None and director is not None:
        stated = role(session, director, house)
        session.append(session.drafts[stated["reference"].partition("/")[2]], "code", _DIRECTOR)
        session.append(draft, "performer", stated)
    for one in (house, director):
        if one is not None:
            session.append(draft, "performer", one)


def devices(session: Session, segment: Segment, draft: Draft) -> None:
    """OBX-18 beyond the first: the devices the result came through."""
    for repetition in segment.repetitions(18)[1:]:
        found = device(session, repetition)
        if found is not None and found != draft.resource.get("device"):
            session.append(draft, "extension", {"url": _GATEWAY, "valueReference": found})


def sub_id(session: Session, segment: Segment, draft: Draft, said: list[Text]) -> None:
    """OBX-4 as it is written; the parts of an OG stand by their names."""
    first = segment.repetitions(4)[0]
    parts: list[dict[str, Any]] = []
    for number, name, element in _PARTS if len(first) > 2 else ():
        one = leaf(first, number)
        if one is None or one == '""':
            continue
        value = quantity(session, one) if element == "valueDecimal" else one
        if value is not None:
            parts.append({"url": name, element: value})
    if not parts:
        parts = [{"url": _PARTS[0][1], "valueString": derived(".".join(said), *said)}]
    draft.resource.setdefault("extension", []).append({"url": SUB_ID, "extension": parts})


def absent(session: Session, segment: Segment) -> dict[str, Any]:
    """Why there is no value: OBX-32, else what OBX-11 says of it."""
    for repetition in segment.repetitions(32)[:1]:
        reason = concept(session, repetition)
        if reason is not None:
            return reason
    status = segment.first(11)
    code: str = "unknown"
    if status == "N":
        code = text("not-asked", status.source)
    elif status == "X":
        code = text("not-performed", status.source)
    return {"coding": [{"system": _ABSENT, "code": code}]}


def units_of_text(session: Session, segment: Segment, draft: Draft) -> None:
    """OBX-6 beside words: a string has no unit, it is told as a component."""
    if segment.deletes(6):
        session.deleted += segment.texts(6)
        return
    for repetition in segment.repetitions(6):
        unit = concept(session, repetition)
        if unit is not None:
            component = {"code": {"text": "Units"}, "valueCodeableConcept": unit}
            session.append(draft, "component", component)


def further(session: Session, segment: Segment, draft: Draft) -> None:
    """OBX-9, -12, -13, -22 and -26 to -33, which few messages have."""
    apply_rows(session, segment, table("obx_observation_details"), draft)
    for component in facts.components(session, segment):
        session.append(draft, "component", component)
    if segment.has(32) and segment.has(5):
        # Beside a value R4 has no place for why one is missing (invariant obs-6).
        code = {"text": "Observation Value Absent Reason"}
        for repetition in segment.repetitions(32):
            reason = concept(session, repetition)
            if reason is not None:
                component = {"code": code, "valueCodeableConcept": reason}
                session.append(draft, "component", component)
    specimens = [by_number(session, repetition) for repetition in segment.repetitions(33)]
    found = [one for one in specimens if one is not None]
    if len(found) == 1:
        session.say(draft, "specimen", found[0])
    for one in found if len(found) > 1 else ():
        session.append(draft, "extension", {"url": _SPECIMEN, "valueReference": one})
