"""Who sends and who examines: doctor 0014, site 0019, sender 0022, laboratory 0036, house 0043.

What a message says of them stays in its sender's namespace, named by BSNR, LANR or name.
"""

from __future__ import annotations

from typing import Any

from mappers.base import Key
from mappers.drafts import Draft
from mappers.trace import Text, derived
from mappers.uris import V2
from mappers.xdt.datatypes import clean
from mappers.xdt.group import Group
from mappers.xdt.insurance import IKNR
from mappers.xdt.ldt.objects import note, only, parts, words
from mappers.xdt.ldt.persons import person, reached
from mappers.xdt.ldt.remembered import remembered
from mappers.xdt.ldt.values import concept
from mappers.xdt.parties import BSNR, LANR
from mappers.xdt.patient import reference
from mappers.xdt.session import Session
from profiles.check_digits import is_iknr, is_lanr

_TELEMATIK_ID = "https://gematik.de/fhir/sid/telematik-id"
_ASV_TEAM = "http://fhir.de/sid/asv/teamnummer"
_SUBSTITUTE = "999999900"
Identifier = dict[str, Any]


def _identifier(kind: str, system: str, value: Text) -> Identifier:
    made: Identifier = {"system": system, "value": clean(value)}
    if kind:
        made = {"type": {"coding": [{"system": f"{V2}0203", "code": kind}]}, **made}
    return made


def _entry(
    session: Session, kind: str, identifiers: list[Identifier], name: str | None
) -> Draft | None:
    """An entry of the sender's directory, named by its first number or else by its name."""
    if not identifiers and name is None:
        return None
    first = identifiers[0] if identifiers else None
    known = f"{first['system']}|{first['value']}" if first is not None else f"name|{name}"
    key = Key(kind, f"{session.namespace}/key/{kind}", known)
    draft = session.draft(kind, key, subject=False)
    for identifier in identifiers:
        session.append(draft, "identifier", identifier)
    return draft


# -- doctors ---------------------------------------------------------------------------------


def doctor(session: Session, group: Group) -> Draft | None:
    """0014 → Practitioner."""
    identifiers = [
        found for leaf in group.all("0212") if (found := _lanr(session, leaf)) is not None
    ]
    identifiers += _other_numbers(session, group)
    inner = only(parts(session, group), "8147")
    stated = person(session, inner) if inner is not None else {}
    name = stated["name"][0] if "name" in stated else None
    shown = _shown(name) if name is not None else None
    draft = _entry(session, "Practitioner", identifiers, shown)
    if draft is not None:
        for element, values in stated.items():
            for value in values:
                session.append(draft, element, value)
    return draft


def _lanr(session: Session, leaf: Text) -> Identifier | None:
    number = leaf.strip()
    if number == _SUBSTITUTE:
        session.ignored.append((leaf, "the number of all doctors without a LANR"))
        return None
    if not is_lanr(number):
        session.issue("value", "the check digit is wrong", leaf, "102")
    return _identifier("LANR", LANR, leaf)


def _other_numbers(session: Session, group: Group) -> list[Identifier]:
    """0307 with its kind 0308: 2 IK, 3 Telematik-ID, else of a contract."""
    found = []
    kinds = group.all("0308")
    for place, leaf in enumerate(group.all("0307")):
        kind = kinds[place] if place < len(kinds) else None
        digit = kind.strip() if kind is not None else ""
        system = {"2": IKNR, "3": _TELEMATIK_ID}.get(digit, f"{session.namespace}/doctor-{digit}")
        made = _identifier("PRN" if digit == "3" else "", system, leaf)
        made["system"] = derived(system, kind)
        found.append(made)
    for fk, name in (("0223", "pseudo-lanr"), ("0306", "contract")):
        found += [_identifier("", f"{session.namespace}/{name}", one) for one in group.all(fk)]
    return found


def _shown(name: dict[str, Any]) -> str:
    said = [*name.get("prefix", ()), *name.get("given", ()), name.get("family", "")]
    return " ".join(str(part) for part in said if part)


# -- houses ----------------------------------------------------------------------------------


def site(session: Session, group: Group, laboratory: Group | None = None) -> Draft | None:
    """0019, and 0036 of the same house → Organization."""
    identifiers = _site_numbers(session, group)
    name = group.first("0203")
    inner = only(parts(session, group), "8143")
    stated = inner.first("1250") if inner is not None else None
    shown = name or stated
    draft = _entry(session, "Organization", identifiers, str(shown) if shown else None)
    if draft is None:
        return None
    if name is not None:
        session.say(draft, "name", clean(name))
    for leaf in group.all("0204"):
        session.append(draft, "type", concept(session, "0204", leaf))
    if inner is not None:
        _house(session, inner, draft)
    if laboratory is not None:
        _laboratory(session, laboratory, draft)
    return draft


def _site_numbers(session: Session, group: Group) -> list[Identifier]:
    """0201 BSNR, 0213 IK, 0200 of houses that have neither."""
    found = []
    for fk, kind, system in (
        ("0201", "BSNR", BSNR),
        ("0213", "XX", IKNR),
        ("0200", "", f"{session.namespace}/site"),
    ):
        for leaf in group.all(fk):
            if fk == "0213" and not is_iknr(clean(leaf)):
                session.issue("value", "the check digit is wrong", leaf, "102")
            found.append(_identifier(kind, system, leaf))
    return found


def laboratory(session: Session, group: Group) -> Draft | None:
    """0036 alone → Organization."""
    inner = only(parts(session, group), "8239")
    place = group.first("8324")
    name = inner.first("1250") if inner is not None else None
    numbers = [_identifier("", f"{session.namespace}/site", place)] if place is not None else []
    draft = _entry(session, "Organization", numbers, str(name) if name is not None else None)
    if draft is not None:
        _laboratory(session, group, draft)
    return draft


