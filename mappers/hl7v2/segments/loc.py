"""LOC, LCH, LRL, LDP and LCC → Location, HealthcareService (HL7 v2.5 chapter 8.9).

A place is named as other messages name it in PL; which house runs it the sender says of its own.
"""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.parties import organization, places
from mappers.hl7v2.reader import Reader
from mappers.hl7v2.segments import mfe
from mappers.hl7v2.segments.pid import first_text, reference
from mappers.hl7v2.session import V2, Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf
from mappers.trace import text

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "LOC-1": ("Location.identifier", "Location.physicalType", "Location.partOf"),
    "LOC-7": ("Location.identifier",),
    "LCH-4": ("Location.type",),
    "LCH-5": ("Location.type",),
    "LRL-5": ("Location.managingOrganization",),
    "LRL-6": ("Location.partOf",),
    "LDP": ("HealthcareService.location",),
    "LDP-2": ("HealthcareService.name",),
    "LDP-6": ("HealthcareService.active",),
    "LDP-7": ("HealthcareService.notAvailable",),
    "LDP-8": ("HealthcareService.notAvailable",),
    "LDP-9": ("HealthcareService.notAvailable",),
    "LDP-10": ("HealthcareService.availableTime",),
    "LCC-2": ("HealthcareService.category",),
    "LCC-3": ("HealthcareService.program",),
    "LCC-4": ("HealthcareService.program",),
}


def place(reader: Reader, segment: Segment) -> None:
    """LOC → the smallest place of LOC-1."""
    session = reader.session
    draft = _place(session, segment, 1)
    if draft is None:
        return
    apply_rows(session, segment, table("loc_location"), draft)
    for repetition in segment.repetitions(7):
        number = leaf(repetition, 1)
        if number is not None and number != '""':
            system = f"{session.namespace}/location/licence"
            session.append(draft, "identifier", {"system": system, "value": number})
    active = mfe.activity(reader, None)
    if active is not None:
        status = "active" if active.value else "inactive"
        draft.resource["status"] = text(status, active.source)
    mfe.is_record(reader, draft)
    reader.made(draft)


def _place(session: Session, segment: Segment, field: int) -> Draft | None:
    for repetition in segment.repetitions(field):
        found = places(session, repetition)
        if found:
            return session.drafts.get(found[0][0]["reference"].partition("/")[2])
    return None


def characteristic(reader: Reader, segment: Segment) -> None:
    """LCH → Location.type: a characteristic, its value as text."""
    session, draft = reader.session, reader.now.get("Location")
    session.echoes.append(segment.repetitions(1))
    for repetition in segment.repetitions(4) if draft is not None else ():
        kind = concept(session, repetition, default=V2 + "0324")
        if kind is None or draft is None:
            continue
        for value in segment.repetitions(5):
            said = leaf(value, 2) or leaf(value, 1)
            if said is not None:
                kind = {**kind, "text": said}
        session.append(draft, "type", kind)
    reader.before = None


def relationship(reader: Reader, segment: Segment) -> None:
    """LRL → the house that runs the place (LRL-5) and the place it belongs to (LRL-6)."""
    session, draft = reader.session, reader.now.get("Location")
    if draft is None:
        return
    session.echoes.append(segment.repetitions(1))
    for repetition in segment.repetitions(5):
        house = organization(session, repetition)
        if house is not None:
            session.say(draft, "managingOrganization", house)
    for repetition in segment.repetitions(6):
        for above, _ in places(session, repetition)[:1]:
            session.say(draft, "partOf", {"reference": above["reference"]})
    kind = segment.first(4)
    if kind is not None:
        session.ignored.append((segment.repetitions(4), "the field used tells the relationship"))
    reader.before = None


def department(reader: Reader, segment: Segment) -> None:
    """LDP → HealthcareService of a department at the place."""
    session, where = reader.session, reader.now.get("Location")
    code = first_text(segment, 2)
    if where is None or code is None:
        return
    session.echoes.append(segment.repetitions(1))
    draft = session.natural("HealthcareService", where.id, code, subject=False)
    resource = draft.resource
    resource["name"] = segment.component(2, 2) or code
    resource["location"] = [reference(where)]
    apply_rows(session, segment, table("ldp_healthcareservice"), draft)
    active = mfe.activity(reader, segment.first(6))
    if active is not None:
        resource["active"] = active
    _out_of_use(session, segment, resource)
    for repetition in segment.repetitions(10):
        _visiting(session, repetition, resource)
    reader.made(draft)


def _out_of_use(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    """LDP-7 to -9: open from, closed from, and why."""
    opened, closed = session.date_time(segment.first(7)), session.date_time(segment.first(8))
    why = segment.first(9)
    for side, when, words in (("end", opened, None), ("start", closed, why)):
        if when is not None:
            said = words or ("closed" if side == "start" else "not yet open")
            stated = {"description": said, "during": {side: when}}
            resource.setdefault("notAvailable", []).append(stated)


def _visiting(session: Session, repetition: Repetition, resource: dict[str, Any]) -> None:
    """VH: from one day of the week to another, between two times."""
    days = []
    for number in (1, 2):
        stated = leaf(repetition, number)
        found = session.lookup("week-day", stated) if stated is not None else None
        if stated is not None and found is not None:
            days.append(text(found.code, stated.source))
    made: dict[str, Any] = {}
    if days:
        made["daysOfWeek"] = _between(days)
    for number, element in ((3, "availableStartTime"), (4, "availableEndTime")):
        stated = leaf(repetition, number)
        if (
            stated is not None
            and stated.isdecimal()
            and len(stated) <= 10
            and len(stated) in (4, 6)
        ):
            clock = f"{stated[:2]}:{stated[2:4]}:{stated[4:] or '00'}"
            if clock < "24" and clock[3] < "6" and clock[6] < "6":
                made[element] = text(clock, stated.source)
    if made:
        resource.setdefault("availableTime", []).append(made)


_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _between(days: list[Any]) -> list[Any]:
    """Every day from the first to the last, over the end of the week where they say so."""
    if len(days) < 2 or days[0] == days[1]:
        return days[:1]
    first, last = _WEEK.index(days[0]), _WEEK.index(days[1])
    count = (last - first) % 7 + 1
    inner = [_WEEK[(first + step) % 7] for step in range(1, count - 1)]
    return [days[0], *inner, days[1]]


def charges(reader: Reader, segment: Segment) -> None:
    """LCC → what is charged for lodging in the department: HealthcareService.program."""
    session, where = reader.session, reader.now.get("Location")
    code = first_text(segment, 2)
    if where is None or code is None:
        return
    session.echoes.append(segment.repetitions(1))
    draft = session.natural("HealthcareService", where.id, code, subject=False)
    session.echoes.append(code)
    draft.resource.setdefault("name", segment.component(2, 2) or code)
    draft.resource["location"] = [reference(where)]
    for field, system in ((3, "0129"), (4, "0132")):
        for repetition in segment.repetitions(field):
            found = concept(session, repetition, default=V2 + system)
            if found is not None:
                session.append(draft, "program", found)
    reader.made(draft)
