"""When an appointment is: SCH-9 to -11, ARQ-9 to -14 and TQ1 (HL7 v2.5 chapter 10.6, 4.5.4).

Invariants of Appointment: start and end are known both or neither (app-2), and what is neither
proposed, cancelled nor on a waiting list has them (app-3): what is not known says so.
"""

from __future__ import annotations

from typing import Any

from mappers import times
from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.periods import ordered
from mappers.hl7v2.datatypes.spans import minutes, minutes_in_words, moved
from mappers.hl7v2.datatypes.units import units_of
from mappers.hl7v2.session import V2, Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment, leaf
from mappers.trace import Text, Value

_R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.priority"
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_WITHOUT_TIME = frozenset({"proposed", "cancelled", "waitlist"})

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "SCH-9": ("Appointment.minutesDuration",),
    "SCH-10": ("Appointment.minutesDuration",),
    "SCH-11": ("Appointment.start", "Appointment.end"),
    "ARQ-9": ("Appointment.minutesDuration",),
    "ARQ-10": ("Appointment.minutesDuration",),
    "ARQ-11": ("Appointment.requestedPeriod",),
    "ARQ-12": ("Appointment.priority",),
    "TQ1-6": ("Appointment.minutesDuration",),
    "TQ1-7": ("Appointment.start",),
    "TQ1-8": ("Appointment.end",),
    "TQ1-9": ("Appointment.extension",),
    "TQ1-11": ("Appointment.patientInstruction",),
}


def naming(segment: Segment) -> list[str]:
    """What tells two appointments without numbers apart."""
    field = 11
    start = segment.component(field, 4 if segment.name == "SCH" else 1)
    return [str(start or ""), str(segment.first(7) or "")]


def timing(session: Session, segment: Segment, draft: Draft) -> None:
    """How long, and when."""
    lasting = minutes(session, segment.first(9), segment.repetitions(10))
    if lasting is not None and lasting.value > 0:
        draft.resource["minutesDuration"] = lasting
    if segment.name == "SCH":
        _quantity(session, segment, draft)
    else:
        _wishes(session, segment, draft)


def _quantity(session: Session, segment: Segment, draft: Draft) -> None:
    """SCH-11, a TQ: how long, from when, until when, how urgent."""
    for repetition in segment.repetitions(11)[:1]:
        _bounds(session, leaf(repetition, 4), leaf(repetition, 5), draft)
        lasting = minutes_in_words(session, leaf(repetition, 3))
        if lasting is not None and lasting.value > 0:
            session.say(draft, "minutesDuration", lasting)
        urgency = leaf(repetition, 6)
        if urgency is not None and urgency != '""':
            _urgency(draft, {"coding": [{"system": V2 + "0485", "code": urgency}]})


def _bounds(session: Session, first: Text | None, last: Text | None, draft: Draft) -> None:
    for element, stated in (("start", first), ("end", last)):
        when = session.instant(stated) if stated is not None and stated != '""' else None
        if when is not None and when == draft.resource.get(element):
            session.echoes.append(when)
        elif when is not None:
            draft.resource[element] = when


def _urgency(draft: Draft, urgency: dict[str, Any]) -> None:
    """R4 has a number only: the code stands in R5's element; TQ1 comes after SCH-11 and counts."""
    others = [one for one in draft.resource.get("extension", ()) if one["url"] != _R5]
    draft.resource["extension"] = [*others, {"url": _R5, "valueCodeableConcept": urgency}]


def _wishes(session: Session, segment: Segment, draft: Draft) -> None:
    """ARQ-11: when it would suit; ARQ-12: how urgent."""
    for repetition in segment.repetitions(11):
        sides = (("start", leaf(repetition, 1)), ("end", leaf(repetition, 2)))
        period = {k: when for k, v in sides if (when := session.date_time(v)) is not None}
        if period:
            session.append(draft, "requestedPeriod", ordered(session, period))
    urgency = segment.first(12)
    if urgency is not None and urgency.isdecimal() and len(urgency) <= 10 and int(urgency) < 2**31:
        draft.resource["priority"] = Value(int(urgency), urgency.source)
    elif urgency is not None and urgency != '""':
        _urgency(draft, {"text": urgency})


def more(session: Session, segment: Segment, draft: Draft) -> None:
    """TQ1 states the time anew where SCH-11 is out of use."""
    _bounds(session, segment.first(7), segment.first(8), draft)
    for repetition in segment.repetitions(6):
        lasting = minutes(session, leaf(repetition, 1), units_of(repetition, 2))
        if lasting is not None and lasting.value > 0:
            session.say(draft, "minutesDuration", lasting)
    for repetition in segment.repetitions(9):
        urgency = concept(session, repetition, default=V2 + "0485")
        if urgency is not None:
            _urgency(draft, urgency)
    for words in segment.texts(11):
        if words != '""':
            session.say(draft, "patientInstruction", words)


def settle(session: Session, draft: Draft) -> None:
    """Complete what is known of the time, and say what is not."""
    resource = draft.resource
    start, end = resource.get("start"), resource.get("end")
    lasting = resource.get("minutesDuration")
    if start is not None and end is not None and times.is_after(start, end):
        session.issue("value", "the appointment ends before it begins", end, "102")
        del resource["end"]
        end = None
    if lasting is not None and start is not None and end is None:
        resource["end"] = moved(start, lasting)
    elif lasting is not None and end is not None and start is None:
        resource["start"] = moved(end, lasting, -1)
    known = [element for element in ("start", "end") if resource.get(element) is not None]
    if not known and resource["status"] in _WITHOUT_TIME:
        return
    for element in {"start", "end"}.difference(known):
        resource.pop(element, None)
        resource[f"_{element}"] = {"extension": [{"url": _ABSENT, "valueCode": "unknown"}]}
        draft.weak += (element,)