def _laboratory(session: Session, group: Group, draft: Draft) -> None:
    inner = only(parts(session, group), "8239")
    if inner is not None:
        _house(session, inner, draft)
    for leaf in group.all("7266"):
        session.append(draft, "type", concept(session, "7266", leaf))
    for leaf in group.all("7352"):
        session.append(draft, "telecom", {"system": "url", "value": clean(leaf)})
    place = group.first("8324")
    if place is not None:
        session.append(draft, "identifier", _identifier("", f"{session.namespace}/site", place))


def house(session: Session, group: Group) -> Draft | None:
    """0043 alone → Organization."""
    name = group.first("1250")
    draft = _entry(session, "Organization", [], str(name) if name is not None else None)
    if draft is not None:
        _house(session, group, draft)
    return draft


def _house(session: Session, group: Group, draft: Draft) -> None:
    """0043: name, legal form, address, ways to reach it and people of it."""
    name, form = group.first("1250"), group.first("1251")
    if name is not None and draft.resource.get("name", name) != clean(name):
        session.append(draft, "alias", clean(name))
    elif name is not None:
        session.say(draft, "name", clean(name))
    if form is not None:
        whole = " ".join(part.strip() for part in (name, form) if part is not None)
        session.append(draft, "alias", derived(whole, name, form))
    made: dict[str, Any] = {}
    reached(session, group, made)
    for element, values in made.items():
        for value in values:
            session.append(draft, element, value)
    people = parts(session, group).get("8147", ())
    for place, function in enumerate(group.all("1252")):
        contact: dict[str, Any] = {"purpose": {"text": clean(function)}}
        if place < len(people):
            stated = person(session, people[place])
            contact |= {k: v[0] if k != "telecom" else v for k, v in stated.items()}
        session.append(draft, "contact", contact)


# -- who sends -------------------------------------------------------------------------------


def sender(session: Session, group: Group) -> dict[str, Any] | None:
    """0022 → Reference to the PractitionerRole (or house, or doctor) that orders."""
    made: dict[str, Any] | None = remembered(session, _sender, group)
    return made


def _sender(session: Session, group: Group) -> dict[str, Any] | None:
    found = parts(session, group)
    inner, place, company = (only(found, fk) for fk in ("8114", "8119", "8143"))
    who = doctor(session, inner) if inner is not None else None
    where = site(session, place) if place is not None else None
    if where is None and company is not None:
        where = house(session, company)
    elif company is not None and where is not None:
        _house(session, company, where)
    if who is None and where is None:
        return _person_alone(session, found)
    return _role(session, group, inner, who, where)


def _role(
    session: Session, group: Group, inner: Group | None, who: Draft | None, where: Draft | None
) -> dict[str, Any]:
    names = [one.id for one in (who, where) if one is not None]
    role = session.natural("PractitionerRole", *names, subject=False)
    for element, draft in (("practitioner", who), ("organization", where)):
        if draft is not None:
            session.say(role, element, reference(draft))
    _what_they_are(session, group, inner, role)
    for fk, kind in (("8312", "customer"), ("7267", "client")):
        for leaf in group.all(fk):
            number = _identifier("", f"{session.namespace}/{kind}", leaf)
            session.append(role, "identifier", number)
    for leaf in inner.all("0222") if inner is not None else ():
        session.append(role, "identifier", _identifier("", _ASV_TEAM, leaf))
    for leaf in group.all("7268"):
        session.append(role, "specialty", {"text": clean(leaf)})
    shown = _title(who) or _title(where)
    made: dict[str, Any] = reference(role)
    return {**made, "display": shown} if shown else made


def _what_they_are(session: Session, group: Group, inner: Group | None, role: Draft) -> None:
    """7321 of the sender and 7420 of the person, which mostly say the same."""
    for leaf in group.all("7321"):
        session.append(role, "code", concept(session, "7321", leaf, "role"))
    stated = only(parts(session, inner), "8147") if inner is not None else None
    for leaf in stated.all("7420") if stated is not None else ():
        if leaf in group.all("7321"):
            session.echoes.append(leaf)
        else:
            session.append(role, "code", concept(session, "7420", leaf, "role"))


def named(draft: Draft) -> dict[str, Any]:
    """Reference to a house or person with what it is called."""
    shown = _title(draft)
    made: dict[str, Any] = reference(draft)
    return {**made, "display": shown} if shown else made


def _title(draft: Draft | None) -> str:
    """What a person or house is called."""
    name = draft.resource.get("name") if draft is not None else None
    return _shown(name[0]) if isinstance(name, list) else str(name or "")


def _person_alone(session: Session, found: dict[str, list[Group]]) -> dict[str, Any] | None:
    """A sender that is neither doctor nor house: a person by name."""
    inner = only(found, "8147")
    stated = person(session, inner) if inner is not None else {}
    if "name" not in stated:
        return None
    draft = _entry(session, "Practitioner", [], _shown(stated["name"][0]))
    if draft is None:
        return None
    for element, values in stated.items():
        for value in values:
            session.append(draft, element, value)
    return named(draft)


def referral(session: Session, group: Group, draft: Draft) -> None:
    """8240 another doctor who refers → supportingInfo; 8241 to whom is referred → a note."""
    found = parts(session, group)
    other = only(found, "8240")
    who = doctor(session, other) if other is not None else None
    if who is not None:
        session.append(draft, "supportingInfo", named(who))
    note(session, draft, words(session, only(found, "8241")))
