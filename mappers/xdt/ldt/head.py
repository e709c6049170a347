"""What stands before reports and orders: 8220 with the laboratory, 8230 with the practice."""

from __future__ import annotations

from typing import Any, NamedTuple

from mappers.drafts import Draft
from mappers.xdt.datatypes import clean
from mappers.xdt.group import Group
from mappers.xdt.ldt.houses import house, laboratory, named, sender, site
from mappers.xdt.ldt.objects import instant, only, parts, utc
from mappers.xdt.ldt.remembered import remembered
from mappers.xdt.ldt.values import concept
from mappers.xdt.patient import reference
from mappers.xdt.session import Session

#: System of the numbers KBV gives to software it has tested.
CERTIFICATE = "https://fhir.kbv.de/NamingSystem/KBV_NS_FOR_Pruefnummer"


class Head(NamedTuple):
    """Who sends the package."""

    #: Reference to the laboratory that took the order; None in orders.
    laboratory: dict[str, Any] | None
    #: Reference to who sends orders, where the header says it; None in reports.
    practice: dict[str, Any] | None


def read_head(session: Session, record: Group) -> Head:
    """8220 or 8230: the laboratory or the practice, and when the package was made."""
    found = parts(session, record)
    _created(session, only(found, "8132"))
    practice: dict[str, Any] | None = None
    for one in found.get("8122", ()):
        practice = sender(session, one) or practice
    for leaf in record.all("7265"):
        _kind_of_system(session, concept(session, "7265", leaf))
    houses = [one.line for fk in ("8119", "8136") for one in found.get(fk, ())]
    lab = remembered(session, _laboratory, record, min(houses)) if houses else None
    return Head(lab, practice)


def _laboratory(session: Session, record: Group) -> dict[str, Any] | None:
    """8136 and 8119: the laboratory that took the order."""
    found = parts(session, record)
    place, known = only(found, "8119"), only(found, "8136")
    made = site(session, place, known) if place is not None else None
    if made is None and known is not None:
        made = laboratory(session, known)
    if made is None:
        return None
    return named(made)


def order_by(session: Session, recency: str) -> None:
    """State when the message was made, for what it said before this was known too."""
    session.recency = recency
    for draft in session.drafts.values():
        draft.recency = recency


def _created(session: Session, group: Group | None) -> None:
    """0032: when it was made decides what is newer; 0105 and 8212 are of the sending system."""
    if group is None:
        return
    found = parts(session, group)
    stamp = only(found, "8218")
    session.recorded = instant(session, stamp) or session.recorded
    order_by(session, utc(session, stamp) or session.recency)
    system = only(found, "8151")
    responsible = only(found, "8212") or (
        only(parts(session, system), "8212") if system is not None else None
    )
    made = house(session, responsible) if responsible is not None else None
    device = sending_device(session)
    if device is None:
        return
    for leaf in system.all("0105") if system is not None else ():
        number = {"system": CERTIFICATE, "value": clean(leaf)}
        session.append(device, "identifier", number)
    if made is not None:
        session.say(device, "owner", reference(made))


def sending_device(session: Session) -> Draft | None:
    """The Device that sent."""
    named = str((session.sender or {}).get("reference", ""))
    return session.drafts.get(named.removeprefix("Device/"))


def _kind_of_system(session: Session, kind: dict[str, Any]) -> None:
    device = sending_device(session)
    if device is not None:
        session.say(device, "type", kind)
