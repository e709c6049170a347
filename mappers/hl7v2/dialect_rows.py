"""What a dialect has carried beside the standard's mapping: its own rows, and what nobody maps.

A row takes a field, mostly of a Z segment (HL7 v2.5 chapter 2.11), to an element of a resource of
the message. `Basic` is made for the segment itself, one a segment; with `unmapped = "basic"` it
also holds every field no mapping takes (https://hl7.org/fhir/R4/basic.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mappers.dialect import Row
from mappers.hl7v2.account import account
from mappers.hl7v2.datatypes import converters
from mappers.hl7v2.places import segment_index
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf, sub
from mappers.placing import placing
from mappers.trace import collect

SEGMENT = "https://region-gateway.example/fhir/CodeSystem/hl7v2-segment"
FIELD = "https://region-gateway.example/fhir/StructureDefinition/hl7v2-field"
_BASIC = "Basic"
_LISTS = frozenset({"identifier", "telecom", "address", "note", "category", "extension"})


def carry(session: Session, origin: dict[str, Any]) -> None:
    """Carry what the dialect names; `origin` is the Provenance of the translation."""
    dialect, basics = session.dialect, _Basics(session)
    for row in dialect.rows:
        _apply(session, basics, row)
    if dialect.unmapped == "basic":
        _rest(session, basics, origin)


class _Basics:
    """The Basic of each segment, made when asked for."""

    def __init__(self, session: Session) -> None:
        self.session = session
        #: By segment; what is of no patient nobody could protect, so it has none.
        self.made: dict[int, Draft | None] = {}

    def of(self, segment: Segment) -> Draft | None:
        """Return the Basic of a segment; None where the message names no patient."""
        if segment.index not in self.made:
            patient = patient_of(self.session, segment)
            self.made[segment.index] = self._begin(segment, patient) if patient else None
        return self.made[segment.index]

    def _begin(self, segment: Segment, patient: str) -> Draft:
        session = self.session
        visits = (visit.id for visit in session.encounters if visit.subject == patient)
        place = (next(visits, patient), segment.name, str(segment.first(1) or ""))
        count = session.counts[place] = session.counts.get(place, 0) + 1
        draft = session.natural(_BASIC, *place, count)
        draft.subject = patient
        draft.resource["code"] = {"coding": [{"system": SEGMENT, "code": segment.name}]}
        draft.resource["subject"] = {"reference": f"Patient/{patient}"}
        return draft


def patient_of(session: Session, segment: Segment) -> str:
    """Return the id of the patient whose group a segment stands in; empty where there is none."""
    patients = [one.id for one in session.patients if one.id]
    groups = [one.index for one in session.message.segments if one.name == "PID"]
    before = sum(index <= segment.index for index in groups)
    if not patients:
        return ""
    return patients[min(max(before, 1), len(patients)) - 1]


def _apply(session: Session, basics: _Basics, row: Row) -> None:
    name, _, place = row.source.partition("-")
    field, _, component = place.partition(".")
    if not field.isdigit():
        return
    convert = converters.converter(row.datatype, "", int(field))
    element = f"{row.element}[]" if row.element in _LISTS else row.element
    put, _, _ = placing(converters.extension_target(row) if row.url else element)
    for segment in session.message.all(name):
        draft = basics.of(segment) if row.resource == _BASIC else _target(session, row, segment)
        for repetition in segment.repetitions(int(field)) if draft is not None else ():
            chosen = _chosen(repetition, component)
            value = convert(session, chosen) if chosen is not None else None
            if value is not None and draft is not None:
                put(draft.resource, value, {})


def _target(session: Session, row: Row, segment: Segment) -> Draft | None:
    """The first resource of the row's type, of the segment's patient where there are several."""
    drafts = [d for d in session.drafts.values() if d.type == row.resource]
    if len(session.patients) > 1:
        patient = patient_of(session, segment)
        drafts = [d for d in drafts if patient in {d.id, d.subject}] or drafts
    return drafts[0] if drafts else None


def _chosen(repetition: Repetition, component: str) -> Repetition | None:
    if not component:
        return repetition
    first, _, second = component.partition(".")
    found = sub(repetition, int(first), int(second)) if second else leaf(repetition, int(first))
    return [None, found] if found is not None else None


def _rest(session: Session, basics: _Basics, origin: dict[str, Any]) -> None:
    """Every leaf no mapping takes → an extension of its segment's Basic: its place and its text."""
    seen: set[int] = set()
    collect([*(draft.resource for draft in session.drafts.values()), origin], seen)
    left = {path for path, _ in account(session, seen).unmapped}
    for segment, path, value in _leaves(session):
        draft = basics.of(segment) if path in left else None
        if draft is not None:
            parts = [{"url": "field", "valueString": path}, {"url": "value", "valueString": value}]
            draft.resource.setdefault("extension", []).append({"url": FIELD, "extension": parts})


def _leaves(session: Session) -> Iterator[tuple[Segment, str, Any]]:
    message = session.message
    for found in message.split_all():
        source: int = found.source  # type: ignore[assignment]  # a leaf's source is one int
        yield message.segments[segment_index(source)], message.path(source), found
