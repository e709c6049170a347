"""Contacts below a stay → what ZBE and PV1 of the same movement say (Kontaktebene; IHE PAM).

A ward contact is the movement of ZBE, its department PV1-10: reading the message makes them again.
What they say otherwise, and contacts of other movements, the message leaves out.
"""

from __future__ import annotations

from typing import Any

from mappers.base import Resource
from mappers.hl7v2.write.segments.places import Movement
from mappers.hl7v2.write.writing import Writing

#: Elements of a ward contact that ZBE and PV1-3 say.
_WARD = ("identifier", "type", "subject", "partOf", "location", "serviceProvider", "period")
#: Elements of a department contact that PV1-10 says.
_DEPARTMENT = ("type", "subject", "partOf", "serviceType")
_WITHDRAWN = frozenset({"cancelled", "entered-in-error"})


def below(w: Writing, stay: Resource, found: Movement) -> None:
    """Note what the movement written says of the contacts below the stay."""
    contacts = [c for c in w.source.of("Encounter") if w.source.resolve(c.get("partOf"))]
    for contact in contacts:
        if _says(w, stay, contact, found):
            for element in ("class", "status"):
                if contact.get(element) == stay.get(element):
                    w.carried(contact[element])


def _says(w: Writing, stay: Resource, contact: Resource, found: Movement) -> bool:
    """Carry what the movement says of one contact; False when it is not about it."""
    if _is_named(contact, found):
        _carried(w, contact, _WARD)
        if contact.get("serviceType") == stay.get("serviceType"):
            _carried(w, contact, ("serviceType",))
        if contact["status"] in _WITHDRAWN and found.cancelled:
            w.carried(contact["status"])
        return True
    if "identifier" in contact or contact.get("serviceType") != stay.get("serviceType"):
        return False
    _carried(w, contact, _DEPARTMENT)
    _begins(w, contact, found)
    return True


def _is_named(contact: Resource, found: Movement) -> bool:
    written = str(found.number[0]) if found.number else ""
    return any(str(one.get("value")) == written for one in contact.get("identifier", ()))


def _carried(w: Writing, contact: Resource, elements: tuple[str, ...]) -> None:
    w.carried(*[contact[element] for element in elements if element in contact])


def _begins(w: Writing, contact: Resource, found: Movement) -> None:
    period: dict[str, Any] = contact.get("period", {})
    start = found.period.get("start")
    if start is not None and period == {"start": start}:
        w.carried(period)
