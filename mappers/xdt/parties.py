"""Doctors and practices: 0212 LANR, 0201 BSNR, 8990 initials, 8491 name of a doctor."""

from __future__ import annotations

from typing import Any

from mappers.base import Key
from mappers.drafts import Draft
from mappers.trace import Text
from mappers.uris import V2
from mappers.xdt.datatypes import clean
from mappers.xdt.group import Group
from mappers.xdt.patient import reference
from mappers.xdt.recalled import recalled
from mappers.xdt.session import Session

LANR = "https://fhir.kbv.de/NamingSystem/KBV_NS_Base_ANR"
BSNR = "https://fhir.kbv.de/NamingSystem/KBV_NS_Base_BSNR"


def _typed(code: str) -> dict[str, Any]:
    return {"coding": [{"system": V2 + "0203", "code": code}]}


def practitioner(
    session: Session, number: Text | None, initials: Text | None, name: Text | None = None
) -> Draft | None:
    """A doctor by LANR, initials or name → Practitioner in the sender's namespace."""
    identifiers: list[dict[str, Any]] = []
    if number is not None:
        identifiers.append({"type": _typed("LANR"), "system": LANR, "value": clean(number)})
    if initials is not None:
        system = f"{session.namespace}/signature"
        identifiers.append({"system": system, "value": clean(initials)})
    if not identifiers and name is None:
        return None
    named = f"{identifiers[0]['system']}|{identifiers[0]['value']}" if identifiers else str(name)
    key = Key("Practitioner", f"{session.namespace}/key/Practitioner", named)
    draft = session.draft("Practitioner", key, subject=False)
    for identifier in identifiers:
        session.append(draft, "identifier", identifier)
    if name is not None:
        session.append(draft, "name", {"text": clean(name)})
    return draft


def practice(session: Session, number: Text, name: Text | None = None) -> Draft:
    """A practice by its BSNR → Organization in the sender's namespace."""
    key = Key("Organization", f"{session.namespace}/key/Organization", clean(number))
    draft = session.draft("Organization", key, subject=False)
    identifier = {"type": _typed("BSNR"), "system": BSNR, "value": clean(number)}
    session.append(draft, "identifier", identifier)
    if name is not None:
        session.say(draft, "name", clean(name))
    return draft


def doctor(session: Session, group: Group) -> dict[str, Any] | None:
    """0212 and 8990, with the practice 0201 → Reference to whoever is answerable."""
    leaves = (group.first("0212"), group.first("8990"), group.first("0201"))
    if leaves == _NOBODY:
        return None
    found: dict[str, Any] | None = recalled(session, _doctor, leaves)
    return {**found} if found is not None else None


_NOBODY = (None, None, None)


def _doctor(
    session: Session, lanr: Text | None, initials: Text | None, number: Text | None
) -> dict[str, Any] | None:
    found = practitioner(session, lanr, initials)
    house = practice(session, number) if number is not None else None
    if found is None:
        return reference(house) if house is not None else None
    who: dict[str, Any] = reference(found)
    if initials is not None:
        who["display"] = clean(initials)
    if house is None:
        return who
    role = session.natural("PractitionerRole", found.id, house.id, subject=False)
    role.resource["practitioner"] = who
    role.resource["organization"] = reference(house)
    return {**reference(role), **({"display": who["display"]} if initials is not None else {})}
