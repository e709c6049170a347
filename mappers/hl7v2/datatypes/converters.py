"""The datatype maps rows may name: "XPN", "CX", "CWE", "DTM", …"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from typing import Any

from mappers.base import Key
from mappers.codes import table
from mappers.dialect import Row as DialectRow
from mappers.hl7v2.datatypes import (
    codings,
    contacts,
    devices,
    houses,
    identifiers,
    names,
    parties,
    places,
)
from mappers.hl7v2.datatypes.annotations import coded_note
from mappers.hl7v2.session import ALTERNATE_CODES, PACKAGE, V2, Session
from mappers.hl7v2.tokenizer import Repetition, leaf, sub
from mappers.trace import Text, Value, text
from profiles.reading import read_json
from profiles.reading.decimals import decimal_from_literal

Convert = Callable[[Session, Repetition], Any]
DELETE = '""'
_RESPONSIBLE = {"system": V2 + "0443", "code": "RO", "display": "Responsible Observer"}
_BCP_47 = "urn:ietf:bcp:47"
_NUMBER = re.compile(r"-?\d{1,64}(\.\d{1,64})?([eE][+-]?\d{1,3})?")


def converter(datatype: str, argument: str, field: int) -> Convert:
    """Return the map of a datatype; raises KeyError for an unknown name."""
    del field
    return _MAKERS[datatype](argument)


def _text(_argument: str) -> Convert:
    def convert(_session: Session, repetition: Repetition) -> Text | None:
        found = leaf(repetition, 1)
        return None if found == DELETE else found

    return convert


def _house_name(_session: Session, repetition: Repetition) -> Text | None:
    """XON → its name, else its number (table XON[string])."""
    found = leaf(repetition, 1) or leaf(repetition, 10)
    return None if found == DELETE else found


def _code(argument: str) -> Convert:
    return lambda session, repetition: session.code(argument, leaf(repetition, 1))


def _concept(argument: str) -> Convert:
    name, _, default = argument.partition(" ")
    if ":" in name:
        name, default = "", name
    return lambda session, rep: codings.concept(session, rep, name, default=default)


def _beside(argument: str) -> Convert:
    """A coded field as the sender writes it, where it is more than a code of the table."""
    name, _, default = argument.partition(" ")

    def convert(session: Session, repetition: Repetition) -> dict[str, Any] | None:
        code = leaf(repetition, 1)
        if code == DELETE or (len(repetition) < 3 and code and session.lookup(name, code)):
            return None
        return codings.concept(session, repetition, default=default)

    return convert


def _language(argument: str) -> Convert:
    return lambda session, repetition: _spoken(session, repetition, argument)


def _spoken(session: Session, repetition: Repetition, table: str) -> dict[str, Any] | None:
    """A language has a code of BCP 47 (the binding of languages): else it is undetermined."""
    found = codings.concept(session, repetition, table)
    if found is None or any(one.get("system") == _BCP_47 for one in found.get("coding", ())):
        return found
    unknown = {"system": _BCP_47, "code": "und"}
    return {**found, "coding": [*found.get("coding", ()), unknown]}


def _coding(argument: str) -> Convert:
    def convert(session: Session, repetition: Repetition) -> dict[str, Any] | None:
        if leaf(repetition, 1) in (None, DELETE):
            return None
        made = codings.coding(session, repetition, default=argument)
        whole = codings.concept(session, repetition) if len(repetition) > 4 else None
        if whole is not None:
            made["extension"] = [{"url": ALTERNATE_CODES, "valueCodeableConcept": whole}]
        return made

    return convert


def _boolean(_argument: str) -> Convert:
    def convert(session: Session, repetition: Repetition) -> Value | None:
        found = session.code("yes-no", leaf(repetition, 1))
        return Value(found == "true", found.source) if isinstance(found, Text) else None

    return convert


def _positive(_argument: str) -> Convert:
    def convert(session: Session, repetition: Repetition) -> Value | None:
        found = leaf(repetition, 1)
        if found is None or found == DELETE:
            return None
        if not (found.isdecimal() and len(found) <= 10) or not 0 < int(found) < 2**31:
            session.issue("value", "not a positive whole number", found, "102")
            return None
        return Value(int(found), found.source)

    return convert


def quantity(session: Session, number: Text) -> Value | None:
    """NM → decimal, its digits kept; an invalid one becomes an issue and None."""
    literal = number.removeprefix("+").replace(",", ".", 1)
    if literal.startswith("."):
        literal = f"0{literal}"
    literal = literal.rstrip(".")
    if _NUMBER.fullmatch(literal) is None:
        session.issue("value", "not a number", number, "102")
        return None
    return Value(decimal_from_literal(_plain_zeroes(literal)), number.source)


def _plain_zeroes(literal: str) -> str:
    """JSON knows no leading zeros."""
    if "1" <= literal[:1] <= "9":
        return literal
    sign = "-" if literal.startswith("-") else ""
    digits = literal.removeprefix("-").lstrip("0")
    return sign + (digits if digits and digits[0] not in ".eE" else f"0{digits}")


def _days(_argument: str) -> Convert:
    def convert(session: Session, repetition: Repetition) -> dict[str, Any] | None:
        found = leaf(repetition, 1)
        value = quantity(session, found) if found is not None else None
        if value is None:
            return None
        return {"value": value, "unit": "days", "system": "http://unitsofmeasure.org", "code": "d"}

    return convert


def _observer(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """XCN → Reference to the role of the person who answers for a result (table OBX)."""
    person = parties.practitioner(session, repetition)
    if person is None:
        return None
    identity = str(person["reference"]).partition("/")[2]
    draft = session.natural("PractitionerRole", identity, "RO", subject=False)
    session.say(draft, "practitioner", person)
    if "code" not in draft.resource:
        draft.resource["code"] = [{"coding": [dict(_RESPONSIBLE)]}]
    return {**person, "reference": f"PractitionerRole/{draft.id}"}


def _episode(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """CX → Reference to an EpisodeOfCare of this message."""
    identifier = identifiers.cx(session, repetition, "episode")
    if identifier is None or session.patient is None:
        return None
    key = Key("EpisodeOfCare", str(identifier["system"]), str(identifier["value"]))
    draft = session.draft("EpisodeOfCare", key)
    session.append(draft, "identifier", identifier)
    draft.resource.setdefault("status", "active")
    draft.resource["patient"] = {"reference": f"Patient/{session.patient.id}"}
    draft.weak = ("status",)
    number = {"system": identifier["system"], "value": identifier["value"]}
    return {"reference": f"EpisodeOfCare/{draft.id}", "identifier": number}


def _typed(argument: str) -> Convert:
    """CX → Identifier; `argument` names the kind of number and its type where the CX has none."""
    kind, code = argument.split(" ")
    coding = {"system": V2 + "0203", "code": code}
    if display := table(PACKAGE, "identifier-type")[code].display:
        coding["display"] = display
    usual = {"coding": [coding]}

    def convert(session: Session, repetition: Repetition) -> dict[str, Any] | None:
        found = identifiers.cx(session, repetition, kind)
        return {"type": usual, **found} if found is not None else None

    return convert


def _social(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """ST or CX → Identifier: a number of social insurance, outside the US of type SB."""
    identifier = identifiers.cx(session, repetition, "social-security")
    if identifier is None:
        return None
    return {"type": {"coding": [{"system": V2 + "0203", "code": "SB"}]}, **identifier}


def _narrative(_session: Session, repetition: Repetition) -> dict[str, Any] | None:
    words = leaf(repetition, 1)
    if words is None:
        return None
    div = f'<div xmlns="http://www.w3.org/1999/xhtml">{escape(words)}</div>'
    return {"status": "additional", "div": text(div, words.source)}


def _fixed(argument: str) -> Convert:
    """A constant the row states where the field is valued: a word, or JSON."""
    constant = read_json(argument.encode()) if argument[:1] in ("{", "[") else argument
    return lambda _session, _repetition: constant


def extension_target(row: DialectRow) -> str:
    """Target text of a dialect's extension row."""
    return f"extension({row.url}).{_VALUE_NAMES.get(row.datatype, 'valueString')}"


