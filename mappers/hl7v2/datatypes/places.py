"""PL, DLD and HD → Location (HL7 v2.5 chapter 2.A.53; annex "Datatypes").

Every level a PL names is a Location, `partOf` the next larger one: bed, room, point of care,
floor, building, facility. The guide leaves the order of floor and point of care to the region; here
a ward lies on a floor.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mappers.base import Key
from mappers.hl7v2.datatypes import codings
from mappers.hl7v2.datatypes.houses import PHYSICAL_TYPE, assigned_by, entry, site
from mappers.hl7v2.datatypes.systems import (
    DELETE,
    assigner,
    hd,
    universal_identifier,
    whole,
)
from mappers.hl7v2.session import V2, Session, Stated
from mappers.hl7v2.tokenizer import Repetition, leaf
from mappers.identity import logical_id
from mappers.trace import Text, derived, text


class _Level(NamedTuple):
    """A component of PL."""

    number: int
    #: Code of the physical type.
    code: str
    #: What the sender's own numbers of such places are called.
    kind: str


#: Largest place first.
_LEVELS = (
    _Level(4, "si", "facility"),
    _Level(7, "bu", "building"),
    _Level(8, "lvl", "floor"),
    _Level(1, "wa", "ward"),
    _Level(2, "ro", "room"),
    _Level(3, "bd", "bed"),
)


class Place(NamedTuple):
    """What a PL says of one level."""

    stated: Stated
    #: Physical type; of the point of care (or the only place) also PL.6 as the sender says it.
    kind: dict[str, Any]


def places(session: Session, repetition: Repetition) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """PL → References to Locations of this message, smallest first, with their physical type."""
    found: list[Place] = session.once(_places, repetition)
    for place in reversed(found):
        session.state(place.stated)
    return [(place.stated.reference, place.kind) for place in found]


def _places(session: Session, repetition: Repetition) -> list[Place]:
    found: list[Place] = []
    said = [level for level in _LEVELS if _named(repetition, level.number) is not None]
    # PL.6 speaks of the point of care, where there is none of the smallest place.
    kept = next((level for level in said if level.kind == "ward"), said[-1] if said else None)
    for level in said:
        elements: dict[str, Any] = {}
        if level is said[-1]:
            elements = _of_smallest(session, repetition)
        role = leaf(repetition, 6) if level is kept else None
        if role is not None and role != DELETE:
            elements["type"] = [{"coding": [{"system": V2 + "0305", "code": role}]}]
        above = found[0].stated if found else None
        found.insert(0, _place(session, repetition, level, elements, above))
    return found


def _named(repetition: Repetition, number: int) -> Text | None:
    """Name of a place: namespace id of an HD, else its universal id."""
    parts = hd(repetition[number]) if number < len(repetition) else [None, None, None]
    return parts[0] or parts[1]


def _place(
    session: Session,
    repetition: Repetition,
    level: _Level,
    elements: dict[str, Any],
    above: Stated | None,
) -> Place:
    """One level. A room or bed number alone is not unique: it carries the ward and room before."""
    value: Text = _named(repetition, level.number)  # type: ignore[assignment]  # the caller checked
    before = [_named(repetition, n) for n in (1, 2)[: {"room": 1, "bed": 2}.get(level.kind, 0)]]
    full = "/".join(str(part) for part in (*before, value) if part is not None)
    system = f"{session.namespace}/location/{level.kind}"
    identifier: dict[str, Any] = {"system": system, "value": text(full, value.source)}
    also = _assigner(session, repetition, identifier)
    identifiers = [identifier]
    universal = universal_identifier(session, "location", hd(repetition[level.number]))
    if universal is not None:
        identifiers.append(universal)
    identifiers += elements.pop("identifier", [])
    kind = {"coding": [{"system": PHYSICAL_TYPE, "code": level.code}]}
    made: dict[str, Any] = {"identifier": identifiers, **elements, "name": value}
    made["mode"] = "instance"
    shown = kind
    for role in elements.get("type", ()):
        shown = {"coding": [*kind["coding"], *role["coding"]]}
    made["physicalType"] = kind
    if above is not None:
        made["partOf"] = {"reference": above.reference["reference"]}
    key = Key("Location", system, full)
    identity = logical_id(session.context.region_key, key)
    reference = {
        "reference": f"Location/{identity}",
        "identifier": {"system": system, "value": identifier["value"]},
        "display": _display(value, elements.get("description")),
    }
    return Place(Stated(key, identity, made, reference, also), shown)


def _display(value: Text, words: Text | None) -> str:
    return derived(f"{value} ({words})", value, words) if words is not None else value


def _of_smallest(session: Session, repetition: Repetition) -> dict[str, Any]:
    """PL.5, .9 and .10 speak of the smallest place."""
    made: dict[str, Any] = {}
    size = len(repetition)
    if size > 10 and (number := leaf(repetition, 10)) is not None and number != DELETE:
        component = repetition[10]
        parts = component[1:] if type(component) is list else None
        system, _ = assigner(session, parts or None, "location", None)
        made["identifier"] = [{"system": system, "value": number}]
    status = leaf(repetition, 5)
    if status is not None and status != DELETE:
        made["operationalStatus"] = _status(session, status)
    words = leaf(repetition, 9)
    if words is not None and words != DELETE:
        made["description"] = words
    return made


def _status(session: Session, status: Text) -> dict[str, Any]:
    """PL.5: a state of the bed (table 0116), else the sender's own (table 0306)."""
    found = session.lookup("bed-status", status)
    if found is None:
        return {"system": V2 + "0306", "code": status}
    return {"system": found.system, "code": text(found.code, status.source)}


def _assigner(
    session: Session, repetition: Repetition, identifier: dict[str, Any]
) -> tuple[Stated, ...]:
    """PL.11: who gives the numbers of these places."""
    authority = repetition[11] if len(repetition) > 11 else None
    return assigned_by(session, identifier, authority, None) if authority is not None else ()


def place_key(repetition: Repetition) -> str:
    """The places of a PL as one comparable text."""
    return "/".join(str(leaf(repetition, n) or "") for n in (1, 2, 3))


def facility(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """HD → Reference to a Location of this message: a site (EVN-7)."""
    found: Stated | None = session.once(_site, repetition)
    if found is None:
        return None
    session.state(found)
    return found.reference


def _site(session: Session, repetition: Repetition) -> Stated | None:
    return site(session, whole(repetition))


def coded_place(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """DLD, or a code that names a place → Reference to a Location of this message."""
    found: Stated | None = session.once(_coded_place, repetition)
    if found is None:
        return None
    session.state(found)
    return found.reference


def _coded_place(session: Session, repetition: Repetition) -> Stated | None:
    whole = repetition[1] if len(repetition) > 1 else None
    if type(whole) is list:
        # DLD.1 is a CWE whose parts are subcomponents.
        repetition = [None, *whole]
    code = codings.plain(repetition)
    if code is None:
        return None
    system = f"{session.namespace}/location"
    kind = None
    if type(whole) is list:
        kind = codings.concept(session, repetition)
        if (named := leaf(repetition, 3)) is not None:
            system = text(codings.code_system(session, named).uri, named.source)
    shown = leaf(repetition, 2) or code
    made: dict[str, Any] = {"name": shown}
    if kind is not None:
        made["type"] = [kind]
    return entry(session, "Location", [{"system": system, "value": code}], shown, made)
