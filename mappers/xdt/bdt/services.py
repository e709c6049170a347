"""A service of a Schein (FK 5000 to 5099) → ChargeItem."""

from __future__ import annotations

from typing import Any

from mappers.drafts import Draft
from mappers.trace import Text
from mappers.xdt.datatypes import clean, number
from mappers.xdt.group import Group
from mappers.xdt.parties import practice, practitioner
from mappers.xdt.patient import reference
from mappers.xdt.session import Session
from mappers.xdt.table_rows import apply_rows, table


def service(session: Session, account: Draft, system: str, day: Text | None, group: Group) -> None:
    """5001 number of the tariff on a day (5000), how often (5005), by whom (5098, 5099)."""
    code = group.first("5001")
    if code is None:
        session.ignored.append((group.all("5000"), "a day without any service"))
        return
    named = (account.id, str(day or "").strip(), code.strip())
    count = session.counts[named] = session.counts.get(named, 0) + 1
    draft = session.natural("ChargeItem", *named, count)
    resource: dict[str, Any] = draft.resource
    resource["status"] = "unknown"
    resource["code"] = {"coding": [{"system": system, "code": clean(code)}]}
    resource["subject"] = account.resource["subject"][0]
    resource["account"] = [reference(account)]
    when = session.when(day, group.first("5006"))
    if when is not None:
        resource["occurrenceDateTime"] = when
    often = group.first("5005")
    quantity = number(session, often) if often is not None else None
    if quantity is not None:
        resource["quantity"] = {"value": quantity}
    _performed(session, group, resource)
    apply_rows(session, group, table("bdt", "service", "ChargeItem"), resource)


def _performed(session: Session, group: Group, resource: dict[str, Any]) -> None:
    """5099 by whom, 5098 where."""
    who = practitioner(session, group.first("5099"), None)
    if who is not None:
        resource["performer"] = [{"actor": reference(who)}]
    site = group.first("5098")
    if site is not None:
        resource["performingOrganization"] = reference(practice(session, site))
