"""PRD and CTD → Practitioner, Organization and PractitionerRole (HL7 v2.5 chapter 11.6.3, 11.6.4).

PRD says who refers, to whom, and how they are reached; CTD whom to ask there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.contacts import of_house, xad, xtn
from mappers.hl7v2.datatypes.houses import entry
from mappers.hl7v2.datatypes.identifiers import pln
from mappers.hl7v2.datatypes.names import display, xpn
from mappers.hl7v2.datatypes.parties import organization_at, places
from mappers.hl7v2.session import V2, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf
from mappers.trace import Value

#: PLN.2 of a house (table 0203 and what German systems write).
_HOUSES = frozenset({"XX", "BSNR", "IK", "IKNR", "FI"})
#: Preferred method (table 0185) → system and use of the point of contact.
_METHODS = {
    "B": ("pager", ""),
    "C": ("phone", "mobile"),
    "E": ("email", ""),
    "F": ("fax", ""),
    "H": ("phone", "home"),
    "O": ("phone", "work"),
}

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "PRD-1": ("PractitionerRole.code", "ServiceRequest.requester", "ServiceRequest.performer"),
    "PRD-2": ("Practitioner.name", "Organization.name"),
    "PRD-3": ("Practitioner.address", "Organization.address"),
    "PRD-4": ("PractitionerRole.location",),
    "PRD-5": ("Practitioner.telecom", "Organization.telecom"),
    "PRD-6": ("Practitioner.telecom",),
    "PRD-7": ("Practitioner.identifier", "Organization.identifier"),
    "PRD-8": ("PractitionerRole.period",),
    "PRD-9": ("PractitionerRole.period",),
    "PRD-10": ("PractitionerRole.organization", "Organization.name"),
    "PRD-11": ("Organization.address",),
    "PRD-12": ("PractitionerRole.location",),
    "PRD-13": ("Organization.telecom",),
    "CTD-1": ("PractitionerRole.code",),
    "CTD-2": ("Practitioner.name",),
    "CTD-3": ("Practitioner.address",),
    "CTD-4": ("PractitionerRole.location",),
    "CTD-5": ("Practitioner.telecom",),
    "CTD-6": ("Practitioner.telecom",),
    "CTD-7": ("Practitioner.identifier",),
}


class Provider(NamedTuple):
    """One PRD or CTD."""

    #: Codes of the role (table 0286).
    roles: tuple[str, ...]
    reference: dict[str, Any]
    #: The house it belongs to, if said.
    house: dict[str, Any] | None


def provider(session: Session, segment: Segment, at: dict[str, Any] | None) -> Provider | None:
    """PRD or CTD → who it is; `at` is the house of the PRD a CTD stands behind."""
    house = None
    if segment.name == "PRD":
        phones = segment.repetitions(13)
        names = segment.repetitions(10)
        house = organization_at(session, names, segment.repetitions(11), phones)
    who = _who(session, segment)
    roles = tuple(str(leaf(r, 1) or "") for r in segment.repetitions(1))
    if who is None:
        return Provider(roles, house, house) if house is not None else None
    if who["reference"].startswith("Organization/"):
        return Provider(roles, who, who)
    stated = _role(session, segment, who, house or at)
    return Provider(roles, stated or who, house or at)


def _who(session: Session, segment: Segment) -> dict[str, Any] | None:
    """The person of field 2, or the house where only a house is named so."""
    names = segment.repetitions(2)
    numbers = [one for r in segment.repetitions(7) if (one := pln(session, r)) is not None]
    if not names and not numbers:
        return None
    elements: dict[str, Any] = {"address": [], "telecom": _points(session, segment)}
    elements["address"] = [one for r in segment.repetitions(3) if (one := xad(session, r))]
    if names and _is_house(names[0], segment):
        elements["address"] = [of_house(one) for one in elements["address"]]
        elements["telecom"] = [of_house(one) for one in elements["telecom"]]
        shown = str(leaf(names[0], 1) or "")
        elements["name"] = leaf(names[0], 1)
        numbers = [{**one, "system": f"{session.namespace}/organization"} for one in numbers]
        kind = "Organization"
    else:
        elements["name"] = [one for r in names if (one := xpn(session, r)) is not None]
        shown = display(elements["name"][0]) if elements["name"] else ""
        kind = "Practitioner"
    if not numbers and not shown:
        return None
    said = {element: value for element, value in elements.items() if value}
    stated = entry(session, kind, numbers, shown, said)
    session.state(stated)
    return stated.reference


def _is_house(name: Repetition, segment: Segment) -> bool:
    """A house is named in one piece: by several words, or by the number of a house."""
    if any(leaf(name, number) is not None for number in range(2, len(name))):
        return False
    kinds = {str(leaf(r, 2) or "").upper() for r in segment.repetitions(7)}
    return " " in str(leaf(name, 1) or "") or not kinds.isdisjoint(_HOUSES)


def _points(session: Session, segment: Segment) -> list[dict[str, Any]]:
    """Points of contact; the preferred one comes first."""
    found = [one for r in segment.repetitions(5) if (one := xtn(session, r, "work")) is not None]
    wish = segment.first(6)
    system, use = _METHODS.get((wish or "").upper(), ("", ""))
    for number, point in enumerate(found):
        if wish is not None and point.get("system") == system and use in ("", point.get("use")):
            found[number] = {**point, "rank": Value(1, wish.source)}
            break
    return found


def _role(
    session: Session, segment: Segment, who: dict[str, Any], house: dict[str, Any] | None
) -> dict[str, Any] | None:
    """A role where more is said than who it is."""
    found = [places(session, r) for n in (4, 12) for r in segment.repetitions(n)]
    where = [levels[0][0] for levels in found if levels]
    sides = ((8, "start"), (9, "end")) if segment.name == "PRD" else ()
    period = {k: when for n, k in sides if (when := session.date_time(segment.first(n)))}
    if house is None and not where and not period and segment.name == "PRD":
        return None
    identity = who["reference"].partition("/")[2]
    belongs = (house or {}).get("reference", "")
    draft = session.natural(
        "PractitionerRole", identity, belongs, segment.first(1) or "", subject=False
    )
    draft.resource["practitioner"] = who
    system = V2 + ("0286" if segment.name == "PRD" else "0131")
    kinds = [concept(session, r, default=system) for r in segment.repetitions(1)]
    for kind in kinds:
        if kind is not None:
            session.append(draft, "code", kind)
    for place in where:
        session.append(draft, "location", place)
    if house is not None:
        session.say(draft, "organization", house)
    if period:
        session.say(draft, "period", period)
    return {**who, "reference": f"PractitionerRole/{draft.id}"}
