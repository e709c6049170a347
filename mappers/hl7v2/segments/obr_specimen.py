"""OBR-9 to -15 and OBR-39 → Specimen where there is no SPM (HL7 v2.5 chapter 7.4.1, 2.A.74)."""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.parties import practitioner
from mappers.hl7v2.datatypes.periods import ordered
from mappers.hl7v2.datatypes.units import cq
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import V2, Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaves_of
from mappers.trace import derived

#: Fields of OBR that tell of a specimen even where none is named.
_TELLING = (9, 10, 14, 39)

#: Orders in which OBR-7 can only be the time a specimen was taken.
_LABORATORY = "OML"

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "OBR-7": ("Specimen.collection.collected",),
    "OBR-8": ("Specimen.collection.collected",),
    "OBR-9": ("Specimen.collection.quantity",),
    "OBR-10": ("Specimen.collection.collector",),
    "OBR-15": (
        "Specimen.type",
        "Specimen.container.additiveCodeableConcept",
        "Specimen.collection.bodySite",
        "Specimen.collection.method",
        "Specimen.note",
    ),
}


def specimen(session: Session, obr: Segment, parent: Draft) -> None:
    """Write the Specimen of a report or request, where OBR tells of one."""
    patient = session.patient
    source: dict[str, Any] = {}
    for repetition in obr.repetitions(15)[:1]:
        source = _source(session, repetition)
    telling = (*_TELLING, 7) if session.message.header.message_code == _LABORATORY else _TELLING
    if patient is None or not (source or any(obr.has(field) for field in telling)):
        return
    kind = source.get("type", {})
    named = kind.get("text") or kind.get("coding", [{}])[0].get("code", "")
    made = session.natural("Specimen", parent.id, named or "")
    made.resource.update(source)
    made.resource["subject"] = reference(patient)
    collection(session, obr, made)
    session.append(parent, "specimen", reference(made))


def collection(session: Session, obr: Segment, made: Draft) -> None:
    """How a specimen was taken, as far as its SPM does not say it."""
    resource = made.resource
    held = resource.get("receivedTime")
    notes = list(resource.get("note", ()))
    apply_rows(session, obr, table("obr_specimen"), made)
    for note in [n for n in resource.get("note", ())[len(notes) :] if n in notes]:
        resource["note"].remove(note)
    if held is not None and held == session.date_time(obr.first(14)):
        session.echoes.append(obr.first(14))
    collected: dict[str, Any] = resource.get("collection", {})
    _when(session, obr, collected)
    for repetition in obr.repetitions(10):
        # FHIR has room for one collector: the others are told as people of the message.
        collector = practitioner(session, repetition)
        if collector is not None and collected.setdefault("collector", collector) == collector:
            session.echoes.append(collector)
    for repetition in obr.repetitions(9)[:1]:
        amount = cq(session, repetition)
        if amount is not None:
            collected.setdefault("quantity", amount)
    if collected:
        resource["collection"] = collected


def _when(session: Session, obr: Segment, collected: dict[str, Any]) -> None:
    """OBR-7 and -8, unless the specimen says itself when it was taken."""
    start, end = session.date_time(obr.first(7)), session.date_time(obr.first(8))
    if "collectedDateTime" in collected or "collectedPeriod" in collected:
        return
    if end is not None:
        period = {k: v for k, v in (("start", start), ("end", end)) if v is not None}
        collected["collectedPeriod"] = ordered(session, period)
    elif start is not None:
        collected["collectedDateTime"] = start


def _source(session: Session, repetition: Repetition) -> dict[str, Any]:
    """SPS: what it is, with what it was kept, where and how it was taken, in what state."""
    made: dict[str, Any] = {}
    kind = _type(session, repetition)
    if kind is not None:
        made["type"] = kind
    additive = _part(session, repetition, 2) if _is_structured(repetition) else None
    if additive is not None:
        made["container"] = [{"additiveCodeableConcept": additive}]
    words = leaves_of(repetition[3:4])
    if words:
        made["note"] = [{"text": derived(" ".join(words), *words)}]
    site = _site(session, repetition)
    if site is not None:
        made["collection"] = {"bodySite": site}
    state = _part(session, repetition, 6)
    if state is not None:
        made["condition"] = [state]
    role = leaves_of(repetition[7:8])
    if role:
        made.setdefault("note", []).append({"text": derived(" ".join(role), *role)})
    return made


def _site(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    site, modifier = _part(session, repetition, 4), leaves_of(repetition[5:6])
    if site is None or not modifier:
        return site if site is not None else None
    coding: dict[str, Any] = next(iter(site.get("coding", ())), {})
    words: str = site.get("text") or coding.get("display") or coding.get("code") or ""
    said = [words, *modifier]
    return {**site, "text": derived(", ".join(said), *said)}


def _is_structured(repetition: Repetition) -> bool:
    """SPS.1 with parts of its own; else senders write code and words side by side."""
    return type(repetition[1]) is list


def _part(session: Session, repetition: Repetition, number: int) -> dict[str, Any] | None:
    """A component as a CE whose parts are subcomponents."""
    whole = repetition[number] if number < len(repetition) else None
    if whole is None:
        return None
    return concept(session, [None, *whole] if type(whole) is list else [None, whole])


def _type(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """SPS.1, with the words beside it where it has no parts."""
    first = repetition[1] if len(repetition) > 1 else None
    parts: Repetition = [None, *first] if type(first) is list else [None, first]
    said = [] if _is_structured(repetition) else leaves_of(repetition[2:3])
    words = derived(", ".join(dict.fromkeys(said)), *said) if said else None
    made = concept(session, parts, default=V2 + "0487")
    if made is None:
        return {"text": words} if words is not None else None
    if words is not None and made.get("coding") and "display" not in made["coding"][0]:
        made["coding"][0]["display"] = words
    elif words is not None:
        made["text"] = words
    return made
