"""PV1-3/-6/-11/-42 and ZBE → Encounter.location (IHE PAM historic movements, German use).

A movement (A01, A02, A04, or whatever ZBE names) has an id; its places carry it in an extension
so that a later update or cancel finds them. Other events only sight the patient somewhere.
"""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.identifiers import ei
from mappers.hl7v2.datatypes.parties import organization, places
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.tokenizer import Repetition, Segment

#: Extension naming the movement that brought the patient to a place.
MOVEMENT = "https://region-gateway.example/fhir/StructureDefinition/encounter-movement"
#: Events that bring the patient to the place in PV1-3.
ARRIVALS = frozenset({"A01", "A02", "A04", "A05"})
_CANCELLING = frozenset({"CANCEL", "DELETE"})


def locations(session: Session, pv1: Segment, zbe: Segment | None, draft: Draft) -> None:
    """Fill Encounter.location and what ZBE says about the movement."""
    event = session.event
    movement = _movement(session, zbe, event)
    start = _start(session, pv1, zbe, event)
    end = session.date_time(zbe.first(3)) if zbe is not None else None
    status = _status(pv1, draft)
    found = _entries(session, pv1, 3, status)
    for entry in found:
        period = {k: v for k, v in (("start", start), ("end", end)) if v is not None}
        if event in ARRIVALS and period:
            entry["period"] = period
        if movement is not None and event in ARRIVALS:
            entry["extension"] = [{"url": MOVEMENT, "valueIdentifier": movement}]
    if movement is not None and (event not in ARRIVALS or not found):
        _on_encounter(draft, movement, zbe)
    found += _entries(session, pv1, 6, "completed")
    found += _entries(session, pv1, 11, "active")
    found += _entries(session, pv1, 42, "reserved")
    if found:
        draft.resource["location"] = found
    if zbe is not None:
        _responsible(session, zbe, draft)
        historic = zbe.first(5)
        draft.historic = historic is not None and historic.upper() in {"Y", "J"}


def cancelled(zbe: Segment | None) -> bool:
    """Tell whether ZBE-4 takes the movement back."""
    action = zbe.first(4) if zbe is not None else None
    return action is not None and action.upper() in _CANCELLING


def _movement(session: Session, zbe: Segment | None, event: str) -> dict[str, Any] | None:
    if zbe is not None:
        for repetition in zbe.repetitions(1):
            identifier = ei(session, repetition, "movement")
            if identifier is not None:
                return identifier
    if event not in ARRIVALS:
        return None
    evn = session.message.get("EVN")
    when = (evn.first(6) or evn.first(2)) if evn is not None else None
    value = f"{event}|{when or session.message.header.time}"
    return {"system": f"{session.namespace}/movement", "value": value}


def _start(session: Session, pv1: Segment, zbe: Segment | None, event: str) -> str | None:
    if zbe is not None and zbe.has(2):
        return session.date_time(zbe.first(2))
    if event in {"A01", "A04"} and pv1.has(44):
        return session.date_time(pv1.first(44))
    evn = session.message.get("EVN")
    if evn is None or event not in ARRIVALS:
        return None
    return session.date_time(evn.first(6) or evn.first(2))


def _status(pv1: Segment, draft: Draft) -> str:
    if draft.resource.get("status") == "finished":
        return "completed"
    return "planned" if pv1.first(2) == "P" else "active"


def _entries(session: Session, pv1: Segment, field: int, status: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    for repetition in pv1.repetitions(field):
        entries += _places(session, repetition, status)
    return entries


def _places(session: Session, repetition: Repetition, status: str) -> list[dict[str, Any]]:
    return [
        {"location": reference, "status": status, "physicalType": kind}
        for reference, kind in places(session, repetition)
    ]


def _on_encounter(draft: Draft, movement: dict[str, Any], zbe: Segment | None) -> None:
    """A movement without place of its own (discharge, change) stands on the visit."""
    if zbe is None:
        return
    extension = {"url": MOVEMENT, "valueIdentifier": movement}
    draft.resource.setdefault("extension", []).append(extension)


def _responsible(session: Session, zbe: Segment, draft: Draft) -> None:
    """ZBE-7: the ward responsible for the patient."""
    for repetition in zbe.repetitions(7):
        ward = organization(session, repetition)
        if ward is not None:
            draft.resource.setdefault("serviceProvider", ward)
            return
