"""What stands before records of LDT 2: 8220 with the laboratory, 8230 with the practice."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from mappers.drafts import Draft
from mappers.trace import Text, derived
from mappers.xdt.datatypes import clean
from mappers.xdt.group import Group
from mappers.xdt.ldt.head import CERTIFICATE, Head, sending_device
from mappers.xdt.ldt.houses import named
from mappers.xdt.parties import practice, practitioner
from mappers.xdt.patient import reference
from mappers.xdt.session import Session
from mappers.xdt.table_rows import apply_rows, table


def flat_head(session: Session, record: Group) -> Head:
    """8220 with the laboratory, 8230 with the practice."""
    is_report = record.name == "8220"
    _software(session, record)
    who = flat_house(session, record)
    made: dict[str, Any] | None = None
    if who is not None:
        made = named(who)
    customer = record.first("8312")
    practice = made if not is_report else None
    if customer is not None and is_report:
        session.scope = f"/{quote(customer.strip(), safe='')}"
        system = f"{session.namespace}/customer"
        role = session.natural("PractitionerRole", "customer", customer, subject=False)
        role.resource["identifier"] = [{"system": system, "value": clean(customer)}]
        role.resource["organization"] = {"display": "Einsender"}
        practice = {**reference(role), "display": derived(customer.strip(), customer)}
    elif customer is not None and who is not None:
        value = {"system": f"{session.namespace}/customer", "value": clean(customer)}
        session.append(who, "identifier", value)
    return Head(made if is_report else None, practice)


def _software(session: Session, record: Group) -> None:
    """0101: the software by the number KBV gave it, where nothing else names it."""
    number = record.first("0101")
    if number is None:
        return
    device = sending_device(session)
    if device is None:
        device = session.natural("Device", "certificate", number, subject=False)
        session.sender = reference(device)
    session.append(device, "identifier", {"system": CERTIFICATE, "value": clean(number)})


def flat_house(session: Session, record: Group) -> Draft | None:
    """0201 to 0216 and 8320 to 8323: the house that sends → Organization."""
    number, name = record.first("0201"), record.first("0203") or record.first("8320")
    other = record.first("8300")
    if number is not None:
        house = practice(session, number)
    elif name is not None or other is not None:
        shown: Text | None = name or other
        house = session.natural("Organization", "name", str(shown).strip(), subject=False)
    else:
        return None
    for fk in ("0203", "8320"):
        for leaf in record.all(fk):
            if house.resource.get("name", leaf.strip()) == leaf.strip():
                session.say(house, "name", clean(leaf))
            else:
                session.append(house, "alias", clean(leaf))
    if other is not None:
        value = {"system": f"{session.namespace}/site", "value": clean(other)}
        session.append(house, "identifier", value)
    _address(session, record, house)
    _doctor(session, record, house)
    return house


def _doctor(session: Session, record: Group, house: Draft) -> None:
    """0212 and 0211: the doctor of the house."""
    groups = [{"text": clean(leaf)} for leaf in record.all("0204")]
    who = practitioner(session, record.first("0212"), None, record.first("0211"))
    if who is None:
        for group in groups:
            session.append(house, "type", group)
        return
    role = session.natural("PractitionerRole", who.id, house.id, subject=False)
    role.resource["practitioner"] = reference(who)
    role.resource["organization"] = reference(house)
    for group in groups:
        session.append(role, "specialty", group)


def _address(session: Session, record: Group, house: Draft) -> None:
    for block in ("practice", "laboratory"):
        made: dict[str, Any] = {}
        apply_rows(session, record, table("ldt", block, "Organization"), made)
        for element, values in made.items():
            for value in values:
                session.append(house, element, value)
