"""The person of a record → Patient (FK 3000 to 3628; german profile of names and addresses).

One Patient per number of the practice's system (3000): a KVNR never mints an id. A number that is
no KVNR by its check digit is no KVNR: it stays as what its field is called.
"""

from __future__ import annotations

import re
from typing import Any

from mappers.base import Key, PatientFacts
from mappers.codes import SHARED
from mappers.codes import table as code_table
from mappers.drafts import Draft
from mappers.trace import Text, derived, text
from mappers.uris import ORIGINAL_TEXT, V2
from mappers.vorsatzwort import own_prefix
from mappers.xdt.datatypes import clean
from mappers.xdt.group import Group
from mappers.xdt.session import Session
from mappers.xdt.table_rows import apply_rows, table
from profiles.check_digits import has_kvnr_form, is_kvnr
from profiles.issue import Issue, NotConformant

KVNR = "http://fhir.de/sid/gkv/kvid-10"
CARD_NUMBER = "http://fhir.de/sid/gkv/kvk-versichertennummer"
_CORE = "http://hl7.org/fhir/StructureDefinition/"
_AFFIX = "http://fhir.de/StructureDefinition/humanname-namenszusatz"
_GENDER = "http://fhir.de/StructureDefinition/gender-amtlich-de"
_TYPE_DE = "http://fhir.de/CodeSystem/identifier-type-de-basis"
_RECORD_NUMBER = {"coding": [{"system": V2 + "0203", "code": "MR"}]}
_KVNR_TYPE = {"coding": [{"system": _TYPE_DE, "code": "KVZ10"}]}
_POSTCODE = re.compile(r"(?:D-?\s?)?(\d{5})\s+(.*\S)")
_YEAR = re.compile(r"0000(\d{4})|(\d{4})0000")


def patient(session: Session, group: Group, otherwise: Key | None = None) -> Draft:
    """Fields of a person → Patient; raises NotConformant for an invalid birth date.

    `otherwise` names the record of a person without a number (3000).
    """
    identifiers = _identifiers(session, group)
    name = human_name(session, group)
    birth = _birth_date(session, group)
    keys = _keys(session, identifiers, name, birth, otherwise)
    draft = session.draft("Patient", *keys)
    draft.subject = draft.id
    resource = draft.resource
    if identifiers:
        resource["identifier"] = identifiers
    if name is not None:
        resource["name"] = [{"use": "official", **name}]
    if birth is not None:
        resource["birthDate"] = birth
    _gender(session, group, resource)
    home = address(session, group)
    if home is not None:
        resource["address"] = [home]
    apply_rows(session, group, table("family", "patient", "Patient"), resource)
    session.patient = draft
    session.patients.append(_facts(draft, identifiers, name or {}, birth))
    return draft


def reference(draft: Draft) -> dict[str, Any]:
    """Literal reference to a resource of this message."""
    return {"reference": f"{draft.type}/{draft.id}"}


def _identifiers(session: Session, group: Group) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    number = group.first("3000")
    if number is not None:
        system = session.dialect.systems.get("3000") or _numbers(session)
        found.append({"type": _RECORD_NUMBER, "system": system, "value": clean(number)})
    for fk in ("3119", "3105"):
        stated = group.first(fk)
        if stated is None:
            continue
        identifier = insured_number(session, clean(stated))
        if any(one["value"] == identifier["value"] for one in found[1:]):
            session.echoes.append(stated)
        else:
            found.append(identifier)
    return found


def _numbers(session: Session) -> str:
    """System of the numbers 3000: of the practice that gave them, whoever tells them."""
    return f"{session.namespace}/patient{session.scope}"


def insured_number(session: Session, number: Text) -> dict[str, Any]:
    """3119 or 3105 → KVNR by form and check digit, else the number of the old card."""
    if is_kvnr(number):
        return {"type": _KVNR_TYPE, "system": KVNR, "value": number}
    if has_kvnr_form(number):
        session.issue("value", "the check digit is wrong: not taken as KVNR", number, "102")
    return {"system": CARD_NUMBER, "value": number}


def human_name(session: Session, group: Group) -> dict[str, Any] | None:
    """3100 affix and prefix word, 3120 prefix word, 3101 family, 3102 given, 3104 title."""
    name: dict[str, Any] = {}
    surname, given, title = (group.first(fk) for fk in ("3101", "3102", "3104"))
    affix, prefix = _affix_and_prefix(group)
    if surname is not None:
        _family(name, clean(surname), affix, prefix)
    else:
        session.ignored.append(([affix, prefix], "the name it is a part of is missing"))
    if given is not None:
        name["given"] = [clean(one) for one in group.all("3102")]
    if title is not None:
        name["prefix"] = [clean(title)]
        name["_prefix"] = [
            {"extension": [{"url": f"{_CORE}iso21090-EN-qualifier", "valueCode": "AC"}]}
        ]
    return name or None


def _family(name: dict[str, Any], surname: Text, affix: Text | None, prefix: Text | None) -> None:
    """The whole surname, with its German parts beside it."""
    parts = [part for part in (affix, prefix) if part is not None]
    own = surname
    if not parts and (inside := own_prefix(surname)):
        prefix = text(inside, surname.source)
        own = text(surname[len(inside) + 1 :], surname.source)
        name["family"] = surname
    else:
        leaves = {part.source: part for part in parts}.values()
        name["family"] = derived(" ".join([*parts, surname]), *leaves, surname)
    extensions = [
        {"url": url, "valueString": part}
        for url, part in ((_AFFIX, affix), (f"{_CORE}humanname-own-prefix", prefix))
        if part is not None
    ]
    if extensions:
        extensions.append({"url": f"{_CORE}humanname-own-name", "valueString": own})
        name["_family"] = {"extension": extensions}


