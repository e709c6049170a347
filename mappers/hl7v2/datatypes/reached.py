"""XON with the XAD and XTN beside it → Organization with where it is and how it is reached."""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.contacts import of_house, xad, xtn
from mappers.hl7v2.datatypes.houses import (
    UNKNOWN,
    entry,
    numberless,
    organization,
    organization_of,
)
from mappers.hl7v2.session import Draft, Session, Stated
from mappers.hl7v2.tokenizer import Repetition


def organization_at(
    session: Session,
    names: list[Repetition],
    addresses: list[Repetition],
    phones: list[Repetition],
) -> dict[str, Any] | None:
    """XON with its XAD and XTN → Reference to an Organization of this message."""
    found: Stated | None = session.once(organization_of, names[0]) if names else None
    reached = [
        (element, of_house(value))
        for element, values in (
            ("address", [xad(session, repetition) for repetition in addresses]),
            ("telecom", [xtn(session, repetition, "work") for repetition in phones]),
        )
        for value in values
        if value is not None
    ]
    if found is None and reached:
        found = _nameless(session, names, reached)
    if found is None:
        return None
    draft = session.state(found)
    for element, value in reached:
        session.append(draft, element, value)
    for further in names[1:]:
        organization(session, further)
    return found.reference


def named_further(session: Session, repetition: Repetition, draft: Draft) -> None:
    """XON beyond the name: kind of name, further names and numbers of a house."""
    said = organization_of(session, repetition) if len(repetition) > 2 else None
    if said is None:
        return
    for giver in said.also:
        session.state(giver)
    for element, value in said.elements.items():
        if type(value) is not list:
            session.say(draft, element, value)
            continue
        for item in value:
            if element != "identifier" or "value" in item:
                session.append(draft, element, item)


def _nameless(
    session: Session, names: list[Repetition], reached: list[tuple[str, dict[str, Any]]]
) -> Stated:
    """A house of which only is said where it is: its address or number names it."""
    elements: dict[str, Any] = {"_name": {"extension": [dict(UNKNOWN)]}}
    also: tuple[Stated, ...] = ()
    if names:
        also = numberless(session, names[0], elements)
    first = reached[0][1]
    lines = [*first.get("line", ()), first.get("postalCode"), first.get("city")]
    shown = ", ".join([line for line in lines if line]) or str(first.get("value", ""))
    return entry(session, "Organization", [], shown, elements, also)
