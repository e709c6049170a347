"""Persons, addresses and ways to reach them: 0047, 0007, 0031 and the mark of a name 0041."""

from __future__ import annotations

from typing import Any

from mappers.base import Key
from mappers.drafts import Draft
from mappers.trace import Text, derived, text
from mappers.xdt.datatypes import clean
from mappers.xdt.group import Group
from mappers.xdt.ldt.objects import parts
from mappers.xdt.ldt.remembered import remembered
from mappers.xdt.ldt.values import concept
from mappers.xdt.patient import address, human_name, patient
from mappers.xdt.patient import reference as reference_to
from mappers.xdt.session import Session
from mappers.xdt.table_rows import apply_rows, table

_ADXP = "http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-"
#: Feldkennung that announces an address → its use.
_ADDRESS_USES = {"8228": "home", "8229": "work", "8230": "billing", "8107": "home"}
#: Feldkennung that announces ways to reach somebody → block of rows.
_CONTACTS = {"8232": "private", "8233": "business", "8131": "business", "8118": "business"}


def person(session: Session, group: Group) -> dict[str, Any]:
    """0047 → name, address and telecom, as far as they are stated."""
    made: dict[str, Any] = {}
    name = human_name(session, group)
    if name is not None:
        made["name"] = [name]
    reached(session, group, made)
    return made


def reached(session: Session, group: Group, made: dict[str, Any]) -> None:
    """Addresses and ways to reach whoever an object is about."""
    for fk, found in parts(session, group).items():
        for one in found:
            if fk in _ADDRESS_USES:
                held = made.setdefault("address", [])
                held += addresses(session, one, _ADDRESS_USES[fk])
            elif fk in _CONTACTS:
                apply_rows(session, one, table("ldt", _CONTACTS[fk], "telecom"), made)
                _other_ways(session, one)


def _other_ways(session: Session, group: Group) -> None:
    """7340 says what kind of way 7332 is: FHIR has no place for it."""
    session.ignored += [(one, "kind of another way to reach somebody") for one in group.all("7340")]


def addresses(session: Session, group: Group, use: str) -> list[dict[str, Any]]:
    """0007 → a place (3107 to 3115), a post office box (3121 to 3124), or both."""
    found = []
    place = address(session, group)
    addition = group.first("3115")
    if addition is not None:
        place = place or {"type": "both"}
        place.setdefault("line", []).append(clean(addition))
        held = place.setdefault("_line", [None] * (len(place["line"]) - 1))
        held.append({"extension": [_part("additionalLocator", addition)]})
    for kind in group.all("1202"):
        session.ignored.append((kind, "kind of address: its parts say whether it is a place"))
    if place is not None:
        found.append({**place, "use": use})
    box = _box(session, group)
    if box is not None:
        found.append({"use": use, **box})
    return found


def _part(name: str, leaf: Text) -> dict[str, Any]:
    return {"url": _ADXP + name, "valueString": clean(leaf)}


def _box(session: Session, group: Group) -> dict[str, Any] | None:
    made: dict[str, Any] = {}
    number = group.first("3123")
    if number is not None:
        made["line"] = [derived(f"Postfach {number.strip()}", number)]
        made["_line"] = [{"extension": [_part("postBox", number)]}]
    for fk, element in (("3121", "postalCode"), ("3122", "city")):
        leaf = group.first(fk)
        if leaf is not None:
            made[element] = clean(leaf)
    country = group.first("3124")
    if country is not None:
        known = session.lookup("country", country)
        made["country"] = text(known.code, country.source) if known else clean(country)
    return {"type": "postal", **made} if made else None


def patient_of(session: Session, group: Group, order: str) -> Draft:
    """0045 with its person and home → Patient; one without a number is that of the order."""
    found = parts(session, group)
    whole = Group(group.name, group.line)
    whole.entries = [*group.entries]
    inner = found.get("8147", [])
    homes: list[Group] = []
    for one in inner:
        whole.entries += one.entries
        homes += parts(session, one).get("8228", ())[:1]
    for home in homes[:1]:
        whole.entries += home.entries
    system = f"{session.namespace}/order-patient{session.scope}"
    otherwise = Key("Patient", system, order) if order else None
    draft = patient(session, whole, otherwise)
    for one in inner:
        _further(session, one, draft)
    _told(session, whole, draft)
    return draft


def _further(session: Session, group: Group, draft: Draft) -> None:
    """What the person's object says besides name and home."""
    made: dict[str, Any] = {}
    reached(session, group, made)
    homes = [one for one in made.get("address", ()) if one["use"] == "home"]
    for one in made.get("address", ()):
        if one in homes[:1]:
            # Home is stated already, by the parts of an address every member has.
            held = draft.resource.setdefault("address", [one])
            held[0] = one
        else:
            session.append(draft, "address", one)
    for way in made.get("telecom", ()):
        session.append(draft, "telecom", way)
    initials = group.first("8990")
    if initials is not None:
        identifier = {"system": f"{session.namespace}/signature", "value": clean(initials)}
        session.append(draft, "identifier", identifier)


def _told(session: Session, group: Group, draft: Draft) -> None:
    """7922 day of death; 7329 the sex that decides normal values, beside the stated one."""
    died = group.first("7922")
    day = session.day(died) if died is not None else None
    if day is not None:
        draft.resource["deceasedDateTime"] = day
    decisive = group.first("7329")
    if decisive is not None:
        if decisive == group.first("3110"):
            session.echoes.append(decisive)
        else:
            session.append(draft, "extension", _sex_for_use(session, decisive))


def _sex_for_use(session: Session, leaf: Text) -> dict[str, Any]:
    """Sex parameter for clinical use, as R5 and the extensions pack name it."""
    url = "http://hl7.org/fhir/StructureDefinition/patient-sexParameterForClinicalUse"
    value = concept(session, "7329", leaf)
    return {"url": url, "extension": [{"url": "value", "valueCodeableConcept": value}]}


def somebody(session: Session, group: Group | None) -> dict[str, Any] | None:
    """0047: somebody known by name → Reference to a Practitioner."""
    stated = person(session, group) if group is not None else {}
    if group is None or "name" not in stated:
        return None
    who = session.natural("Practitioner", "name", str(stated["name"]), subject=False)
    for element, values in stated.items():
        for value in values:
            session.append(who, element, value)
    return reference_to(who)


def signed(session: Session, group: Group) -> dict[str, Any] | None:
    """0041: who answers for something by name and sign → Reference to a PractitionerRole."""
    found: dict[str, Any] | None = remembered(session, _signed, group)
    return found


def _signed(session: Session, group: Group) -> dict[str, Any] | None:
    name, initials, status = group.first("7358"), group.first("8990"), group.first("7420")
    if name is None and initials is None:
        return None
    shown = clean(name) if name is not None else clean(initials)  # type: ignore[arg-type]
    who = session.natural("Practitioner", "signature", shown, subject=False)
    if name is not None:
        session.append(who, "name", {"text": clean(name)})
    if initials is not None:
        identifier = {"system": f"{session.namespace}/signature", "value": clean(initials)}
        session.append(who, "identifier", identifier)
    if status is None:
        return {**reference_to(who), "display": shown}
    role = session.natural("PractitionerRole", who.id, str(status).strip(), subject=False)
    session.say(role, "practitioner", {**reference_to(who), "display": shown})
    session.append(role, "code", concept(session, "7420", status, "role"))
    return {**reference_to(role), "display": shown}