def _affix_and_prefix(group: Group) -> tuple[Text | None, Text | None]:
    """3100 holds the affix (Graf), the prefix word (von) or both, told apart by their lists."""
    stated, prefix = group.first("3100"), group.first("3120")
    prefix = clean(prefix) if prefix is not None else None
    if stated is None:
        return None, prefix
    stated = clean(stated)
    if prefix is not None:
        return stated, prefix
    known = code_table(SHARED, "vorsatzwort")
    words = stated.split(" ")
    for begin in range(len(words)):
        tail = " ".join(words[begin:])
        if tail.lower() in known:
            head = " ".join(words[:begin])
            source = stated.source
            return (text(head, source) if head else None), text(tail, source)
    return stated, None


def _birth_date(session: Session, group: Group) -> str | None:
    stated = group.first("3103")
    if stated is None:
        return None
    year = _YEAR.fullmatch(stated.strip())
    if year is not None and (known := year[1] or year[2]) != "0000":
        return text(known, stated.source)
    if not stated.strip().strip("0"):
        session.ignored.append((stated, "zeros: birth date unknown"))
        return None
    born = session.day(stated)
    if born is None:
        place = session.message.path(stated.source)  # type: ignore[arg-type]  # one leaf
        found = Issue("error", "value", "the birth date is not a valid date", place, "102")
        raise NotConformant(found.text, location=place, issues=(found,))
    return born


def _gender(session: Session, group: Group, resource: dict[str, Any]) -> None:
    stated = group.first("3110")
    if stated is None:
        return
    found = session.lookup("gender", stated, "3110")
    if found is None:
        session.unknown(stated)
        resource["gender"] = "unknown"
        resource["_gender"] = {"extension": [{"url": ORIGINAL_TEXT, "valueString": stated}]}
        return
    resource["gender"] = text(found.code, stated.source)
    official = code_table(SHARED, "gender-amtlich").get(stated.strip().upper())
    if found.code == "other" and official is not None:
        value = {"system": official.system, "code": text(official.code, stated.source)}
        value["display"] = official.display
        resource["_gender"] = {"extension": [{"url": _GENDER, "valueCoding": value}]}


def address(session: Session, group: Group) -> dict[str, Any] | None:
    """3107 street, 3109 house number, 3112 postcode, 3113 city, 3114 country, 3106 both."""
    made: dict[str, Any] = {}
    street, house = group.first("3107"), group.first("3109")
    _street(made, street, house)
    postcode, city = group.first("3112"), group.first("3113")
    both = group.first("3106")
    if both is not None and not (postcode or city):
        match = _POSTCODE.fullmatch(both.strip())
        made["city"] = text(match[2], both.source) if match is not None else clean(both)
        if match is not None:
            made["postalCode"] = text(match[1], both.source)
    elif both is not None:
        session.ignored.append((both, "postcode and city are stated apart as well"))
    if postcode is not None:
        made["postalCode"] = clean(postcode)
    if city is not None:
        made["city"] = clean(city)
    country = group.first("3114")
    if country is not None:
        known = session.lookup("country", country)
        made["country"] = text(known.code, country.source) if known else clean(country)
    return {"use": "home", "type": "both", **made} if made else None


def _street(made: dict[str, Any], street: Text | None, house: Text | None) -> None:
    if street is None and house is None:
        return
    said = [clean(part) for part in (street, house) if part is not None]
    made["line"] = [derived(" ".join(said), *said)]
    if house is not None:
        parts = (("streetName", street), ("houseNumber", house))
        extensions = [
            {"url": f"{_CORE}iso21090-ADXP-{name}", "valueString": clean(part)}
            for name, part in parts
            if part is not None
        ]
        made["_line"] = [{"extension": extensions}]


def _keys(
    session: Session,
    identifiers: list[dict[str, Any]],
    name: dict[str, Any] | None,
    birth: str | None,
    otherwise: Key | None,
) -> tuple[Key, ...]:
    own = identifiers[0] if identifiers and identifiers[0].get("type") is _RECORD_NUMBER else None
    if own is not None:
        return (Key("Patient", str(own["system"]), str(own["value"])),)
    if otherwise is not None:
        return (otherwise,)
    if not session.context.lenient:
        issue = Issue("error", "required", "the patient has no number", "FK 3000", "101")
        raise NotConformant(issue.text, location="FK 3000", issues=(issue,))
    session.issue("incomplete", "the patient has no number", "FK 3000")
    said = name or {}
    parts = [str(said.get("family", "")), *map(str, said.get("given", ())), str(birth or "")]
    parts += [str(one["value"]) for one in identifiers]
    return (Key("Patient", f"{session.namespace}/key/Patient", "|".join(parts)),)


def _facts(
    draft: Draft, identifiers: list[dict[str, Any]], name: dict[str, Any], birth: str | None
) -> PatientFacts:
    kvnr = next((str(one["value"]) for one in identifiers if one["system"] == KVNR), "")
    family, given = str(name.get("family", "")), " ".join(name.get("given", ()))
    known = code_table(SHARED, "placeholder-names")
    placeholder = family.casefold() in known or given.casefold() in known
    return PatientFacts(draft.id, draft.keys, kvnr, str(birth or ""), family, given, placeholder)
