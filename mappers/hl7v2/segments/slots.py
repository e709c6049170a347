"""SIU^S23 and S24: time blocked or opened in a schedule → Slot and Schedule (chapter 10.4.12, .13).

Such a message is about no patient's appointment. The Schedule is that of SCH-5, else one of its
own; its actors are the resources the message names.
"""

from __future__ import annotations

from typing import Any

from mappers.base import Key
from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.identifiers import ei
from mappers.hl7v2.segments import appointed, sch
from mappers.hl7v2.session import ALTERNATE_CODES, V2, Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment

#: Event → status of the slot.
EVENTS = {"S23": "busy-unavailable", "S24": "free"}
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
#: What is said of the time of an appointment, and a Slot has no element for.
_OF_APPOINTMENTS = (
    *("minutesDuration", "extension", "patientInstruction", "priority", "requestedPeriod"),
)

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "SCH-1": ("Slot.identifier",),
    "SCH-2": ("Slot.identifier",),
    "SCH-5": ("Slot.schedule",),
    "SCH-8": ("Slot.appointmentType",),
    "SCH-11": ("Slot.start", "Slot.end"),
    "AIS-3": ("Slot.serviceType",),
    "AIG-3": ("Schedule.actor",),
    "AIL-3": ("Schedule.actor",),
    "AIP-3": ("Schedule.actor",),
    "NTE-3": ("Slot.comment",),
}


def present(session: Session) -> Draft | None:
    """The slot of this message."""
    return sch.present(session, "Slot") if session.event in EVENTS else None


def slot(session: Session, segment: Segment) -> Draft:
    """SCH of S23 or S24 → Slot."""
    numbers = []
    for field, kind in ((1, "PLAC"), (2, "FILL")):
        coding = {"system": V2 + "0203", "code": kind}
        found = [ei(session, repetition, "slot") for repetition in segment.repetitions(field)]
        numbers += [{"type": {"coding": [coding]}, **one} for one in found if one is not None]
    draft = _named(session, segment, numbers)
    if "schedule" not in draft.resource:
        schedule = _schedule(session, segment, draft)
        draft.resource["schedule"] = {"reference": f"Schedule/{schedule.id}"}
    draft.resource["status"] = EVENTS[session.event]
    for repetition in segment.repetitions(25):
        stated = concept(session, repetition, default=V2 + "0278")
        extension = {"url": ALTERNATE_CODES, "valueCodeableConcept": stated}
        draft.resource["_status"] = {"extension": [extension]}
    appointed.timing(session, segment, draft)
    for repetition in segment.repetitions(8):
        sch.kind(session, repetition, draft)
    return draft


def _named(session: Session, segment: Segment, numbers: list[dict[str, Any]]) -> Draft:
    if numbers:
        keys = [Key("Slot", str(one["system"]), str(one["value"])) for one in numbers]
        draft = session.draft("Slot", *keys, subject=False)
        draft.resource["identifier"] = numbers
        return draft
    named = str(segment.first(5) or "")
    return session.natural("Slot", named, *appointed.naming(segment), subject=False)


def _schedule(session: Session, segment: Segment, draft: Draft) -> Draft:
    for repetition in segment.repetitions(5):
        named = sch.schedule(session, repetition)
        if named is not None:
            system, value = named["identifier"]["system"], named["identifier"]["value"]
            made = session.draft("Schedule", Key("Schedule", system, value), subject=False)
            made.resource["identifier"] = [named["identifier"]]
            if named["display"] is not value:
                made.resource["comment"] = named["display"]
            return made
    return session.natural("Schedule", draft.id, subject=False)


def taken(session: Session, draft: Draft, actors: list[dict[str, Any]]) -> None:
    """What the slot is a slot of."""
    schedule = session.drafts[draft.resource["schedule"]["reference"].partition("/")[2]]
    for actor in actors:
        session.append(schedule, "actor", actor)


def settle(session: Session, draft: Draft) -> None:
    """Start and end are required; length and priority are those of an appointment only."""
    appointed.settle(session, draft)
    resource = draft.resource
    for element in _OF_APPOINTMENTS:
        resource.pop(element, None)
    schedule = session.drafts[resource["schedule"]["reference"].partition("/")[2]]
    unknown = {"extension": [{"url": _ABSENT, "valueCode": "unknown"}], "display": "unknown"}
    if "actor" not in schedule.resource:
        schedule.resource["actor"] = [unknown]
        schedule.weak += ("actor",)
