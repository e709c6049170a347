"""What stands before the patients: the practice, its doctors, the software (0010, 0020, besa)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mappers.drafts import Draft
from mappers.trace import Text, text
from mappers.xdt.datatypes import clean
from mappers.xdt.group import Entry, Group
from mappers.xdt.ldt.flat_head import flat_house
from mappers.xdt.ldt.head import CERTIFICATE, sending_device
from mappers.xdt.parties import practitioner
from mappers.xdt.patient import human_name, reference
from mappers.xdt.recalled import recalled_by
from mappers.xdt.session import Session
from mappers.xdt.table_rows import apply_rows, table

_TOWN = re.compile(r"(\d{5})\s+(.*\S)")
_DOCTOR = frozenset({"0211", "0212", "0219", "0220"})
#: Parts of a doctor's name → what a person's fields are called.
_NAME = {"0219": "3104", "0220": "3102", "0211": "3101"}


def practice_of(session: Session, headers: Sequence[Group]) -> Draft | None:
    """Read the headers; return the first house they name."""
    for record in headers:
        _software(session, record)
    lines = session.message.lines
    stated = tuple(
        [(begin, "\n".join(lines[begin:end])) for one in headers for begin, end in one.spans]
    )
    named = recalled_by((_houses, session.namespace, stated), session, _houses, headers)
    return session.drafts[named] if named is not None else None


def _houses(session: Session, headers: Sequence[Group]) -> str | None:
    """Houses and doctors of the headers; returns the id of the first house."""
    first: Draft | None = None
    for record in headers:
        plain = Group(record.name, record.line)
        plain.entries = [
            one for fk, leaf in record.entries if fk not in _DOCTOR for one in _apart(fk, leaf)
        ]
        house = flat_house(session, plain)
        if house is None:
            continue
        first = first or house
        apply_rows(session, plain, table("bdt", "practice", "Organization"), house.resource)
        for doctor in record.sections("0212", within=_DOCTOR):
            _doctor(session, doctor, house)
    _sender(session, headers, first)
    return first.id if first is not None else None


def _apart(fk: str, leaf: Text) -> list[Entry]:
    """0206 holds postcode and city (xBDT, KVDT: 0215 and 0216)."""
    match = _TOWN.fullmatch(leaf.strip()) if fk == "0206" else None
    if match is None:
        return [(fk, leaf)]
    return [("0215", text(match[1], leaf.source)), ("0216", text(match[2], leaf.source))]


def _software(session: Session, record: Group) -> None:
    """0101 (KVDT: 0105): the number KBV gave the software."""
    number = record.first("0101") or record.first("0105")
    device = sending_device(session)
    if number is not None and device is not None:
        session.append(device, "identifier", {"system": CERTIFICATE, "value": clean(number)})


def _sender(session: Session, headers: Sequence[Group], house: Draft | None) -> None:
    """9100: the number of who made the medium, mostly the practice itself."""
    numbers = [leaf for record in headers for leaf in record.all("9100")]
    if house is None:
        session.ignored.append((numbers, "number of a sender nothing else is said of"))
        return
    known = house.resource.get("identifier", [])
    for leaf in numbers:
        if any(one["value"] == leaf.strip() for one in known):
            session.echoes.append(leaf)
        else:
            value = {"system": f"{session.namespace}/sender", "value": clean(leaf)}
            session.append(house, "identifier", value)


def _doctor(session: Session, stated: Group, house: Draft) -> None:
    """0212 with title, given and family name → Practitioner in the practice."""
    who = practitioner(session, stated.first("0212"), None)
    if who is None:
        return
    named = Group("", 0)
    named.entries = [(_NAME[fk], leaf) for fk, leaf in stated.entries if fk in _NAME]
    name = human_name(session, named)
    if name is not None:
        session.append(who, "name", name)
    role = session.natural("PractitionerRole", who.id, house.id, subject=False)
    session.say(role, "practitioner", reference(who))
    session.say(role, "organization", reference(house))
