"""Encounter.location from everything said about a stay, in whatever order it was said.

A movement (A01, A02, ZBE) is known by its id; other messages only sight the patient somewhere.
The list is computed from the set of all of them: movements in order of their start, each ended
by the next, a sighting only where no movement knows the place.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mappers.base import Resource

MOVEMENT = "https://region-gateway.example/fhir/StructureDefinition/encounter-movement"
CANCELLED = "https://region-gateway.example/fhir/StructureDefinition/encounter-movement-cancelled"
#: Register of the places seen without a movement.
SIGHTING = "location/sighting"
_OVER = frozenset({"finished", "cancelled", "entered-in-error"})

Entries = list[dict[str, Any]]


class Contact(NamedTuple):
    """How one movement of a stay stands: what its own Encounter says of status and time."""

    #: Identifier of the movement.
    system: str
    value: str
    #: Encounter.status.
    status: str
    #: FHIR dateTimes; empty when not known.
    start: str
    end: str


def split(resource: Resource) -> dict[str, Entries]:
    """Group Encounter.location by movement; the rest is the sighting."""
    groups: dict[str, Entries] = {}
    for entry in resource.get("location", ()):
        named = _named(entry)
        register = f"location/{named}" if named else SIGHTING
        groups.setdefault(register, []).append(entry)
    return groups


def arrange(resource: Resource, groups: dict[str, Entries], newest_sighting: bool) -> Entries:  # noqa: FBT001  one fact
    """Return Encounter.location for the visit as it now stands."""
    taken_back = _cancelled(resource)
    moves = sorted(
        (entries for register, entries in groups.items() if register != SIGHTING),
        key=lambda entries: (_start(entries), _named(entries[0])),
    )
    moves = _without(moves, taken_back)
    over = resource.get("status") in _OVER
    closing = str(resource.get("period", {}).get("end", "")) if over else ""
    arranged: Entries = []
    for position, entries in enumerate(moves):
        following = moves[position + 1] if position + 1 < len(moves) else None
        arranged += _placed(entries, following, closing, over=over)
    places = {_place(entry) for entry in arranged}
    if not moves or newest_sighting:
        seen = [e for e in groups.get(SIGHTING, ()) if _place(e) not in places]
        arranged += [_seen(entry, over=over) for entry in seen]
    return arranged


def contacts(stay: Resource) -> list[Contact]:
    """Tell how the movements of a stay stand, from its Encounter.location, in their order."""
    found: dict[str, Contact] = {}
    for entry in stay.get("location", ()):
        if named := _named(entry):
            system, _, value = named.rpartition("|")
            period = entry.get("period", {})
            found[named] = Contact(
                system,
                value,
                _contact_status(str(stay.get("status", "")), str(entry.get("status", ""))),
                str(period.get("start", "")),
                str(period.get("end", "")),
            )
    return list(found.values())


def _contact_status(stay: str, place: str) -> str:
    """A place left is a contact finished, unless the whole stay did not take place."""
    if stay in {"cancelled", "entered-in-error"}:
        return stay
    if place == "completed":
        return "finished"
    return "planned" if place == "planned" else stay


def _named(entry: dict[str, Any]) -> str:
    for extension in entry.get("extension", ()):
        if extension.get("url") == MOVEMENT:
            identifier = extension.get("valueIdentifier", {})
            return f"{identifier.get('system', '')}|{identifier.get('value', '')}"
    return ""


def _explicit_end(entry: dict[str, Any]) -> str:
    """The end the sender stated (ZBE-3) stands in the movement's identifier."""
    for extension in entry.get("extension", ()):
        if extension.get("url") == MOVEMENT:
            period = extension.get("valueIdentifier", {}).get("period", {})
            return str(period.get("end", ""))
    return ""


def _start(entries: Entries) -> str:
    return str(entries[0].get("period", {}).get("start", ""))


def _place(entry: dict[str, Any]) -> str:
    identifier = entry.get("location", {}).get("identifier", {})
    return f"{identifier.get('system', '')}|{identifier.get('value', '')}"


def _cancelled(resource: Resource) -> set[str]:
    found = set()
    for extension in resource.get("extension", ()):
        if extension.get("url") == CANCELLED:
            identifier = extension.get("valueIdentifier", {})
            found.add(f"{identifier.get('system', '')}|{identifier.get('value', '')}")
    return found


def _without(moves: list[Entries], taken_back: set[str]) -> list[Entries]:
    """Drop movements taken back by id; by place, only the last movement that led there."""
    kept = [entries for entries in moves if _named(entries[0]) not in taken_back]
    for entries in reversed(kept):
        if any(_place(entry) in taken_back for entry in entries):
            kept.remove(entries)
            break
    return kept


def _placed(entries: Entries, following: Entries | None, closing: str, *, over: bool) -> Entries:
    end = _start(following) if following is not None else ""
    end = end or _explicit_end(entries[0]) or closing
    done = following is not None or over or bool(_explicit_end(entries[0]))
    placed = []
    for entry in entries:
        start = entry.get("period", {}).get("start")
        period = {k: v for k, v in (("start", start), ("end", end)) if v}
        status = "completed" if done else ("planned" if entry["status"] == "planned" else "active")
        made = {**entry, "status": status}
        made.pop("period", None)
        if period:
            made["period"] = period
        placed.append(made)
    return placed


def _seen(entry: dict[str, Any], *, over: bool) -> dict[str, Any]:
    return {**entry, "status": "completed"} if over else entry
