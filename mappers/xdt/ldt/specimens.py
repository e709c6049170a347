"""Material 0037 → Specimen; medication 0070 at the time it was taken → MedicationStatement."""

from __future__ import annotations

import re
from typing import Any

from mappers.drafts import Draft
from mappers.trace import Text, Value, derived
from mappers.xdt.datatypes import clean
from mappers.xdt.group import Group
from mappers.xdt.ldt.objects import note, notes, only, parts, when
from mappers.xdt.ldt.persons import somebody
from mappers.xdt.ldt.values import concept
from mappers.xdt.patient import reference
from mappers.xdt.session import Session
from mappers.xdt.table_rows import apply_rows, table

_MINUTES = {"unit": "min", "system": "http://unitsofmeasure.org", "code": "min"}
_DURATION = re.compile(r"(\d\d)(\d\d)")


def specimen(session: Session, group: Group, order: str) -> Draft | None:
    """One material of an order or a report; `order` names it."""
    patient, vessel = session.patient, group.first("7364")
    if patient is None:
        return None
    index = group.first("8429")
    named = str(vessel or index or group.first("8430") or "").strip()
    draft = session.natural("Specimen", order, named)
    for kind, leaf in (("specimen", vessel), ("specimen-index", index)):
        if leaf is not None:
            identifier = {"system": f"{session.namespace}/{kind}", "value": clean(leaf)}
            session.append(draft, "identifier", identifier)
    said = _kind(session, group)
    if said:
        session.say(draft, "type", said)
    session.say(draft, "subject", reference(patient))
    found = parts(session, group)
    _collection(session, found, draft)
    received = when(session, only(found, "8220"))
    if received is not None:
        session.say(draft, "receivedTime", received)
    apply_rows(session, group, table("ldt", "material", "Specimen"), draft.resource)
    _duration(session, group, draft)
    notes(session, draft, found)
    _medication(session, group, found, draft)
    return draft


def _kind(session: Session, group: Group) -> dict[str, Any]:
    """8428 ident, 8430 name, 8431 specification, 7310 to 7312 kind."""
    codings: list[dict[str, Any]] = []
    ident = group.first("8428")
    if ident is not None:
        codings.append({"system": f"{session.namespace}/material", "code": clean(ident)})
    for fk in ("7310", "7311", "7312"):
        leaf = group.first(fk)
        if leaf is not None:
            codings += concept(session, fk, leaf)["coding"]
    made: dict[str, Any] = {"coding": codings} if codings else {}
    said = [part for fk in ("8430", "8431") if (part := group.first(fk)) is not None]
    if said:
        made["text"] = derived(" ".join(map(str.strip, said)), *said)
    return made


def _collection(session: Session, found: dict[str, list[Group]], draft: Draft) -> None:
    """8219: when it was taken, and by whom (8235)."""
    stamp = only(found, "8219")
    taken = when(session, stamp)
    if taken is not None:
        draft.resource.setdefault("collection", {})["collectedDateTime"] = taken
    inner = only(parts(session, stamp), "8235") if stamp is not None else None
    who = somebody(session, inner)
    if who is not None:
        draft.resource.setdefault("collection", {})["collector"] = who


def _duration(session: Session, group: Group, draft: Draft) -> None:
    """8522: how long it was gathered, hhmm."""
    leaf = group.first("8522")
    if leaf is None:
        return
    match = _DURATION.fullmatch(leaf.strip())
    if match is None:
        session.issue("value", "not a duration (hhmm)", leaf, "102")
        return
    minutes = Value(60 * int(match[1]) + int(match[2]), leaf.source)
    draft.resource.setdefault("collection", {})["duration"] = {"value": minutes, **_MINUTES}


def _medication(
    session: Session, group: Group, found: dict[str, list[Group]], draft: Draft
) -> None:
    """8504 with 8170: what the patient took when it was collected."""
    for leaf in group.all("8504"):
        said = derived(f"Medikamenteneinnahme: {leaf.strip()}", leaf)
        session.append(draft, "note", {"text": said})
    for one in found.get("8170", ()):
        medication(session, one, draft.id)


def medication(session: Session, group: Group, about: str) -> Draft | None:
    """0070, its substances 0071 too → MedicationStatement."""
    patient = session.patient
    if patient is None:
        return None
    name: Text | None = group.first("6208") or group.first("6207")
    made = session.natural("MedicationStatement", about, str(name or ""))
    resource = made.resource
    resource["status"] = "unknown"
    resource["subject"] = reference(patient)
    found = parts(session, group)
    compiled = table("ldt", "medication", "MedicationStatement")
    apply_rows(session, group, compiled, resource)
    for one in found.get("8171", ()):
        apply_rows(session, one, compiled, resource)
    resource.setdefault("medicationCodeableConcept", {"text": "unbekannt"})
    period = {
        side: moment
        for side, fk in (("start", "8226"), ("end", "8227"))
        if (moment := when(session, only(found, fk))) is not None
    }
    taken = when(session, only(found, "8243"))
    if period:
        resource["effectivePeriod"] = period
        if isinstance(taken, Text):
            note(session, made, derived(f"Einnahme: {taken}", taken))
    elif taken is not None:
        resource["effectiveDateTime"] = taken
    notes(session, made, found)
    return made
