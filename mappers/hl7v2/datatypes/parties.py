"""XCN → Practitioner, XON → Organization, PL → places (HL7 v2.5 chapter 2.A.86, 2.A.87, 2.A.53).

What a message says about doctors and houses stays in its sender's namespace: the resource is
named by sender and number, so that no sender can overwrite another's directory entry.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mappers.base import Key
from mappers.hl7v2.datatypes.contacts import of_house, xad, xtn
from mappers.hl7v2.datatypes.identifiers import assigner, facility
from mappers.hl7v2.datatypes.names import display, xcn_name
from mappers.hl7v2.session import V2, Session
from mappers.hl7v2.tokenizer import Repetition, leaf
from mappers.identity import logical_id
from mappers.trace import derived

_PHYSICAL_TYPE = "http://terminology.hl7.org/CodeSystem/location-physical-type"
#: PL component → code of the physical type and kind of identifier.
_PLACES = (
    (3, "bd", "bed"),
    (2, "ro", "room"),
    (1, "wa", "ward"),
    (8, "lvl", "floor"),
    (7, "bu", "building"),
    (4, "si", "facility"),
)
DELETE = '""'


class Person(NamedTuple):
    """What an XCN says."""

    key: Key
    identifier: dict[str, Any] | None
    name: dict[str, Any] | None
    qualification: dict[str, Any] | None
    reference: dict[str, Any]
    identity: str


def practitioner(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """XCN → Reference to a Practitioner, which becomes a resource of this message."""
    person: Person | None = session.once(_person, repetition)
    if person is None:
        return None
    draft = session.draft("Practitioner", person.key, subject=False, identity=person.identity)
    if person.identifier is not None:
        session.append(draft, "identifier", person.identifier)
    if person.name is not None:
        session.append(draft, "name", person.name)
    if person.qualification is not None:
        session.append(draft, "qualification", person.qualification)
    return person.reference


def _person(session: Session, repetition: Repetition) -> Person | None:
    identifier = xcn_identifier(session, repetition)
    name = xcn_name(session, repetition)
    if identifier is None and name is None:
        return None
    shown = display(name) if name else ""
    named = f"{identifier['system']}|{identifier['value']}" if identifier else f"name|{shown}"
    key = Key("Practitioner", f"{session.namespace}/key/Practitioner", named)
    degree = leaf(repetition, 7)
    qualification = None
    if degree is not None:
        qualification = {"code": {"coding": [{"system": V2 + "0360", "code": degree}]}}
    identity = logical_id(session.context.region_key, key)
    reference: dict[str, Any] = {"reference": f"Practitioner/{identity}"}
    if identifier is not None:
        reference["identifier"] = {part: identifier[part] for part in ("system", "value")}
    if shown:
        reference["display"] = shown
    return Person(key, identifier, name, qualification, reference, identity)


def xcn_identifier(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """XCN.1, .9 and .13 → Identifier."""
    number = leaf(repetition, 1)
    if number is None or number == DELETE:
        return None
    size = len(repetition)
    type_code = leaf(repetition, 13) if size > 13 else None
    system, known = assigner(
        session, repetition[9] if size > 9 else None, "practitioner", type_code
    )
    identifier: dict[str, Any] = {}
    types: list[dict[str, str]] = []
    if known is not None and known.type_code:
        types.append({"system": known.type_system, "code": known.type_code})
    if type_code is not None:
        types.append({"system": V2 + "0203", "code": type_code})
    if types:
        identifier["type"] = {"coding": types}
    identifier["system"] = system
    identifier["value"] = number
    if size > 14:
        facility(identifier, repetition[14])
    return identifier


def organization(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """XON → Reference to an Organization by identifier and name."""
    name = leaf(repetition, 1)
    number = leaf(repetition, 10) or leaf(repetition, 3)
    if name == DELETE:
        return None
    kind_of_name = leaf(repetition, 2)
    if kind_of_name is not None:
        session.ignored.append((kind_of_name, "kind of organization name"))
    reference: dict[str, Any] = {"type": "Organization"}
    if number is not None:
        system, known = assigner(
            session, repetition[6] if len(repetition) > 6 else None, "organization", None
        )
        identifier: dict[str, Any] = {"system": system, "value": number}
        kind = leaf(repetition, 7)
        if kind is not None:
            coded = {"system": V2 + "0203", "code": kind}
            identifier = {"type": {"coding": [coded]}, **identifier}
        elif known is not None and known.type_code:
            coded = {"system": known.type_system, "code": known.type_code}
            identifier = {"type": {"coding": [coded]}, **identifier}
        reference["identifier"] = identifier
    if name is not None:
        reference["display"] = name
    return reference if len(reference) > 1 else None


def organization_at(
    session: Session,
    names: list[Repetition],
    addresses: list[Repetition],
    phones: list[Repetition],
) -> dict[str, Any] | None:
    """XON with its XAD and XTN → Reference to an Organization of this message."""
    reference = organization(session, names[0]) if names else None
    if reference is None or not (addresses or phones):
        return reference
    identifier = reference.get("identifier")
    shown = reference.get("display", "")
    named = f"{identifier['system']}|{identifier['value']}" if identifier else f"name|{shown}"
    key = Key("Organization", f"{session.namespace}/key/Organization", named)
    draft = session.draft("Organization", key, subject=False)
    if identifier is not None:
        session.append(draft, "identifier", identifier)
    if shown:
        session.say(draft, "name", shown)
    for element, values in (
        ("address", [xad(session, repetition) for repetition in addresses]),
        ("telecom", [xtn(session, repetition, "work") for repetition in phones]),
    ):
        for value in values:
            if value is not None:
                session.append(draft, element, of_house(value))
    stated: dict[str, Any] = {"reference": f"Organization/{draft.id}"}
    if identifier is not None:
        stated["identifier"] = {part: identifier[part] for part in ("system", "value")}
    return {**stated, "display": shown} if shown else stated


def places(session: Session, repetition: Repetition) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """PL → Location references by identifier, most specific first, with their physical type.

    A room or bed number alone is not unique: its identifier carries the ward and room before it.
    """
    found = []
    ward, room = leaf(repetition, 1), leaf(repetition, 2)
    for number, code, kind in _PLACES:
        value = leaf(repetition, number) if number < len(repetition) else None
        if value is None or value == DELETE:
            continue
        full = value
        if kind == "bed":
            full = derived("/".join(p for p in (ward, room, value) if p), value)  # type: ignore[assignment]
        elif kind == "room" and ward is not None:
            full = derived(f"{ward}/{value}", value)  # type: ignore[assignment]
        system = f"{session.namespace}/location/{kind}"
        reference = {
            "type": "Location",
            "identifier": {"system": system, "value": full},
            "display": value,
        }
        found.append((reference, _physical_type(repetition, code)))
    if found:
        _describe(repetition, found[0][0])
    return found


def _describe(repetition: Repetition, reference: dict[str, Any]) -> None:
    """PL.9 describes the place in words."""
    words = leaf(repetition, 9) if len(repetition) > 9 else None
    if words is not None:
        shown = reference["display"]
        reference["display"] = derived(f"{shown} ({words})", shown, words)


def _physical_type(repetition: Repetition, code: str) -> dict[str, Any]:
    """Kind of place; for the ward also PL.6 as the sender says it."""
    codings = [{"system": _PHYSICAL_TYPE, "code": code}]
    kind = leaf(repetition, 6) if code == "wa" else None
    if kind is not None:
        codings.append({"system": V2 + "0305", "code": kind})
    return {"coding": codings}


def place_key(repetition: Repetition) -> str:
    """The places of a PL as one comparable text."""
    return "/".join(str(leaf(repetition, n) or "") for n in (1, 2, 3))
