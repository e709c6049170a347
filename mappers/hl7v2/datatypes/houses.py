"""XON, HD and CWE → Organization (HL7 v2.5 chapter 2.A.87, 2.A.36; annex "Datatypes").

What a message says about houses stays in its sender's namespace: the resource is named by sender
and number, so that no sender can overwrite another's directory entry.
"""

from __future__ import annotations

from typing import Any

from mappers.base import Key
from mappers.hl7v2.datatypes import codings
from mappers.hl7v2.datatypes.contacts import of_house, xad, xtn
from mappers.hl7v2.datatypes.systems import (
    DELETE,
    assigner,
    check_digit,
    hd,
    is_system,
    number_types,
    universal_identifier,
    whole,
)
from mappers.hl7v2.session import Session, Stated
from mappers.hl7v2.tokenizer import Component, Repetition, leaf
from mappers.identity import logical_id
from mappers.trace import Text, derived, text

PHYSICAL_TYPE = "http://terminology.hl7.org/CodeSystem/location-physical-type"
#: Kinds of organization name (table 0204) by which a house is called besides its legal name.
_OTHER_NAMES = frozenset({"A", "D"})


def entry(
    session: Session,
    kind: str,
    identifiers: list[dict[str, Any]],
    shown: str | None,
    elements: dict[str, Any],
    also: tuple[Stated, ...] = (),
) -> Stated:
    """Make an entry of the directory, named by its identifiers or else by its name.

    All of them name it: houses give their name to several systems of numbers, each with an object
    identifier of its own, and an entry whose content alternates would never come to rest.
    """
    first = identifiers[0] if identifiers else None
    named = "|".join([f"{i['system']}|{i['value']}" for i in identifiers]) or f"name|{shown}"
    key = Key(kind, f"{session.namespace}/key/{kind}", named)
    identity = logical_id(session.context.region_key, key)
    reference: dict[str, Any] = {"reference": f"{kind}/{identity}"}
    if first is not None:
        reference["identifier"] = {"system": first["system"], "value": first["value"]}
        elements = {"identifier": identifiers, **elements}
    if shown:
        reference["display"] = shown
    return Stated(key, identity, elements, reference, also)


