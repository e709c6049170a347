"""XCN and CNN → Practitioner (HL7 v2.5 chapter 2.A.86, 2.A.11); houses and places with them.

What a message says about doctors stays in its sender's namespace: the resource is named by sender
and number, so that no sender can overwrite another's directory entry.
"""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.houses import assigned_by, entry, organization
from mappers.hl7v2.datatypes.names import display, xcn_name
from mappers.hl7v2.datatypes.places import place_key, places
from mappers.hl7v2.datatypes.reached import organization_at
from mappers.hl7v2.datatypes.systems import DELETE, assigner, check_digit, number_types
from mappers.hl7v2.session import V2, Session, Stated
from mappers.hl7v2.tokenizer import Repetition, leaf

__all__ = ["organization", "organization_at", "place_key", "places", "practitioner"]


def practitioner(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """XCN → Reference to a Practitioner, which becomes a resource of this message."""
    person: Stated | None = session.once(_person, repetition)
    if person is None:
        return None
    session.state(person)
    return person.reference


def _person(session: Session, repetition: Repetition) -> Stated | None:
    number = leaf(repetition, 1)
    name = xcn_name(session, repetition)
    identifiers = []
    also: tuple[Stated, ...] = ()
    if number is not None and number != DELETE:
        identifier, also = _identifier(session, repetition)
        identifiers.append({**identifier, "value": number})
    if not identifiers and name is None:
        return None
    elements: dict[str, Any] = {}
    if name is not None:
        elements["name"] = [name]
    degree = leaf(repetition, 7)
    if degree is not None and degree != DELETE:
        coding = {"system": V2 + "0360", "code": degree}
        elements["qualification"] = [{"code": {"coding": [coding]}}]
    shown = display(name) if name else ""
    return entry(session, "Practitioner", identifiers, shown, elements, also)


def _identifier(
    session: Session, repetition: Repetition
) -> tuple[dict[str, Any], tuple[Stated, ...]]:
    """XCN.8, .9, .11 to .14, .22 and .23 → Identifier without its value."""
    parts = [repetition[n] if n < len(repetition) else None for n in (9, 14, 23, 22)]
    authority, facility, *offices = parts
    type_code = leaf(repetition, 13)
    system, known = assigner(session, authority, "practitioner", type_code)
    identifier: dict[str, Any] = {}
    if len(repetition) > 11 and (extensions := check_digit(repetition, 11)):
        identifier["extension"] = extensions
    types = number_types(session, type_code, known)
    source = leaf(repetition, 8)
    if types:
        identifier["type"] = {"coding": types}
    if source is not None and source != DELETE:
        identifier.setdefault("type", {})["text"] = source
    identifier["system"] = system
    also = assigned_by(session, identifier, authority, facility, tuple(offices), at_site=True)
    return identifier, also
