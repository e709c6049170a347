"""Scheine (0101 to 0191): who pays for a quarter, and what was done → Account, ChargeItem.

Services begin with their day (5000) and number (5001); diagnoses for billing (6000, 6001) are
Conditions of the quarter; a referral (0102) is the ServiceRequest the practice acted on.
"""

from __future__ import annotations

import re
from typing import Any

from mappers.codes import table as code_table
from mappers.drafts import Draft
from mappers.trace import Text, derived, text
from mappers.xdt.bdt.contents import Day, read_part
from mappers.xdt.bdt.days import visit
from mappers.xdt.bdt.parts import Part, parts_of
from mappers.xdt.bdt.services import service
from mappers.xdt.charset import PACKAGE
from mappers.xdt.datatypes import clean
from mappers.xdt.group import Group
from mappers.xdt.parties import practice, practitioner
from mappers.xdt.patient import reference
from mappers.xdt.records import kinds
from mappers.xdt.session import Session
from mappers.xdt.table_rows import apply_rows, table

_SATZART = "urn:region-gateway:xdt:8000"
_QUARTER = re.compile(r"([1-4])/?(\d{4})")
_MONTHS = {"1": ("01", "03-31"), "2": ("04", "06-30"), "3": ("07", "09-30"), "4": ("10", "12-31")}
_SERVICE = "service"
#: Who refers: number of the practice and of the doctor, or a name.
_REFERRER = ("4218", "4242", "4219")
_REFERRAL = (*_REFERRER, "4205", "4207", "4208", "4209", "4220", "4221")


def case(session: Session, record: Group, insured: Draft | None, house: Draft | None) -> None:
    """Read one Schein."""
    patient = session.patient
    if patient is None:
        return
    account = _account(session, record, insured, patient, house)
    parts, loose = parts_of(record.entries)
    services = [part for part in parts if part.kind == _SERVICE]
    _services(session, account, services, record)
    for kind, group in parts:
        if kind != _SERVICE:
            read_part(session, Day(None, None, account.id), kind, group)
    if loose.has(*_REFERRAL):
        _referral(session, loose, account)
    for stated in loose.all("4233"):
        _stay(session, stated, house)


def _account(
    session: Session, record: Group, insured: Draft | None, patient: Draft, house: Draft | None
) -> Draft:
    """3003 or patient, kind and quarter name the Schein; 4101 is its quarter."""
    number, quarter = record.first("3003"), record.first("4101")
    payer = insured.id if insured is not None else ""
    named = (record.name, str(quarter or "").strip(), str(number or payer).strip())
    count = session.counts[named] = session.counts.get(named, 0) + 1
    draft = session.natural("Account", patient.id, *named, *([count] if count > 1 else []))
    resource = draft.resource
    if number is not None:
        system = f"{session.namespace}/case"
        resource["identifier"] = [{"system": system, "value": clean(number)}]
    # Whether it was billed already, a record of BDT does not say.
    resource["status"] = "unknown"
    resource["type"] = _kind(record.name)
    resource["subject"] = [reference(patient)]
    _period(session, quarter, resource)
    if insured is not None:
        resource["coverage"] = [{"coverage": reference(insured)}]
    if house is not None:
        resource["owner"] = reference(house)
    apply_rows(session, record, table("bdt", "case", "Account"), resource)
    return draft


def _kind(satzart: str) -> dict[str, Any]:
    name = kinds()[satzart].name
    return {"coding": [{"system": _SATZART, "code": satzart, "display": name}], "text": name}


def _period(session: Session, quarter: Text | None, resource: dict[str, Any]) -> None:
    match = _QUARTER.fullmatch(quarter.strip()) if quarter is not None else None
    if quarter is None:
        return
    if match is None:
        session.issue("value", "not a quarter (QJJJJ)", quarter, "102")
        session.ignored.append((quarter, "not a quarter (QJJJJ)"))
        return
    begin, end = _MONTHS[match[1]]
    source = quarter.source
    resource["servicePeriod"] = {
        "start": text(f"{match[2]}-{begin}-01", source),
        "end": text(f"{match[2]}-{end}", source),
    }


def _services(session: Session, account: Draft, parts: list[Part], record: Group) -> None:
    """The tariff of the Schein (4121) is that of its services; a day holds until the next."""
    tariff = record.first("4121")
    known = code_table(PACKAGE, "ldt-tariff").get(tariff.strip()) if tariff is not None else None
    system = f"{session.namespace}/tariff"
    if known is not None and tariff is not None:
        system = text(known.system, tariff.source)
    day: Text | None = None
    for part in parts:
        day = part.fields.first("5000") or day
        service(session, account, system, day, part.fields)


def _stay(session: Session, stated: Text, house: Draft | None) -> None:
    """4233: days of treatment as an inpatient, from and to."""
    period = {
        name: session.day(text(part, stated.source))
        for name, part in (("start", stated.strip()[:8]), ("end", stated.strip()[8:]))
        if part
    }
    known = {name: day for name, day in period.items() if day is not None}
    draft = visit(session, ("4233", stated.strip()), "IMP", house) if known else None
    if draft is not None:
        draft.resource["period"] = known


def _referral(session: Session, loose: Group, account: Draft) -> None:
    """What the practice was asked for, by whom."""
    draft = session.natural("ServiceRequest", account.id)
    resource = draft.resource
    resource["status"] = "unknown"
    resource["intent"] = "order"
    resource["subject"] = account.resource["subject"][0]
    resource["insurance"] = [one["coverage"] for one in account.resource.get("coverage", [])]
    if not resource["insurance"]:
        del resource["insurance"]
    who = _referrer(session, loose)
    if who is not None:
        resource["requester"] = who
    apply_rows(session, loose, table("bdt", "referral", "ServiceRequest"), resource)


def _referrer(session: Session, loose: Group) -> dict[str, Any] | None:
    site, number, name = (loose.first(fk) for fk in _REFERRER)
    who = practitioner(session, number, None, name)
    house = practice(session, site) if site is not None else None
    if who is not None and house is not None:
        role = session.natural("PractitionerRole", who.id, house.id, subject=False)
        session.say(role, "practitioner", reference(who))
        session.say(role, "organization", reference(house))
        who = role
    found = who if who is not None else house
    if found is None:
        return None
    stated = [leaf for leaf in (name, number, site) if leaf is not None]
    made: dict[str, Any] = reference(found)
    return {**made, "display": derived(stated[0].strip(), stated[0])}
