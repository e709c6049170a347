"""Insurance card and status → Coverage and the payer's Organization (FK 3108, 4104 to 4122)."""

from __future__ import annotations

from typing import Any

from mappers.base import Key
from mappers.codes import SHARED
from mappers.codes import table as code_table
from mappers.drafts import Draft
from mappers.trace import Text, text
from mappers.uris import ORIGINAL_TEXT
from mappers.xdt.datatypes import clean
from mappers.xdt.group import Group
from mappers.xdt.patient import insured_number, reference
from mappers.xdt.recalled import recalled
from mappers.xdt.session import Session
from profiles.check_digits import is_iknr

IKNR = "http://fhir.de/sid/arge-ik/iknr"
VKNR = "http://fhir.de/sid/kbv/vknr"
_GKV = "http://fhir.de/StructureDefinition/gkv/"
_KBV = "https://fhir.kbv.de/CodeSystem/KBV_CS_SFHIR_"
_VERSICHERUNGSART = "http://fhir.de/CodeSystem/versicherungsart-de-basis"
#: FK → extension of Coverage and the system of its codes.
_EXTENSIONS = {
    "3116": ("wop", f"{_KBV}ITA_WOP"),
    "4131": ("besondere-personengruppe", f"{_KBV}KBV_PERSONENGRUPPE"),
    "4132": ("dmp-kennzeichen", f"{_KBV}KBV_DMP"),
}
_STATES = ("3108", "4112")
_PAYER = ("4111", "4104", "2002", "4134")
_FIELDS = frozenset([*_STATES, *_PAYER, *_EXTENSIONS, "4110"])


def coverage(session: Session, group: Group) -> Draft | None:
    """What a card or a status says → Coverage; None where nothing does."""
    patient = session.patient
    if patient is None or _FIELDS.isdisjoint(group.fields):
        return None
    payer = _payer(session, group)
    named = payer.get("identifier", payer).get("value", payer.get("display", ""))
    draft = session.natural("Coverage", patient.id, named)
    resource = draft.resource
    resource["status"] = "active"
    resource["type"] = {"coding": [{"system": _VERSICHERUNGSART, "code": "GKV"}]}
    resource["beneficiary"] = reference(patient)
    resource["payor"] = [payer]
    _status(session, group, resource)
    for fk, (name, system) in _EXTENSIONS.items():
        stated = group.first(fk)
        if stated is not None:
            value = {"system": system, "code": clean(stated)}
            session.append(draft, "extension", {"url": _GKV + name, "valueCoding": value})
    _period(session, group, resource)
    number = group.first("3119") or group.first("3105")
    if number is not None:
        told = len(session.issues)
        resource["identifier"] = [insured_number(session, clean(number))]
        del session.issues[told:]
    return draft


def _status(session: Session, group: Group, resource: dict[str, Any]) -> None:
    """3108, or the first digit of 4112 → Versichertenart."""
    known = code_table(SHARED, "versichertenart")
    for fk in _STATES:
        stated = group.first(fk)
        if stated is None:
            continue
        found = known.get(stated.strip()[:1])
        if found is None:
            session.unknown(stated)
            continue
        coding: dict[str, Any] = {"system": found.system, "code": text(found.code, stated.source)}
        coding["display"] = found.display
        if fk == "4112":
            coding["extension"] = [{"url": ORIGINAL_TEXT, "valueString": clean(stated)}]
        extension = {"url": f"{_GKV}versichertenart", "valueCoding": coding}
        present = resource.setdefault("extension", [])
        same = [one for one in present if one["valueCoding"]["code"] == coding["code"]]
        if same:
            same[0]["valueCoding"] = coding
            session.echoes.append(group.first("3108"))
        else:
            present.append(extension)


def _period(session: Session, group: Group, resource: dict[str, Any]) -> None:
    """4133 start and 4110 end; the end of an old card has month and year (MMJJ)."""
    start, end = (group.first(fk) for fk in ("4133", "4110"))
    period = {"start": session.day(start), "end": _end(session, end)}
    kept = {name: day for name, day in period.items() if day is not None}
    if kept:
        resource["period"] = kept


def _end(session: Session, stated: Text | None) -> str | None:
    short = stated.strip() if stated is not None else ""
    if stated is not None and len(short) == 4 and short.isdecimal() and 0 < int(short[:2]) < 13:
        return text(f"20{short[2:]}-{short[:2]}", stated.source)
    return session.day(stated)


def _payer(session: Session, group: Group) -> dict[str, Any]:
    """4111 IK, 4104 VKNR, 2002 or 4134 name → the payer as an Organization of the sender's."""
    number, billing = group.first("4111"), group.first("4104")
    name = group.first("4134") or group.first("2002")
    if number is None and billing is None and name is None:
        return {"type": "Organization", "display": "unbekannt"}
    found: dict[str, Any] = recalled(session, _payer_by, (number, billing, name))
    return {**found}


def _payer_by(
    session: Session, number: Text | None, billing: Text | None, name: Text | None
) -> dict[str, Any]:
    identifiers = []
    if number is not None:
        own = is_iknr(clean(number))
        system = IKNR if own else f"{session.namespace}/payer"
        identifiers.append({"system": system, "value": clean(number)})
    if billing is not None:
        identifiers.append({"system": VKNR, "value": clean(billing)})
    named = str(identifiers[0]["value"]) if identifiers else str(name)
    key = Key("Organization", f"{session.namespace}/key/Organization", named)
    draft = session.draft("Organization", key, subject=False)
    for identifier in identifiers:
        session.append(draft, "identifier", identifier)
    if name is not None:
        session.say(draft, "name", clean(name))
    made: dict[str, Any] = reference(draft)
    if identifiers:
        made["identifier"] = identifiers[0]
    return {**made, "display": clean(name)} if name is not None else made
