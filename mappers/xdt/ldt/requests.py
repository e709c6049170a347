"""An order 8215 → ServiceRequests with material, reasons and who pays."""

from __future__ import annotations

from typing import Any

from mappers.drafts import Draft
from mappers.xdt.group import Group
from mappers.xdt.ldt.alerts import alerts
from mappers.xdt.ldt.attached import attached
from mappers.xdt.ldt.facts import facts
from mappers.xdt.ldt.head import Head
from mappers.xdt.ldt.houses import referral, sender
from mappers.xdt.ldt.objects import Parts, note, only, parts, texts
from mappers.xdt.ldt.orders import order, ordered, request
from mappers.xdt.ldt.reasons import bills, reason
from mappers.xdt.ldt.specimens import specimen
from mappers.xdt.ldt.subjects import subject
from mappers.xdt.patient import reference
from mappers.xdt.session import Session
from profiles.issue import Issue, NotConformant


def requests(session: Session, record: Group, head: Head) -> None:
    """8215; raises NotConformant for one without a number."""
    found = parts(session, record)
    info = only(found, "8113") or Group("Obj_0013", record.line)
    number = str(info.first("8310") or info.first("8311") or "").strip()
    subject(session, found, number)
    senders = found.get("8122", ())
    ordered_by = sender(session, senders[0]) if senders else head.practice
    whole = _whole(session, info, ordered_by)
    ordered(session, info, whole)
    for one in senders:
        referral(session, one, whole)
    for one in found.get("8127", ()):
        reason(session, one, whole)
    for one in found.get("8101", ()):
        bills(session, one, whole)
    specimens = _specimens(session, found, whole, number)
    for one in found.get("8159", ()):
        request(session, one, whole, specimens)
    facts(session, found, whole)
    for said in texts(session, found.get("8167", ())):
        note(session, whole, said)
    for document in attached(session, found, whole):
        session.append(whole, "supportingInfo", reference(document))


def _whole(session: Session, info: Group, ordered_by: dict[str, Any] | None) -> Draft:
    whole = order(session, info, ordered_by, "active")
    if whole is None:
        sentence = "the order has no number (FK 8310)"
        issue = Issue("error", "required", sentence, "FK 8310", "101")
        raise NotConformant(sentence, location="FK 8310", issues=(issue,))
    return whole


def _specimens(session: Session, found: Parts, whole: Draft, number: str) -> dict[str, Draft]:
    specimens = {}
    for one in found.get("8137", ()):
        made = specimen(session, one, number)
        if made is None:
            continue
        session.append(whole, "specimen", reference(made))
        specimens[str(one.first("7364") or "").strip()] = made
        within = parts(session, one)
        alerts(session, within, made, None)
        attached(session, within, made)
    return specimens
