"""Orders: the order as a whole and each examination asked for (8215: 0013, 0059) → ServiceRequest.

A report names its order by the same numbers (8310 of who orders, 8311 of the laboratory), so that
both speak of one request where they come from one namespace, or the dialect gives 8310 a system.
"""

from __future__ import annotations

from typing import Any

from mappers.base import Key
from mappers.drafts import Draft
from mappers.trace import Text, derived, text
from mappers.uris import V2
from mappers.xdt.datatypes import clean
from mappers.xdt.group import Group
from mappers.xdt.ldt.attached import attached
from mappers.xdt.ldt.objects import note, notes, only, parts, when
from mappers.xdt.ldt.persons import signed, somebody
from mappers.xdt.ldt.results import LOINC, catalogue
from mappers.xdt.ldt.values import components, concept
from mappers.xdt.patient import reference
from mappers.xdt.results import field_code
from mappers.xdt.session import Session

_LABORATORY = {
    "coding": [{"system": LOINC, "code": "26436-6"}],
    "text": "Laboruntersuchung",
}
_PRIORITIES = {"1": "stat", "2": "urgent"}


def numbers(session: Session, group: Group) -> list[dict[str, Any]]:
    """8310 of who orders, 8311 of the laboratory, 8313 of an order added later → identifiers."""
    made = []
    for fk, kind in (("8310", "PLAC"), ("8311", "FILL"), ("8313", "PLAC")):
        for leaf in group.all(fk):
            system = session.dialect.systems.get(fk) or _default(session, fk)
            coding = {"system": f"{V2}0203", "code": kind}
            made.append({"type": {"coding": [coding]}, "system": system, "value": clean(leaf)})
    return made


def _default(session: Session, fk: str) -> str:
    kind = {"8310": "order", "8311": "laboratory-order", "8313": "added-order"}[fk]
    return f"{session.namespace}/{kind}" + (session.scope if fk == "8310" else "")


def order(
    session: Session, group: Group, sender: dict[str, Any] | None, status: str
) -> Draft | None:
    """0013 or 0017: the order as a whole; `status` is what the record makes of it."""
    patient, identifiers = session.patient, numbers(session, group)
    if patient is None or not identifiers:
        return None
    first = identifiers[0]
    key = Key("ServiceRequest", str(first["system"]), str(first["value"]))
    draft = session.draft("ServiceRequest", key)
    for identifier in identifiers:
        session.append(draft, "identifier", identifier)
    session.say(draft, "status", status)
    session.say(draft, "intent", "order")
    session.say(draft, "code", _LABORATORY)
    session.say(draft, "subject", reference(patient))
    if sender is not None:
        session.say(draft, "requester", sender)
    for fk in ("0080", "0081"):
        for leaf in group.all(fk):
            note(session, draft, derived(f"Fallakte oder Studie: {leaf.strip()}", leaf))
    return draft


def ordered(session: Session, group: Group, draft: Draft) -> None:
    """0013: when it was made, by whom, and what is said of it."""
    found = parts(session, group)
    made = when(session, only(found, "8213"))
    if made is not None:
        session.say(draft, "authoredOn", made)
    notes(session, draft, found)
    for leaf in group.all("7268"):
        session.append(draft, "locationCode", {"text": clean(leaf)})
    ways(session, group, draft)
    _signature(session, found, draft)


def _signature(session: Session, found: dict[str, list[Group]], draft: Draft) -> None:
    """8141: who signed the order, beside the one it comes from."""
    for one in found.get("8141", ()):
        who = signed(session, one)
        if who is not None:
            session.append(draft, "supportingInfo", who)


def ways(session: Session, group: Group, draft: Draft) -> None:
    """8118 another way for the report, 8611 further ones (E013) and for whom → notes."""
    found = parts(session, group)
    for one in found.get("8118", ()):
        for _, leaf in one.entries:
            note(session, draft, derived(f"Abweichender Befundweg: {leaf.strip()}", leaf))
    for leaf in group.all("8611"):
        note(session, draft, derived(f"Zusätzlicher Befundweg: {leaf.strip()}", leaf))
    for one in found.get("8147", ()):
        who = somebody(session, one)
        if who is not None:
            session.append(draft, "supportingInfo", who)