_VALUE_NAMES = {
    "CWE": "valueCodeableConcept",
    "CX": "valueIdentifier",
    "DTM": "valueDateTime",
    "DT": "valueDate",
    "ID": "valueCode",
    "XTN": "valueContactPoint",
    "XAD": "valueAddress",
    "boolean": "valueBoolean",
}

_MAKERS: dict[str, Callable[[str], Convert]] = {
    "ST": _text,
    "ID": _code,
    "CWE": _concept,
    "Beside": _beside,
    "language": _language,
    "Coding": _coding,
    "CX": lambda kind: lambda s, r: identifiers.cx(s, r, kind or "patient"),
    "Typed": _typed,
    "EI": lambda kind: lambda s, r: identifiers.ei(s, r, kind),
    "DLN": lambda _: identifiers.dln,
    "PLN": lambda _: identifiers.pln,
    "XPN": lambda use: lambda s, r: names.xpn(s, r, use),
    "XAD": lambda _: contacts.xad,
    "XTN": lambda use: lambda s, r: contacts.xtn(s, r, use),
    "XTN.other": lambda use: lambda s, r: contacts.other_number(s, r, use),
    "XCN": lambda _: parties.practitioner,
    "XON.name": lambda _: _house_name,
    "Observer": lambda _: _observer,
    "XON": lambda _: houses.organization,
    "DTM": lambda _: lambda s, r: s.date_time(leaf(r, 1)),
    "DT": lambda _: lambda s, r: s.date(leaf(r, 1)),
    "instant": lambda _: lambda s, r: s.instant(leaf(r, 1)),
    "boolean": _boolean,
    "positive": _positive,
    "days": _days,
    "name": lambda _: names.name_text,
    "family": lambda _: lambda _s, r: sub(r, 1, 1),
    "Text": lambda _: lambda _s, r: {"text": t} if (t := leaf(r, 1)) else None,
    "Place": lambda _: places.coded_place,
    "Organization": lambda _: houses.coded_organization,
    "House": lambda _: houses.house,
    "TQ6": lambda _: lambda s, r: s.code("order-priority", leaf(r, 6)),
    "Device": lambda _: devices.device,
    "Issuer": lambda _: devices.issuer,
    "Episode": lambda _: _episode,
    "Social": lambda _: _social,
    "Narrative": lambda _: _narrative,
    "Fixed": _fixed,
    "Annotation": lambda _: lambda _s, r: {"text": t} if (t := leaf(r, 1)) else None,
    "Note": lambda _: coded_note,
}
