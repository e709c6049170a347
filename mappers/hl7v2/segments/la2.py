"""LA2, PL and CWE with an address → Location (HL7 v2.5 chapter 2.A.40)."""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes import codings
from mappers.hl7v2.datatypes.contacts import of_house, xad
from mappers.hl7v2.datatypes.houses import entry
from mappers.hl7v2.datatypes.parties import places
from mappers.hl7v2.session import Session
from mappers.hl7v2.tokenizer import Repetition, leaf
from mappers.trace import text

#: Components of LA2 that are an address, in the order of XAD.
_ADDRESS = slice(9, 17)


def location(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """LA2 → Reference to a Location of this message, with the address LA2.9 to LA2.16."""
    found = places(session, repetition[:9])
    if not found:
        return None
    place = found[0][0]
    parts = repetition[_ADDRESS]
    if any(parts):
        address = xad(session, [None, *parts])
        with_address(session, place, [address] if address is not None else [])
    return place


def coded_location(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """CWE → Reference to a Location of this message."""
    code = codings.plain(repetition)
    if code is None:
        return None
    system: str = f"{session.namespace}/location"
    named = leaf(repetition, 3)
    if named is not None:
        system = text(codings.code_system(session, named).uri, named.source)
    shown = leaf(repetition, 9) or leaf(repetition, 2) or code
    identifiers = [{"system": system, "value": code}]
    place = entry(session, "Location", identifiers, shown, {"name": shown})
    session.state(place)
    return place.reference


def with_address(session: Session, place: dict[str, Any], addresses: list[dict[str, Any]]) -> None:
    """Say where a place is; it has one address."""
    draft = session.drafts.get(str(place.get("reference", "")).partition("/")[2])
    for address in addresses[:1]:
        if draft is not None:
            session.say(draft, "address", of_house(address))