def request(session: Session, group: Group, whole: Draft, specimens: dict[str, Draft]) -> Draft:
    """0059: one examination asked for."""
    test = group.first("8410") or group.first("7365") or group.first("8434")
    first = whole.keys[0]
    key = (whole.id, str(test or "").strip())
    count = session.counts[key] = session.counts.get(key, 0) + 1
    value = f"{first.value}|{key[1]}" + (f"|{count}" if count > 1 else "")
    draft = session.draft("ServiceRequest", Key("ServiceRequest", f"{first.system}/order", value))
    resource = draft.resource
    cancelled = any(leaf.strip() == "99" for leaf in group.all("7303"))
    resource["status"] = "revoked" if cancelled else "active"
    resource["intent"] = "order"
    resource["code"] = _asked(session, group)
    resource["subject"] = whole.resource["subject"]
    resource["basedOn"] = [reference(whole)]
    resource["requisition"] = whole.resource["identifier"][0]
    for element in ("requester", "authoredOn", "insurance"):
        if element in whole.resource:
            resource[element] = whole.resource[element]
    _priority(session, group, resource)
    for leaf in group.all("7303"):
        resource.setdefault("category", []).append(concept(session, "7303", leaf))
    _materials(session, group, specimens, draft)
    _asked_at(session, group, draft)
    return draft


def _asked(session: Session, group: Group) -> dict[str, Any]:
    codings = catalogue(session, group)
    for ident in group.all("8410"):
        codings.append({"system": f"{session.namespace}/test", "code": clean(ident)})
    said = group.all("8411") or group.all("8434") or group.all("7366") or group.all("8410")
    made: dict[str, Any] = {"coding": codings} if codings else {}
    if said:
        made["text"] = derived(", ".join(map(str.strip, said)), *said)
    return made or {"text": "unbekannt"}


def _priority(session: Session, group: Group, resource: dict[str, Any]) -> None:
    """8501: emergency or urgent."""
    leaf = group.first("8501")
    code = _PRIORITIES.get(leaf.strip()) if leaf is not None else None
    if leaf is not None and code is not None:
        resource["priority"] = text(code, leaf.source)
    elif leaf is not None:
        session.unknown(leaf)


def _materials(session: Session, group: Group, specimens: dict[str, Draft], draft: Draft) -> None:
    for leaf in group.all("7364"):
        held = specimens.get(leaf.strip())
        if held is None:
            identifier = {"system": f"{session.namespace}/specimen", "value": clean(leaf)}
            session.append(draft, "specimen", {"type": "Specimen", "identifier": identifier})
            continue
        session.echoes.append(leaf)
        session.append(draft, "specimen", reference(held))
        for fk, element in (("8428", "type"), ("8429", "identifier")):
            for one in group.all(fk):
                if str(one).strip() in repr(held.resource.get(element, "")):
                    session.echoes.append(one)


def _asked_at(session: Session, group: Group, draft: Draft) -> None:
    """8213 when, 8141 by whom, texts, attachments, consent and what Muster 39 asks."""
    found = parts(session, group)
    made = when(session, only(found, "8213"))
    if made is not None:
        draft.resource.pop("authoredOn", None)
        draft.resource["authoredOn"] = made
    _signature(session, found, draft)
    notes(session, draft, found)
    for fk, said in (
        ("8423", "Pathologisch bekannt"),
        ("8491", "Einwilligungserklärung liegt vor"),
        ("7276", "Nummernpool"),
    ):
        for leaf in group.all(fk):
            note(session, draft, derived(f"{said}: {leaf.strip()}", leaf))
    for document in attached(session, found, draft):
        session.append(draft, "supportingInfo", reference(document))
    for fk in ("8134", "8156"):
        for number, one in enumerate(found.get(fk, ())):
            _questions(session, one, draft, fk, number)


def _questions(session: Session, group: Group, draft: Draft, fk: str, number: int) -> None:
    """Muster 39 (0034) or a tumour (0056) beside an order → Observation."""
    made = session.natural("Observation", draft.id, fk, number)
    resource = made.resource
    resource["status"] = "final"
    resource["code"] = field_code(fk, group.attribute)
    resource["subject"] = draft.resource["subject"]
    said = components(session, group)
    if said:
        resource["component"] = said
    notes(session, made, parts(session, group))
    session.append(draft, "supportingInfo", reference(made))
    period: Text | None = group.first("8512")
    day = session.day(period) if period is not None else None
    if day is not None:
        component = {"code": field_code("8512", "letzte Periode"), "valueDateTime": day}
        resource.setdefault("component", []).append(component)
