"""XON, HD and CWE → Organization (HL7 v2.5 chapter 2.A.87, 2.A.36; annex "Datatypes").

What a message says about houses stays in its sender's namespace: the resource is named by sender
and number, so that no sender can overwrite another's directory entry.
"""

from __future__ import annotations

from typing import Any

from mappers.base import Key
from mappers.hl7v2.datatypes import codings
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
from mappers.hl7v2.session import ALTERNATE_CODES, V2, Session, Stated
from mappers.hl7v2.tokenizer import Component, Repetition, leaf
from mappers.identity import logical_id
from mappers.trace import Text, derived, text

PHYSICAL_TYPE = "http://terminology.hl7.org/CodeSystem/location-physical-type"
#: Kinds of organization name (table 0204) by which a house is called besides its legal name.
_OTHER_NAMES = frozenset({"A", "D"})
#: What is said of an element that must be there and is not told.
UNKNOWN = {
    "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
    "valueCode": "unknown",
}


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
    found: Stated | None = session.once(organization_of, repetition)
    if found is None:
        return None
    session.state(found)
    return found.reference


def organization_of(session: Session, repetition: Repetition) -> Stated | None:
    """XON → what it states of a house."""
    name = leaf(repetition, 1)
    if name == DELETE:
        return None
    also: tuple[Stated, ...] = ()
    identifiers = []
    for number in _numbers(repetition):
        identifier, givers = _numbered(session, repetition, number)
        identifiers.append(identifier)
        also += givers
    if name is None and not identifiers:
        return None
    elements: dict[str, Any] = {}
    if not identifiers and len(repetition) > 6:
        also = numberless(session, repetition, elements)
    if name is not None:
        elements["name"] = name
        _kind_of_name(session, repetition, name, elements)
    return entry(session, "Organization", identifiers, name, elements, also)


def _numbers(repetition: Repetition) -> list[Text]:
    """XON.10, and the number of XON.3 that stood for it before version 2.7."""
    found: list[Text] = []
    for place in (10, 3):
        number = leaf(repetition, place)
        if number is not None and number != DELETE and number not in found:
            found.append(number)
    return found


def numberless(
    session: Session, repetition: Repetition, elements: dict[str, Any]
) -> tuple[Stated, ...]:
    """XON.6 to .8 of a house whose number is not said: who would give it, and its kind."""
    if not any(repetition[6:9]):
        return ()
    identifier, also = _numbered(session, repetition, None)
    elements["identifier"] = [identifier]
    return also


def _kind_of_name(
    session: Session, repetition: Repetition, name: Text, elements: dict[str, Any]
) -> None:
    """XON.2: the legal name is the name; an alias or a name for display is also an alias.

    Other kinds stand beside the name, as does its script (XON.9).
    """
    parts = repetition[2] if len(repetition) > 2 else None
    kind = leaf(repetition, 2)
    said: list[dict[str, Any] | None] = []
    if kind == "L" and type(parts) is not list:
        elements["name"] = derived(name, name, kind)
    elif kind in _OTHER_NAMES and type(parts) is not list:
        elements["alias"] = [derived(name, name, kind)]
    else:
        said.append(codings.concept(session, codings.component(parts), default=V2 + "0204"))
    script = leaf(repetition, 9) if len(repetition) > 9 else None
    if script is not None and script != DELETE:
        said.append({"coding": [{"system": V2 + "0465", "code": script}]})
    beside = [{"url": ALTERNATE_CODES, "valueCodeableConcept": one} for one in said if one]
    if beside:
        elements["_name"] = {"extension": beside}


def _numbered(
    session: Session, repetition: Repetition, number: Text | None
) -> tuple[dict[str, Any], tuple[Stated, ...]]:
    """XON.3 to .8 and .10 → Identifier; without a number it says who gives them."""
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
    if number is not None:
        identifier["value"] = number
    else:
        identifier["_value"] = {"extension": [dict(UNKNOWN)]}
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
    offices: tuple[Component, ...] = (),
    *,
    at_site: bool = False,
) -> tuple[Stated, ...]:
    """Say who gave a number: the facility where one is named, else the authority.

    Returns their entries. The authority is in the identifier's system in any case; where it is a
    system of numbers known to the gateway, no house is made of it. `offices`: the department and
    the jurisdiction in which it was given. `at_site`: the facility is also a place (XCN.14, XON.8).
    """
    named = [
        session.once(_named_house, component, kept=True)
        for component in (facility, authority)
        if component is not None and not is_system(session, hd(component))
    ]
    within = [_office(session, component) for component in offices if component is not None]
    known = tuple(one for one in (*named, *within) if one is not None)
    if known:
        identifier["assigner"] = _assigner(known, [one for one in within if one in known[1:]])
    if not at_site or facility is None:
        return known
    owner = None if is_system(session, hd(facility)) else named[0]
    place = site(session, facility, owner)
    return known if place is None else (*known, place)


def _assigner(known: tuple[Stated, ...], within: list[Stated | None]) -> dict[str, Any]:
    reference = known[0].reference
    words = [one.reference["display"] for one in within if one is not None]
    if not words or "display" not in reference:
        return reference
    shown = f"{reference['display']} ({', '.join(words)})"
    return {**reference, "display": derived(shown, reference["display"], *words)}


def _office(session: Session, component: Component) -> Stated | None:
    """CWE inside a component → what it states of a house."""
    return _coded_house(session, codings.component(component))


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
    identifiers: list[dict[str, Any]] = [{"system": system, "value": code}]
    other = leaf(repetition, 4) if len(repetition) > 4 else None
    if other is not None and other != DELETE:
        identifiers.append(_other_code(session, repetition, other))
    if any(repetition[7:9]):
        session.ignored.append((repetition[7:9], "version of the system that numbers a house"))
    elements = _names(repetition)
    shown = elements.get("name", code)
    return entry(session, "Organization", identifiers, shown, elements)


def _names(repetition: Repetition) -> dict[str, Any]:
    """CWE.9, .2 and .5 → name and aliases of a house."""
    said = [leaf(repetition, number) for number in (9, 2, 5)]
    names = [one for one in said if one is not None and one != DELETE]
    if not names:
        return {}
    first = names[0]
    elements: dict[str, Any] = {"name": derived(first, *[one for one in names if one == first])}
    aliases = [one for one in names if one != first]
    return {**elements, "alias": list(dict.fromkeys(aliases))} if aliases else elements


def _other_code(session: Session, repetition: Repetition, code: Text) -> dict[str, Any]:
    """CWE.4 and .6 → the number another system gives the house."""
    named = leaf(repetition, 6)
    if named is None:
        return {"system": f"{session.namespace}/organization", "value": code}
    uri = text(codings.code_system(session, named).uri, named.source)
    return {"system": uri, "value": code}
