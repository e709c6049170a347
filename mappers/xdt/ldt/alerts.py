"""What a laboratory calls attention to: 0026 and 7320 → Communication (category alert).

Communication rather than Flag: it says who was told what about which result, and it is over.
"""

from __future__ import annotations

from typing import Any

from mappers.drafts import Draft
from mappers.trace import Text, derived
from mappers.xdt.group import Group
from mappers.xdt.ldt.attached import attached
from mappers.xdt.ldt.objects import Parts, only, parts, texts, when
from mappers.xdt.ldt.persons import somebody
from mappers.xdt.ldt.values import concept
from mappers.xdt.patient import reference
from mappers.xdt.session import Session

_CATEGORY = {
    "coding": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/communication-category",
            "code": "alert",
        }
    ]
}
_NORMAL = "8142"


def alerts(session: Session, found: Parts, about: Draft, recipient: dict[str, Any] | None) -> None:
    """8126 in a finding, its material or its normal values."""
    held = [*found.get("8126", ())]
    for one in found.get(_NORMAL, ()):
        if one.groups:
            held += parts(session, one).get("8126", ())
    for number, one in enumerate(held):
        _alert(session, one, about, recipient, number)


def _alert(
    session: Session, group: Group, about: Draft, recipient: dict[str, Any] | None, number: int
) -> None:
    draft = _communication(session, about, recipient, "alert", number)
    resource = draft.resource
    reasons = [concept(session, "7280", leaf) for leaf in group.all("7280")]
    reasons += [concept(session, "7320", leaf) for leaf in group.all("7320")]
    if reasons:
        resource["reasonCode"] = reasons
    found = parts(session, group)
    who = somebody(session, only(found, "8147"))
    if who is not None:
        resource["sender"] = who
    payload: list[dict[str, Any]] = [
        {"contentString": said} for said in texts(session, found.get("8167", ()))
    ]
    again = _again(session, group)
    if again is not None:
        payload.append({"contentString": again})
    payload += [{"contentReference": reference(one)} for one in attached(session, found, draft)]
    if payload:
        resource["payload"] = payload


def recall(session: Session, group: Group, about: Draft, recipient: dict[str, Any] | None) -> None:
    """7320: the patient should come again, with 8154 when."""
    draft = _communication(session, about, recipient, "recall", 0)
    draft.resource["reasonCode"] = [concept(session, "7320", leaf) for leaf in group.all("7320")]
    said = _again(session, group)
    if said is not None:
        draft.resource["payload"] = [{"contentString": said}]


def _again(session: Session, group: Group) -> str | None:
    moment = when(session, only(parts(session, group), "8154"))
    if not isinstance(moment, Text):
        return None
    return derived(f"Wiedervorstellung: {moment}", moment)


def _communication(
    session: Session, about: Draft, recipient: dict[str, Any] | None, kind: str, number: int
) -> Draft:
    draft = session.natural("Communication", about.id, kind, number)
    resource = draft.resource
    resource["status"] = "completed"
    resource["category"] = [_CATEGORY]
    if session.patient is not None:
        resource["subject"] = reference(session.patient)
    resource["about"] = [reference(about)]
    if recipient is not None:
        resource["recipient"] = [recipient]
    return draft
