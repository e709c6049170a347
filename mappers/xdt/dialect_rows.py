"""What a dialect has carried beside the standard's mapping: its own rows, and what nobody maps.

A row takes a field, named by its Feldkennung ("9999") or by member and Feldkennung ("GDT 9999"), to
an element of the first resource of its type. `Basic` is made for the record the field stands in;
with `unmapped = "basic"` it also holds every field no mapping takes
(https://hl7.org/fhir/R4/basic.html).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Any

from mappers.dialect import Row
from mappers.drafts import Draft
from mappers.placing import placing
from mappers.trace import Text, collect
from mappers.xdt.account import account
from mappers.xdt.datatypes import clean
from mappers.xdt.message import Message
from mappers.xdt.session import Session

SATZART = "urn:region-gateway:xdt:8000"
FIELD = "https://region-gateway.example/fhir/StructureDefinition/xdt-field"
_BASIC = "Basic"
_LISTS = frozenset({"identifier", "telecom", "address", "note", "category", "extension"})
#: What a record of a device or a laboratory is about, rather than its patient.
_ABOUT = ("DiagnosticReport", "ServiceRequest", "CommunicationRequest")
_RECORDS_OF_ONE_THING = frozenset({"GDT", "LDT"})


def carry(session: Session, message: Message, origin: dict[str, Any]) -> None:
    """Carry what the dialect names; `origin` is the Provenance of the translation."""
    dialect, basics = session.dialect, _Basics(session, message)
    for row in dialect.rows:
        _apply(session, message, basics, row)
    if dialect.unmapped == "basic":
        _rest(session, message, basics, origin)


class _Basics:
    """The Basic of each record, made when asked for."""

    def __init__(self, session: Session, message: Message) -> None:
        self.session = session
        self.records = message.records
        self.lines = [record.line for record in message.records]
        #: By record; what is of no patient nobody could protect, so it has none.
        self.made: dict[int, Draft | None] = {}

    def of(self, line: int) -> Draft | None:
        """Return the Basic of the record a line stands in; None where it is of no patient."""
        number = bisect_right(self.lines, line) - 1
        if number not in self.made:
            patients = [one.id for one in self.session.patients if one.id]
            self.made[number] = self._begin(number, patients[0]) if patients else None
        return self.made[number]

    def _begin(self, number: int, patient: str) -> Draft:
        session, satzart = self.session, self.records[number].name
        about = patient
        if session.member.name in _RECORDS_OF_ONE_THING:
            begun = (session.begun[kind].id for kind in _ABOUT if kind in session.begun)
            about = next(begun, patient)
        place = (about, _BASIC, satzart)
        count = session.counts[place] = session.counts.get(place, 0) + 1
        draft = session.natural(_BASIC, about, satzart, count)
        draft.subject = patient
        draft.resource["code"] = {"coding": [{"system": SATZART, "code": satzart}]}
        draft.resource["subject"] = {"reference": f"Patient/{patient}"}
        return draft


def _apply(session: Session, message: Message, basics: _Basics, row: Row) -> None:
    member, _, fk = row.source.rpartition(" ")
    if member not in ("", session.member.name):
        return
    convert = _CONVERTERS.get(row.datatype)
    if convert is None:
        session.issue("not-supported", "xDT has no such datatype for a row", row.source)
        return
    value_name, make = convert
    target = f"extension({row.url}).{value_name}" if row.url else row.element
    put, _, _ = placing(f"{target}[]" if target in _LISTS else target)
    first = next((one for one in session.drafts.values() if one.type == row.resource), None)
    for leaf in _of_field(message, fk):
        draft = basics.of(_line(leaf)) if row.resource == _BASIC else first
        value = make(session, fk, clean(leaf)) if draft is not None else None
        if value is not None and draft is not None:
            put(draft.resource, value, {})


def _of_field(message: Message, fk: str) -> Iterator[Text]:
    return (leaf for leaf in message.leaves if message.fks[_line(leaf)] == fk)


def _line(leaf: Text) -> int:
    """The line of a content as it stands in the message."""
    return leaf.source if isinstance(leaf.source, int) else leaf.source[0]


def _rest(session: Session, message: Message, basics: _Basics, origin: dict[str, Any]) -> None:
    """Every content no mapping takes → an extension of its record's Basic: place and text."""
    seen: set[int] = set()
    collect([*(draft.resource for draft in session.drafts.values()), origin], seen)
    left = {path for path, _ in account(session, message, seen).unmapped}
    for leaf in message.leaves if left else ():
        line = _line(leaf)
        draft = basics.of(line) if message.path(line) in left else None
        if draft is not None:
            field = f"{session.member.name} {message.fks[line]}"
            parts = [{"url": "field", "valueString": field}, {"url": "value", "valueString": leaf}]
            draft.resource.setdefault("extension", []).append({"url": FIELD, "extension": parts})


def _identifier(session: Session, fk: str, leaf: Text) -> dict[str, Any]:
    system = session.dialect.systems.get(fk) or f"{session.namespace}/{fk}"
    return {"system": system, "value": leaf}


#: Datatype of a row → name of the value in an extension, and what makes the value.
_CONVERTERS: dict[str, tuple[str, Callable[[Session, str, Text], Any]]] = {
    "ST": ("valueString", lambda _session, _fk, leaf: leaf),
    "ID": ("valueCode", lambda _session, _fk, leaf: leaf),
    "CWE": ("valueCodeableConcept", lambda _session, _fk, leaf: {"text": leaf}),
    "CX": ("valueIdentifier", _identifier),
    "DT": ("valueDate", lambda session, _fk, leaf: session.day(leaf)),
    "DTM": ("valueDateTime", lambda session, _fk, leaf: session.when(leaf)),
    "XTN": ("valueContactPoint", lambda _session, _fk, leaf: {"system": "phone", "value": leaf}),
}
