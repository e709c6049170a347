"""PV1-3/-6/-11/-42 and ZBE → Encounter.location (IHE PAM historic movements, German use).

A movement (A01, A02, A04, or whatever ZBE names) has an id; its places carry it in an extension
so that a later update or cancel finds them. Other events only sight the patient somewhere.
"""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.identifiers import ei
from mappers.hl7v2.datatypes.parties import organization, places
from mappers.hl7v2.events import ARRIVALS, EVENTS, PENDING_CANCELLED
from mappers.hl7v2.segments import levels
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import DELETE, Repetition, Segment
from mappers.movements import CANCELLED, MOVEMENT

_CANCELLING = frozenset({"CANCEL", "DELETE"})
#: Event → the movement it takes back where ZBE-6 does not say.
_TAKES_BACK = {"A11": "A01", "A12": "A02", "A27": "A14", "A38": "A05"}
_NEITHER = frozenset({"A03", *(name for name, event in EVENTS.items() if event.cancels)})

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "PV1-3": ("Encounter.location",),
    "PV1-6": ("Encounter.location",),
    "PV1-11": ("Encounter.location",),
    "PV1-42": ("Encounter.location",),
    "PV1-43": ("Encounter.location",),
    "PV2-1": ("Encounter.location",),
    "ZBE-1": ("Encounter.location.extension", "Encounter.extension"),
    "ZBE-2": ("Encounter.location.period",),
    "ZBE-3": ("Encounter.location.period",),
    "ZBE-7": ("Encounter.serviceProvider",),
}


def locations(session: Session, pv1: Segment, zbe: Segment | None, draft: Draft) -> None:
    """Fill Encounter.location and what ZBE says about the movement."""
    status = _status(pv1, draft)
    found = _entries(session, pv1, 3, status)
    if _taken_back(session, zbe):
        _cancel(session, pv1, zbe, draft)
        if zbe is not None and _led_somewhere(session, zbe):
            levels.contact(session, pv1, zbe, draft, [])
    else:
        _arrive(session, pv1, zbe, draft, found)
        if zbe is not None and _is_arrival(session, zbe):
            levels.contact(session, pv1, zbe, draft, found)
        if session.event != "A13":
            found += _entries(session, pv1, 6, "completed")
    found += _entries(session, pv1, 11, "active")
    found += _entries(session, pv1, 43, "completed")
    if session.event in PENDING_CANCELLED:
        session.ignored.append((pv1.repetitions(42), "the place the patient is not to come to"))
    else:
        found += _entries(session, pv1, 42, "reserved")
    if found:
        draft.resource["location"] = found
    if zbe is not None:
        _responsible(session, zbe, draft)
        historic = zbe.first(5)
        draft.historic = historic is not None and historic.upper() in {"Y", "J"}


def prior_pending(session: Session, pv2: Segment, draft: Draft) -> None:
    """PV2-1: where the patient was to come to before."""
    found = _entries(session, pv2, 1, "planned")
    if found:
        draft.resource.setdefault("location", []).extend(found)


def _arrive(
    session: Session,
    pv1: Segment,
    zbe: Segment | None,
    draft: Draft,
    found: list[dict[str, Any]],
) -> None:
    """Mark the places with the movement that leads to them, or the visit with it."""
    arrival = _is_arrival(session, zbe)
    movement = _movement(session, zbe)
    if not arrival or not found:
        if movement is not None:
            _on_encounter(session, draft, movement, zbe, MOVEMENT)
        return
    start = _start(session, pv1, zbe)
    end = session.date_time(zbe.first(3)) if zbe is not None else None
    period = {k: v for k, v in (("start", start), ("end", end)) if v is not None}
    named = movement or _implied(session)
    if end is not None:
        named = {**named, "period": {"end": end}}
    for entry in found:
        if period:
            entry["period"] = period
        entry["extension"] = [{"url": MOVEMENT, "valueIdentifier": named}]


def _is_arrival(session: Session, zbe: Segment | None) -> bool:
    """Tell whether PV1-3 is where a movement leads to; ZBE-6 names the event corrected."""
    if session.event in ARRIVALS:
        return True
    if zbe is None or session.event in _NEITHER:
        return False
    origin = zbe.first(6)
    return origin is None or origin in ARRIVALS


def _led_somewhere(session: Session, zbe: Segment) -> bool:
    """Tell whether the movement taken back brought the patient to a place."""
    return (zbe.first(6) or _TAKES_BACK.get(session.event)) in ARRIVALS


def _taken_back(session: Session, zbe: Segment | None) -> bool:
    """ZBE-4 or, without ZBE, the event takes a movement to a place back."""
    action = zbe.first(4) if zbe is not None else None
    if action is not None:
        return action.upper() in _CANCELLING
    return session.event == "A12"


def _cancel(session: Session, pv1: Segment, zbe: Segment | None, draft: Draft) -> None:
    """Name the movement taken back: by its id, else by the place it led to (PV1-6)."""
    movement = _movement(session, zbe)
    if movement is not None:
        _on_encounter(session, draft, movement, zbe, CANCELLED)
        for repetition in pv1.repetitions(6):
            session.ignored.append((repetition, "the place of the movement taken back"))
        return
    for entry in _entries(session, pv1, 6, "completed")[:1]:
        extension = {"url": CANCELLED, "valueIdentifier": entry["location"]["identifier"]}
        draft.resource.setdefault("extension", []).append(extension)


def _movement(session: Session, zbe: Segment | None) -> dict[str, Any] | None:
    for repetition in zbe.repetitions(1) if zbe is not None else ():
        identifier = ei(session, repetition, "movement")
        if identifier is not None:
            return identifier
    return None


def _implied(session: Session) -> dict[str, Any]:
    """Without ZBE the event and its time name the movement."""
    evn = session.message.get("EVN")
    times = [evn.first(6), evn.first(2)] if evn is not None else []
    times.append(session.message.segments[0].first(7))
    stated = next((when for when in times if when and when != DELETE), "")
    value = f"{session.event}|{stated}"
    return {"system": f"{session.namespace}/movement", "value": value}


def _start(session: Session, pv1: Segment, zbe: Segment | None) -> str | None:
    if zbe is not None and zbe.has(2):
        return session.date_time(zbe.first(2))
    if session.event in {"A01", "A04"} and pv1.has(44):
        return session.date_time(pv1.first(44))
    evn = session.message.get("EVN")
    if evn is None or session.event not in ARRIVALS:
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
        for reference, kind in session.once(places, repetition)
    ]


def _on_encounter(
    session: Session, draft: Draft, movement: dict[str, Any], zbe: Segment | None, url: str
) -> None:
    """A movement without place of its own (discharge, cancel) stands on the visit."""
    period = {}
    for field, side in ((2, "start"), (3, "end")):
        when = session.date_time(zbe.first(field)) if zbe is not None else None
        if when is not None:
            period[side] = when
    named = {**movement, "period": period} if period else movement
    draft.resource.setdefault("extension", []).append({"url": url, "valueIdentifier": named})


def _responsible(session: Session, zbe: Segment, draft: Draft) -> None:
    """ZBE-7: the ward responsible for the patient."""
    for repetition in zbe.repetitions(7):
        ward = organization(session, repetition)
        if ward is not None:
            draft.resource.setdefault("serviceProvider", ward)
            return
