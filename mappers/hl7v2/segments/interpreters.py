"""OBR-32 to OBR-35 → who read, did and wrote down a report (HL7 v2.5 chapter 7.4.1, 2.A.47).

The type is NDL: a person (CNN), since and until when, and where.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mappers.hl7v2.datatypes.parties import places, practitioner
from mappers.hl7v2.datatypes.periods import ordered
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf
from mappers.trace import Text

_FUNCTION = "http://hl7.org/fhir/StructureDefinition/event-performerFunction"
_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
#: Components of NDL in the order of PL: point of care, room, bed, facility, status, type,
#: building, floor.
_PLACE = (4, 5, 6, 7, 8, 9, 10, 11)


class _Field(NamedTuple):
    number: int
    element: str
    #: What somebody does, of the participation types; empty: the element says it.
    function: str


_FIELDS = (
    _Field(32, "resultsInterpreter", ""),
    _Field(33, "resultsInterpreter", ""),
    _Field(34, "performer", "SPRF"),
    _Field(35, "performer", "TRANS"),
)

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    f"OBR-{field.number}": (
        f"DiagnosticReport.{field.element}",
        "PractitionerRole.practitioner",
        "PractitionerRole.period",
        "PractitionerRole.location",
    )
    for field in _FIELDS
}


def interpreters(session: Session, obr: Segment, report: Draft) -> None:
    """Say whose work a report is."""
    for field in _FIELDS:
        for repetition in obr.repetitions(field.number):
            stated = _reference(session, repetition, report)
            if stated is None:
                continue
            if field.function:
                coding = {"system": _PARTICIPATION, "code": field.function}
                function = {"url": _FUNCTION, "valueCodeableConcept": {"coding": [coding]}}
                stated = {"extension": [function], **stated}
            session.append(report, field.element, stated)


def asked(session: Session, obr: Segment, order: Draft) -> None:
    """Name with an order who is to read, do and write down its result."""
    for field in _FIELDS:
        for repetition in obr.repetitions(field.number):
            stated = _reference(session, repetition, order)
            if stated is not None:
                session.append(order, "performer", stated)


def _reference(session: Session, repetition: Repetition, report: Draft) -> dict[str, Any] | None:
    """The person, or the person's role where NDL also says when or where."""
    person = practitioner(session, person_of(repetition))
    if person is None:
        return None
    sides = (("start", leaf(repetition, 2)), ("end", leaf(repetition, 3)))
    period = {k: when for k, v in sides if (when := session.date_time(v)) is not None}
    place = _location(session, repetition)
    if type(repetition[1]) is not list or not (period or place):
        return person
    identity = str(person["reference"]).partition("/")[2]
    role = session.natural("PractitionerRole", identity, report.id, subject=False)
    session.say(role, "practitioner", person)
    if period:
        session.say(role, "period", ordered(session, period))
    if place is not None:
        session.append(role, "location", place)
    stated: dict[str, Any] = {"reference": f"PractitionerRole/{role.id}"}
    return {**stated, "display": str(person["display"])} if "display" in person else stated


def _location(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    parts = [repetition[n] if n < len(repetition) else None for n in _PLACE]
    if not any(parts):
        return None
    care, room, bed, facility, status, kind, building, floor = parts
    shifted: Repetition = [None, care, room, bed, facility, status, kind, building, floor]
    return next((place for place, _ in places(session, shifted)), None)


def person_of(repetition: Repetition) -> Repetition:
    """NDL.1 is a CNN whose parts are subcomponents: shift them into an XCN."""
    first = repetition[1] if len(repetition) > 1 else None
    if type(first) is not list:
        # Senders also write an XCN here; one leaf alone is a number.
        return repetition[:8] if any(_is_name(part) for part in repetition[2:4]) else [None, first]
    parts: list[Text | None] = [*first, *([None] * (11 - len(first)))]
    shifted: Repetition = [None, *parts[:7]]
    authority: list[Text | None] = parts[8:11]
    return [*shifted, parts[7], authority if any(authority) else None]


def _is_name(part: Any) -> bool:
    """Tell a name from the time that stands there in an NDL."""
    said = leaf([None, part], 1)
    return said is not None and not said[:1].isdigit()
