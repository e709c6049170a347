"""PRT within an order or result → its people, houses, places and devices (v2.7 chapter 7.3.4)."""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.contacts import xad
from mappers.hl7v2.datatypes.identifiers import ei
from mappers.hl7v2.datatypes.parties import organization, places, practitioner
from mappers.hl7v2.segments import practice
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import V2, Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment

_LOCATION = "http://hl7.org/fhir/StructureDefinition/event-location"
#: Resource → role of table 0912 → element; "" for every other role.
_ELEMENTS: dict[str, dict[str, str]] = {
    "ServiceRequest": {"OP": "requester", "OS": "requester", "": "performer"},
    "DiagnosticReport": {"PRI": "resultsInterpreter", "ARI": "resultsInterpreter", "": "performer"},
    "Observation": {"": "performer"},
    "Specimen": {"": "collection.collector"},
    "MedicationRequest": {"OP": "requester", "OS": "requester", "": "supportingInformation"},
    "MedicationDispense": {"": "performer.actor"},
    "MedicationAdministration": {"": "performer.actor"},
    "Immunization": {"": "performer.actor"},
}
#: Resource → element that lists places of its own, and element that names the one place.
_PLACES = {
    "ServiceRequest": "locationReference",
    "MedicationRequest": "supportingInformation",
    "MedicationAdministration": "supportingInformation",
}
_PLACE = frozenset({"Immunization", "MedicationDispense", "Procedure"})
#: Resource → element that lists devices.
_DEVICES = {
    "ServiceRequest": "performer",
    "MedicationRequest": "supportingInformation",
    "MedicationAdministration": "device",
}
#: Resources that may have the extension for a place.
_WITH_LOCATION = frozenset({"Observation", "DiagnosticReport"})
_DELETED = "D"
_ORDERING = frozenset({"OP", "OS"})
_COLLECTING = "SC"

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "PRT-5": (
        "Observation.performer",
        "DiagnosticReport.performer",
        "DiagnosticReport.resultsInterpreter",
        "ServiceRequest.requester",
        "ServiceRequest.performer",
        "Specimen.collection.collector",
    ),
    "PRT-8": ("Observation.performer", "DiagnosticReport.performer"),
    "PRT-9": ("Observation.extension", "ServiceRequest.locationReference"),
    "PRT-10": ("Device.identifier", "Device.udiCarrier", "Observation.device"),
    "PRT-14": ("Observation.extension",),
    "PRT-16": ("Device.udiCarrier",),
    "PRT-20": ("Device.serialNumber",),
}


def participation(
    session: Session, segment: Segment, present: dict[str, Draft], about: Draft | None
) -> None:
    """PRT after ORC, OBR, OBX or SPM; `about` is what stands before it."""
    if segment.first(2) == _DELETED:
        said = [segment.repetitions(field) for field in range(1, len(segment.raw))]
        session.ignored.append((said, "takes a participation away: none is stated"))
        return
    role = str(segment.first(4) or "")
    target = present.get("ServiceRequest") if role in _ORDERING else about
    target = target or about or present.get("DiagnosticReport")
    if role == _COLLECTING:
        target = present.get("Specimen") or target
    if target is None:
        return
    for actor in _actors(session, segment):
        _take(session, target, segment, actor)
    _device(session, segment, target)
    _places(session, segment, target)


def _actors(session: Session, segment: Segment) -> list[dict[str, Any]]:
    """The role where the segment says more than who; else the people, else the houses."""
    held = practice.details(session, segment)
    if held is not None:
        return [{"reference": f"PractitionerRole/{held.id}"}]
    people = [practitioner(session, repetition) for repetition in segment.repetitions(5)]
    houses = [organization(session, repetition) for repetition in segment.repetitions(8)]
    return [one for one in (*people, *houses) if one is not None]


def _take(session: Session, target: Draft, segment: Segment, actor: dict[str, Any]) -> None:
    role = str(segment.first(4) or "")
    elements = _ELEMENTS.get(target.resource["resourceType"])
    if elements is None:
        return
    element = elements.get(role) or elements[""]
    if element == "requester":
        session.say(target, element, actor)
    elif element == "performer.actor":
        _perform(session, target, segment, actor)
    elif element == "collection.collector":
        if not str(actor.get("reference", "")).startswith("Organization"):
            target.resource.setdefault("collection", {}).setdefault("collector", actor)
    else:
        session.append(target, element, actor)


def _perform(session: Session, target: Draft, segment: Segment, actor: dict[str, Any]) -> None:
    """A performer with what it did, by the code of PRT-4."""
    functions = (concept(session, r, default=V2 + "0443") for r in segment.repetitions(4))
    function = next((one for one in functions if one is not None), None)
    is_house = str(actor.get("reference", "")).startswith("Organization/")
    if is_house and target.resource["resourceType"] == "MedicationAdministration":
        session.append(target, "supportingInformation", actor)
        return
    made = {"function": function, "actor": actor} if function is not None else {"actor": actor}
    session.append(target, "performer", made)


def equipment(session: Session, segment: Segment) -> Draft | None:
    """PRT-10 and -16 to -22 → Device."""
    number = next((ei(session, r, "device") for r in segment.repetitions(10)), None)
    named = segment.first(16) or segment.first(20)
    if number is None and named is None:
        return None
    parts = (number["system"], number["value"]) if number is not None else (named,)
    device = session.natural("Device", *parts, subject=False)
    apply_rows(session, segment, table("prt_device"), device)
    return device


def _device(session: Session, segment: Segment, target: Draft) -> None:
    """An Observation says that it was measured with the device."""
    device = equipment(session, segment)
    if device is None:
        return
    kind = target.resource["resourceType"]
    if kind == "Observation":
        session.say(target, "device", reference(device))
    elif kind in _DEVICES:
        session.append(target, _DEVICES[kind], reference(device))


def _places(session: Session, segment: Segment, target: Draft) -> None:
    """PRT-9 and PRT-14: where it happened."""
    found = [place for r in segment.repetitions(9) for place, _ in places(session, r)[:1]]
    if not found and not segment.has(5) and segment.has(14):
        found += _addressed(session, segment)
    for place in found:
        kind = target.resource["resourceType"]
        if kind in _PLACES:
            session.append(target, _PLACES[kind], place)
        elif kind in _PLACE and "location" not in target.resource:
            target.resource["location"] = place
        elif kind in _WITH_LOCATION:
            session.append(target, "extension", {"url": _LOCATION, "valueReference": place})


def _addressed(session: Session, segment: Segment) -> list[dict[str, Any]]:
    """PRT-14 without a person: a place that is known by its address."""
    found = []
    for repetition in segment.repetitions(14):
        address = xad(session, repetition)
        if address is not None:
            shown = " ".join(
                str(one) for one in (*address.get("line", ()), address.get("city", ""))
            )
            draft = session.natural("Location", "address", shown, subject=False)
            session.say(draft, "address", address)
            found.append(reference(draft))
    return found
