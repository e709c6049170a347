"""What an examination costs: 0058, LDT 2 5001 with 8406 → ChargeItem."""

from __future__ import annotations

import re
from typing import Any

from mappers.codes import table
from mappers.drafts import Draft
from mappers.trace import Text, Value, text
from mappers.xdt.charset import PACKAGE
from mappers.xdt.datatypes import clean
from mappers.xdt.group import Group
from mappers.xdt.ldt.values import concept
from mappers.xdt.patient import reference
from mappers.xdt.session import Session
from profiles.reading.decimals import decimal_from_literal

_CENTS = re.compile(r"0*(\d{1,12})")


def charges(session: Session, group: Group, about: Draft) -> None:
    """7303 who pays, 4121 by which tariff, and per number (5001) what it costs."""
    patient = session.patient
    if patient is None:
        return
    payer = [concept(session, "7303", leaf) for leaf in group.all("7303")]
    tariff = group.first("4121")
    listed = [group] if len(group.all("5001")) == 1 else group.sections("5001")
    for number, section in enumerate(listed):
        draft = session.natural("ChargeItem", about.id, number)
        _fill(session, section, tariff, draft)
        draft.resource["subject"] = reference(patient)
        draft.resource["service"] = [reference(about)]
        if payer:
            draft.resource["reason"] = payer
    if not group.has("5001"):
        why = "who pays, without a number of any tariff"
        session.ignored += [(leaf, why) for leaf in group.all("7303")]


def _fill(session: Session, section: Group, tariff: Text | None, draft: Draft) -> None:
    resource = draft.resource
    code = section.first("5001")
    known = table(PACKAGE, "ldt-tariff").get(tariff.strip()) if tariff is not None else None
    system: str = f"{session.namespace}/tariff"
    if known is not None and tariff is not None:
        system = text(known.system, tariff.source)
    elif tariff is not None:
        session.unknown(tariff)
    billed = section.first("8614")
    is_billed = billed is not None and billed.strip() == "1"
    status = "billed" if is_billed else "billable"
    resource["status"] = text(status, billed.source) if billed is not None else status
    if code is not None:
        resource["code"] = {"coding": [{"system": system, "code": clean(code)}]}
    cost = section.first("8406")
    price = _euros(session, cost) if cost is not None else None
    if price is not None:
        resource["priceOverride"] = price
    factor = section.first("5005")
    if factor is not None and factor.strip().isdecimal():
        value = Value(decimal_from_literal(factor.strip().lstrip("0") or "0"), factor.source)
        resource["factorOverride"] = value
    reason = session.lines(section, "5009")
    if reason is not None:
        resource["overrideReason"] = reason


def _euros(session: Session, leaf: Text) -> dict[str, Any] | None:
    match = _CENTS.fullmatch(leaf.strip())
    if match is None:
        session.issue("value", "not an amount in cents", leaf, "102")
        return None
    cents = match[1].zfill(3)
    amount = decimal_from_literal(f"{cents[:-2]}.{cents[-2:]}")
    return {"value": Value(amount, leaf.source), "currency": "EUR"}
