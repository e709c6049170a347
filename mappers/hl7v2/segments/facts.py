"""Segments that state facts FHIR has no resource for → Observation with one component per field.

ACC accident, DB1 disability, PDA death and autopsy, DRG, UB1/UB2, GP1/GP2 and IN3: the names of the
components are the standard's names of the fields (`facts/<segment>.csv`: field, name, datatype).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache
from itertools import compress
from typing import Any, NamedTuple

from mappers.codes import rows
from mappers.hl7v2.datatypes import converters
from mappers.hl7v2.datatypes.money import amount_of
from mappers.hl7v2.reader import Handler, Reader
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import PACKAGE, Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf, leaves_of
from mappers.trace import derived

#: Datatype of a fact → element of the component's value.
_VALUES = {
    "CWE": "valueCodeableConcept",
    "DTM": "valueDateTime",
    "NM": "valueQuantity",
    "CP": "valueQuantity",
    "DR": "valuePeriod",
    "boolean": "valueBoolean",
    "ST": "valueString",
}
#: Segment → what the Observation is called, and the field that names one among several.
_TITLES = {
    "ACC": ("Accident", 1),
    "DB1": ("Disability", 3),
    "PD1": ("Patient additional demographics", 0),
    "DRG": ("Diagnosis related group", 1),
    "GP1": ("Grouping and reimbursement of the visit", 0),
    "GP2": ("Grouping and reimbursement of a procedure", 1),
    "IN3": ("Certification of insurance", 2),
    "PDA": ("Patient death and autopsy", 0),
    "UB1": ("UB82 billing data", 0),
    "UB2": ("UB92 billing data", 0),
    "GOL": ("Goal details", 4),
    "PRB": ("Problem details", 4),
    "PTH": ("Pathway details", 3),
    "VAR": ("Variance", 1),
    "AUT": ("Authorization", 6),
}
#: Segment with a resource of its own → what the Observation of the rest is called.
_DETAILS = {
    "DG1": "Diagnosis details",
    "GT1": "Guarantor details",
    "IN1": "Insurance details",
    "IN2": "Insurance additional details",
    "NK1": "Next of kin details",
    "PID": "Patient details",
    "PR1": "Procedure details",
    "PV1": "Visit details",
    "PV2": "Visit additional details",
}
Convert = Callable[[Session, Repetition], Any]


class Fact(NamedTuple):
    """One field that becomes a component."""

    field: int
    name: str
    element: str
    convert: Convert


def _string(_session: Session, repetition: Repetition) -> Any:
    parts = leaves_of(repetition)
    return derived(" ".join(parts), *parts) if parts else None


def _number(session: Session, repetition: Repetition) -> Any:
    stated = leaf(repetition, 1)
    value = converters.quantity(session, stated) if stated is not None else None
    return {"value": value} if value is not None else None


def _period(session: Session, repetition: Repetition) -> Any:
    sides = (("start", leaf(repetition, 1)), ("end", leaf(repetition, 2)))
    return {k: when for k, v in sides if (when := session.date_time(v)) is not None} or None


_OWN: dict[str, Convert] = {"ST": _string, "NM": _number, "CP": amount_of, "DR": _period}


@cache
def _facts(name: str) -> tuple[Fact, ...]:
    found = []
    for row in rows(PACKAGE, "facts", name.lower()):
        datatype, _, argument = row["datatype"].partition(" ")
        convert = _OWN.get(datatype) or converters.converter(datatype, argument, 0)
        found.append(Fact(int(row["field"]), row["name"], _VALUES[datatype], convert))
    return tuple(found)


def facts(reader: Reader, segment: Segment) -> None:
    """Read one such segment into an Observation of the visit, else of the patient."""
    session = reader.session
    parent = session.encounter or session.patient
    found = components(session, segment)
    if parent is None or session.patient is None or not found:
        return
    title, naming = _TITLES[segment.name]
    draft = session.natural("Observation", parent.id, segment.name, _naming(segment, naming))
    resource = draft.resource
    resource["status"] = "final"
    resource["code"] = {"text": title}
    resource["subject"] = reference(session.patient)
    if session.encounter is not None:
        resource["encounter"] = reference(session.encounter)
    for component in found:
        session.append(draft, "component", component)
    reader.made(draft)


def about(
    session: Session, segment: Segment, draft: Draft | None, said: Collection[int] = ()
) -> None:
    """Read the fields no element of `draft` takes, nor `said`, into an Observation about it."""
    if draft is None or session.patient is None:
        return
    raw, numbers = segment.raw, _numbers(segment.name)
    if numbers[0] >= len(raw) or not any(compress(raw, _chosen(segment.name))):
        return
    found = components(session, segment, said)
    if not found:
        return
    made = session.natural("Observation", draft.id, segment.name)
    resource = made.resource
    resource["status"] = "final"
    resource["code"] = {"text": _DETAILS[segment.name]}
    resource["subject"] = reference(session.patient)
    if draft is not session.patient and draft is not session.encounter:
        resource["focus"] = [reference(draft)]
    if session.encounter is not None and draft is not session.patient:
        resource["encounter"] = reference(session.encounter)
    for component in found:
        session.append(made, "component", component)


@cache
def _chosen(name: str) -> tuple[bool, ...]:
    """For each field of a segment, whether it is one of these."""
    numbers = _numbers(name)
    return tuple(number in numbers for number in range(numbers[-1] + 1))


@cache
def _numbers(name: str) -> tuple[int, ...]:
    return tuple(sorted({fact.field for fact in _facts(name)}))


def _naming(segment: Segment, field: int) -> str:
    """What tells one such segment from the next."""
    return str(segment.first(field) or "") if field else ""


def components(
    session: Session, segment: Segment, said: Collection[int] = ()
) -> list[dict[str, Any]]:
    """Return one component per field of the segment's table that says something."""
    found = []
    for fact in _facts(segment.name):
        for repetition in segment.repetitions(fact.field) if fact.field not in said else ():
            value = fact.convert(session, repetition)
            if value is not None and value != '""':
                found.append({"code": {"text": fact.name}, fact.element: value})
            if fact.convert is amount_of and (terms := leaves_of(repetition[2:])):
                code = {"text": f"{fact.name}, terms"}
                found.append({"code": code, "valueString": derived(" ".join(terms), *terms)})
    return found


#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = dict.fromkeys(
    _TITLES,
    ("Observation.status", "Observation.code", "Observation.subject", "Observation.component"),
)
READERS: dict[str, Handler] = dict.fromkeys(_TITLES, facts)