def organization(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """XON → Reference to an Organization, which becomes a resource of this message."""
    found: Stated | None = session.once(_organization, repetition)
    if found is None:
        return None
    session.state(found)
    return found.reference


def _organization(session: Session, repetition: Repetition) -> Stated | None:
    name = leaf(repetition, 1)
    if name == DELETE:
        return None
    also: tuple[Stated, ...] = ()
    identifiers = []
    number = leaf(repetition, 10) or leaf(repetition, 3)
    if number is not None and number != DELETE:
        identifier, also = _numbered(session, repetition, number)
        identifiers.append(identifier)
    if name is None and not identifiers:
        return None
    elements: dict[str, Any] = {}
    if name is not None:
        elements["name"] = name
        _kind_of_name(name, leaf(repetition, 2), elements)
    return entry(session, "Organization", identifiers, name, elements, also)


def _kind_of_name(name: Text, kind: Text | None, elements: dict[str, Any]) -> None:
    """XON.2: the legal name is the name; an alias or a name for display is also an alias."""
    if kind == "L":
        elements["name"] = derived(name, name, kind)
    elif kind in _OTHER_NAMES:
        elements["alias"] = [derived(name, name, kind)]


def _numbered(
    session: Session, repetition: Repetition, number: Text
) -> tuple[dict[str, Any], tuple[Stated, ...]]:
    """XON.3 to .8 and .10 → Identifier."""
    size = len(repetition)
    authority = repetition[6] if size > 6 else None
    system, known = assigner(session, authority, "organization", None)
    identifier: dict[str, Any] = {}
    if size > 4 and (extensions := check_digit(repetition, 4)):
        identifier["extension"] = extensions
    types = number_types(session, leaf(repetition, 7), known)
    if types:
        identifier["type"] = {"coding": types}
    identifier["system"] = system
    identifier["value"] = number
    facility = repetition[8] if size > 8 else None
    also = assigned_by(session, identifier, authority, facility, at_site=True)
    return identifier, also


def house(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """HD → Reference to an Organization, which becomes a resource of this message."""
    found = house_of(session, repetition)
    if found is None:
        return None
    session.state(found)
    return found.reference


def house_of(session: Session, repetition: Repetition) -> Stated | None:
    """HD → what it states of a house."""
    found: Stated | None = session.once(_whole_house, repetition)
    return found


def _whole_house(session: Session, repetition: Repetition) -> Stated | None:
    return _named_house(session, whole(repetition))


def _named_house(session: Session, component: Component) -> Stated | None:
    parts = hd(component)
    name = parts[0]
    identifiers: list[dict[str, Any]] = []
    if name is not None:
        identifiers.append({"system": f"{session.namespace}/organization", "value": name})
    universal = universal_identifier(session, "organization", parts)
    if universal is not None:
        identifiers.append(universal)
    return entry(session, "Organization", identifiers, name, {}) if identifiers else None


def site(session: Session, component: Component, owner: Stated | None = None) -> Stated | None:
    """HD → what it states of a site: a Location (table HD[Location])."""
    parts = hd(component)
    name = parts[0] or parts[1]
    if name is None:
        return None
    system = f"{session.namespace}/location/facility"
    identifiers: list[dict[str, Any]] = [{"system": system, "value": name}]
    universal = universal_identifier(session, "location", parts)
    if universal is not None:
        identifiers.append(universal)
    key = Key("Location", system, str(name))
    identity = logical_id(session.context.region_key, key)
    made: dict[str, Any] = {"identifier": identifiers, "name": name, "mode": "instance"}
    made["physicalType"] = {"coding": [{"system": PHYSICAL_TYPE, "code": "si"}]}
    if owner is not None:
        made["managingOrganization"] = {"reference": owner.reference["reference"]}
    reference = {
        "reference": f"Location/{identity}",
        "identifier": identifiers[0],
        "display": name,
    }
    return Stated(key, identity, made, reference)


def assigned_by(
    session: Session,
    identifier: dict[str, Any],
    authority: Component,
    facility: Component,
    department: Component = None,
    *,
    at_site: bool = False,
) -> tuple[Stated, ...]:
    """Say who gave a number: the facility where one is named, else the authority.

    Returns their entries. The authority is in the identifier's system in any case; where it is a
    system of numbers known to the gateway, no house is made of it. `at_site`: the facility is also
    a place (XCN.14, XON.8).
    """
    found = [
        session.once(_named_house, component)
        for component in (facility, authority)
        if component is not None and not is_system(session, hd(component))
    ]
    if not any(found) and department is not None:
        found.append(_department(session, department))
    known = tuple(one for one in found if one is not None)
    if known:
        identifier["assigner"] = known[0].reference
    place = site(session, facility, found[0]) if at_site and facility is not None else None
    return known if place is None else (*known, place)


def _department(session: Session, component: Component) -> Stated | None:
    """CWE inside a component → what it states of a house."""
    parts: list[Any] = component if type(component) is list else [component]
    return _coded_house(session, [None, *parts])


def coded_organization(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """IS or CWE naming a house → Reference to an Organization of this message."""
    found: Stated | None = session.once(_coded_house, repetition)
    if found is None:
        return None
    session.state(found)
    return found.reference


def _coded_house(session: Session, repetition: Repetition) -> Stated | None:
    code = codings.plain(repetition)
    if code is None:
        return None
    system: str = f"{session.namespace}/organization"
    named = leaf(repetition, 3)
    if named is not None:
        system = text(codings.code_system(session, named).uri, named.source)
    name = leaf(repetition, 9) or leaf(repetition, 2)
    if name == DELETE:
        name = None
    identifiers: list[dict[str, Any]] = [{"system": system, "value": code}]
    elements = {"name": name} if name is not None else {}
    return entry(session, "Organization", identifiers, name or code, elements)


def organization_at(
    session: Session,
    names: list[Repetition],
    addresses: list[Repetition],
    phones: list[Repetition],
) -> dict[str, Any] | None:
    """XON with its XAD and XTN → Reference to an Organization of this message."""
    found: Stated | None = session.once(_organization, names[0]) if names else None
    if found is None:
        return None
    draft = session.state(found)
    for element, values in (
        ("address", [xad(session, repetition) for repetition in addresses]),
        ("telecom", [xtn(session, repetition, "work") for repetition in phones]),
    ):
        for value in values:
            if value is not None:
                session.append(draft, element, of_house(value))
    return found.reference
