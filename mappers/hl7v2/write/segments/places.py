"""Encounter.location → PV1-3, -6, -11 and -42 (PL) and the movement of ZBE.

Entries of one place (bed, room, ward …) follow one another; a new place begins where the order
starts again or the period changes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mappers.base import Resource
from mappers.hl7v2.session import V2
from mappers.hl7v2.write.datatypes.identifiers import ei, own_first
from mappers.hl7v2.write.er7 import Repetition, Segment
from mappers.hl7v2.write.segments.locations import about
from mappers.hl7v2.write.writing import Writing
from mappers.movements import CANCELLED, MOVEMENT
from mappers.trace import Text, derived, text

#: Physical type → component of PL, kind of the partner's own number; most specific first.
_COMPONENTS = {
    "bd": (3, "bed"),
    "ro": (2, "room"),
    "wa": (1, "ward"),
    "lvl": (8, "floor"),
    "bu": (7, "building"),
    "si": (4, "facility"),
}
#: Events that take a movement back.
_CANCELS = frozenset({"A11", "A12", "A13"})
#: Person location type, PL.6.
_KIND_OF_PLACE = V2 + "0305"
_ORDER = list(_COMPONENTS)
_FIELDS = {"completed": 6, "reserved": 42}
_SAID = {6: "completed", 42: "reserved"}

Entry = dict[str, Any]


class Movement(NamedTuple):
    """A movement with its number as EI and its period."""

    number: Repetition
    period: dict[str, Text]
    #: True: the movement is taken back.
    cancelled: bool


def places(w: Writing, segment: Segment, visit: Resource) -> None:
    """Write where the patient is, was and will be; PV1-3 is the latest place not left."""
    groups = _groups(visit.get("location", ()))
    current = _current(groups)
    if current is not None:
        _place(w, segment, 3, current, _present(segment, visit))
        # PV1-44 or EVN-6 says when the patient came.
        began = (visit.get("period", {}).get("start"), w.source.occurred)
        for entry in current:
            period = entry.get("period", {})
            if period.keys() == {"start"} and period["start"] in began:
                w.carried(period)
        groups = [group for group in groups if group is not current]
    for group in sorted(groups, key=_began, reverse=True):
        field = _FIELDS.get(str(group[0].get("status")), 11)
        _place(w, segment, field, group, _SAID.get(field, "active"))


def _present(segment: Segment, visit: Resource) -> str:
    """The status PV1-3 says a place has."""
    if visit.get("status") == "finished":
        return "completed"
    return "planned" if segment.first(2) == "P" else "active"


def _groups(entries: Any) -> list[list[Entry]]:
    groups: list[list[Entry]] = []
    rank = -1
    for entry in entries:
        kind = _kind(entry)
        now = _ORDER.index(kind) if kind in _ORDER else 0
        if not groups or now <= rank or not _together(groups[-1][-1], entry):
            groups.append([])
        groups[-1].append(entry)
        rank = now
    return groups


def _kind(entry: Entry) -> str:
    for coding in entry.get("physicalType", {}).get("coding", ()):
        return str(coding.get("code"))
    return ""


def _together(one: Entry, other: Entry) -> bool:
    return all(one.get(name) == other.get(name) for name in ("status", "period", "extension"))


def _began(group: list[Entry]) -> str:
    return str(group[0].get("period", {}).get("start", ""))


def _current(groups: list[list[Entry]]) -> list[Entry] | None:
    here = [group for group in groups if group[0].get("status") in ("active", "planned", None)]
    here = here or [group for group in groups if group[0].get("status") == "completed"]
    if not here:
        return None
    latest = max(_began(group) for group in here)
    return next(group for group in here if _began(group) == latest)


def _place(w: Writing, segment: Segment, field: int, group: list[Entry], said: str) -> None:
    """Write one place; `said` is the status its field says."""
    if not segment.takes(field):
        return
    parts: dict[int, Any] = {}
    words: str | None = None
    for entry in group:
        number, kind = _component(w, entry)
        value, described = _value(w, entry, kind)
        if value is None:
            continue
        parts[number] = (value,) if number == 4 else value
        for outer, part in _outer(entry, kind):
            parts.setdefault(outer, part)
        words = words or described
        w.carried(entry["status"] if entry.get("status") == said else None)
        _physical(w, entry, parts)
        for outer, part in about(w, entry.get("location"), value).items():
            w.carried(part if parts.get(outer) == part else None)
            parts.setdefault(outer, part)
    parts.setdefault(9, words)
    segment.add(field, [parts.get(number) for number in range(1, 11)])


def _physical(w: Writing, entry: Entry, parts: dict[int, Any]) -> None:
    """PL.6 where the kind is one of table 0305; else the component itself says it."""
    for coding in entry.get("physicalType", {}).get("coding", ()):
        if coding.get("system") != _KIND_OF_PLACE:
            w.carried(coding)
        elif "code" in coding:
            parts.setdefault(6, derived(coding["code"], coding["code"], coding["system"]))


def _component(w: Writing, entry: Entry) -> tuple[int, str]:
    """Component of PL and kind of a place; one of no kind is a point of care, or mere words."""
    target = w.source.resolve(entry.get("location")) or {}
    known = _COMPONENTS.get(_kind(entry)) or _COMPONENTS.get(_kind(target))
    if known is not None:
        return known
    named = target.get("identifier") or entry.get("location", {}).get("identifier")
    return (1, "ward") if named else (9, "ward")


def _outer(entry: Entry, kind: str) -> list[tuple[int, str]]:
    """Ward and room a bed's or room's own number begins with."""
    value = entry.get("location", {}).get("identifier", {}).get("value")
    if value is None or kind not in ("bed", "room"):
        return []
    return [(n, text(part, value.source)) for n, part in enumerate(value.split("/")[:-1], 1)]


def _value(w: Writing, entry: Entry, kind: str) -> tuple[str | None, str | None]:
    """Return the number of a place and its description."""
    reference = entry.get("location", {})
    identifier = reference.get("identifier", {})
    target = w.source.resolve(reference)
    if target is not None:
        w.carried(reference["reference"], identifier)
        known = own_first(w, target.get("identifier", ()))
        identifier = known[0] if known else identifier
    shown = reference.get("display") or (target or {}).get("name")
    w.carried(reference.get("type"))
    value, system = identifier.get("value"), identifier.get("system")
    if value is None:
        return shown, None
    own = system == f"{w.namespace}/location/{kind}"
    if own:
        w.carried(system)
    # A bed or room carries the ward before it in its number: "ST3B/212/2".
    last = value.rsplit("/", 1)[-1] if kind in ("bed", "room") else value
    return text(last, value.source), _description(w, shown, last)


def _description(w: Writing, shown: Text | None, value: str) -> str | None:
    """PL.9: words beyond the number itself."""
    if shown is None:
        return None
    if shown == value:
        w.carried(shown)
        return None
    if shown.startswith(f"{value} (") and shown.endswith(")"):
        return text(shown[len(value) + 2 : -1], shown.source)
    return shown


def point(w: Writing, reference: dict[str, Any]) -> Repetition | None:
    """Reference to a Location → PL with its number in the component of its kind."""
    number, kind = _component(w, {"location": reference})
    value, words = _value(w, {"location": reference}, kind)
    if value is None:
        return None
    parts: dict[int, Any] = {number: value, 9: words, **about(w, reference, value)}
    return [parts.get(place) for place in range(1, 11)]


def movement(w: Writing, visit: Resource, event: str) -> Movement | None:
    """Return the movement an event is about: the latest one, or the one a cancel takes back."""
    wanted = CANCELLED if event in _CANCELS else MOVEMENT
    stated: list[tuple[dict[str, Any], dict[str, Any]]] = [
        (extension, {}) for extension in visit.get("extension", ())
    ]
    for entry in visit.get("location", ()):
        stated += [(found, entry.get("period", {})) for found in entry.get("extension", ())]
    found = [pair for pair in stated if _is_movement(w, pair[0], wanted)]
    if not found:
        return None
    latest = max(found, key=_start)
    for extension, period in found:
        if extension == latest[0]:
            # Every place of one movement repeats it.
            w.carried(extension["url"], extension["valueIdentifier"], period)
    identifier = latest[0]["valueIdentifier"]
    number = ei(w, identifier, "movement")
    times = identifier.get("period") or latest[1]
    return Movement(number, times, wanted == CANCELLED) if number is not None else None


def _start(stated: tuple[dict[str, Any], dict[str, Any]]) -> str:
    extension, period = stated
    return str((extension["valueIdentifier"].get("period") or period).get("start", ""))


def _is_movement(w: Writing, extension: dict[str, Any], wanted: str) -> bool:
    """Tell a movement with a number of its own."""
    identifier = extension.get("valueIdentifier", {})
    if extension.get("url") not in (MOVEMENT, CANCELLED) or "value" not in identifier:
        return False
    system = str(identifier.get("system"))
    if system == f"{w.namespace}/movement" and "|" in identifier["value"]:
        # Event and time stand in for a number the sender did not give.
        w.carried(extension)
        return False
    # A place taken back is named by itself: PV1-3 of a cancel shows where the patient is.
    return extension["url"] == wanted and not system.startswith(f"{w.namespace}/location")
