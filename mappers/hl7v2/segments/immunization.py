"""RXA in a vaccination message, with ORC and RXR → Immunization (HL7 v2.5 chapter 4.14.7, 4.17).

What the observations of the vaccination say of funding, information given, doses and reactions
is an element of the Immunization besides (`vaccination_facts`).
"""

from __future__ import annotations

from typing import Any

from mappers.base import Key
from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.units import measured
from mappers.hl7v2.segments import rxr
from mappers.hl7v2.segments.pharmacy_order import Order, behind, group_numbers, identifiers
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.segments.rxa import add_notes, locations, performers, set_status
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment, leaf
from mappers.trace import Value

#: CVX code of "no vaccine administered".
_NO_VACCINE = "998"
#: Order number that says there is none, and amount that says it is not known (CDC guide).
_NO_NUMBER, _NO_AMOUNT = "9999", "999"
#: NIP001: an entry made by who administered it; every other code is of history.
_NEW = "00"
DELETE = '""'
_UNKNOWN = {
    "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
    "valueCode": "unknown",
}

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "ORC-4": ("Immunization.identifier",),
    "ORC-9": ("Immunization.recorded",),
    "RXA-22": ("Immunization.recorded",),
}


def immunization(session: Session, order: Order, segment: Segment) -> Draft | None:
    """Read RXA of a vaccination."""
    patient = session.patient
    if patient is None:
        return None
    draft = _named(session, order, segment, patient)
    resource = draft.resource
    set_status(session, segment, draft, "immunization-status")
    if segment.first(5) == _NO_VACCINE and not segment.has(20) and not segment.has(21):
        resource["status"] = "not-done"
    behind(session, order.orc, draft)
    resource["patient"] = reference(patient)
    if session.encounter is not None:
        resource["encounter"] = reference(session.encounter)
    apply_rows(session, segment, table("rxa_immunization"), draft)
    resource.setdefault("vaccineCode", {"extension": [dict(_UNKNOWN)]})
    if "occurrenceDateTime" not in resource:
        resource["occurrenceString"] = "unknown"
    elif segment.first(4) == segment.first(3):
        session.echoes.append(segment.first(4))
    _amount(session, segment, resource)
    _source(session, segment, draft)
    for person in performers(session, order, segment):
        session.append(draft, "performer", person)
    for place in locations(session, segment)[:1]:
        resource["location"] = place
    _route(session, order, draft)
    _ordered(session, order, draft)
    return draft


def _named(session: Session, order: Order, segment: Segment, patient: Draft) -> Draft:
    """Name it by the number of who administered, else of who ordered, else by what and when."""
    said = identifiers(session, order.orc)
    numbers = [number for number in said if number["value"] != _NO_NUMBER]
    if len(numbers) < len(said):
        session.ignored.append((said, "9999: there is no number"))
    code = str(segment.first(5) or segment.component(5, 2) or "")
    when = str(segment.first(3) or "")
    if numbers:
        first = numbers[-1]
        place = ("Immunization", str(first["system"]), str(first["value"]))
        known = session.counts.setdefault((*place, code, when), session.counts.get(place, 0))
        session.counts[place] = max(session.counts.get(place, 0), known + 1)
        value = f"{place[2]}|{code}|{when}" if known else place[2]
        draft = session.draft("Immunization", Key("Immunization", place[1], value))
    else:
        draft = session.natural("Immunization", patient.id, code, when)
    for number in numbers:
        session.append(draft, "identifier", number)
    return draft


def _amount(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    """RXA-6 and RXA-7; 999 says that the amount is not known."""
    stated = segment.first(6)
    if stated == _NO_AMOUNT:
        session.ignored.append((stated, "999: the amount is not known"))
        return
    dose = measured(session, stated, segment.repetitions(7))
    if dose is not None:
        resource["doseQuantity"] = dose


def _source(session: Session, segment: Segment, draft: Draft) -> None:
    """RXA-9: who knows of it; words alone are a note."""
    for repetition in segment.repetitions(9):
        code = leaf(repetition, 1)
        if code is None:
            continue
        draft.resource["primarySource"] = Value(code == _NEW, code.source)
        origin = concept(session, repetition)
        if origin is not None:
            draft.resource["reportOrigin"] = origin
        return
    add_notes(session, segment, draft)


def _route(session: Session, order: Order, draft: Draft) -> None:
    """RXR → route and site."""
    for segment in order.around:
        if segment.name != "RXR":
            continue
        for element, value in (
            ("route", rxr.route(session, segment)),
            ("site", rxr.site(session, segment)),
        ):
            if value is not None:
                session.say(draft, element, value)


def _ordered(session: Session, order: Order, draft: Draft) -> None:
    """ORC-4 numbers of the group, ORC-9 when it was recorded."""
    orc = order.orc
    if orc is None:
        return
    recorded = session.date_time(orc.first(9))
    if recorded is not None:
        session.say(draft, "recorded", recorded)
    if (stated := orc.first(5)) is not None:
        session.ignored.append((stated, "status of the order: the vaccination has its own"))
    for repetition in orc.repetitions(4):
        for number in group_numbers(session, repetition):
            session.append(draft, "identifier", number)
