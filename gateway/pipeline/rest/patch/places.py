"""Places of elements in the JSON of a resource, found by FHIRPath.

https://hl7.org/fhir/R4/json.html: a primitive and what is beside it (`_birthDate`) are one element;
an element of a choice has its type in its name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from profiles import fhirpath
from profiles.fhirpath import Bounds, FHIRPathError
from profiles.issue import NotConformant
from profiles.reading.fhir_elements import Member, members
from profiles.reading.inapplicable import Inapplicable

Json = dict[str, Any]

_STEP = re.compile(r"([A-Za-z0-9_]+)(?:\[(\d+)\])?\Z")
_BOUNDS = Bounds()


@dataclass(frozen=True, slots=True)
class Place:
    """One element."""

    #: The object that holds it; None for the resource itself.
    holder: Json | None
    #: Its JSON name, without underscore.
    name: str
    #: Its position in a list; -1 where there is none.
    index: int
    #: Type of what it holds: `HumanName`, `Patient.contact`.
    type: str
    #: The object itself, for adding to it; None for a primitive without one.
    value: Json | None


def places(resource: Json, expression: str) -> list[Place]:
    """Return the elements an expression finds, in its order.

    Raises NotConformant for what is no FHIRPath, Inapplicable for what it finds elsewhere than in
    the resource.
    """
    try:
        items = fhirpath.compile(expression).items(resource, bounds=_BOUNDS)
    except FHIRPathError:
        raise NotConformant("A path of the patch is no FHIRPath that can be followed.") from None
    if any(not item.path for item in items):
        raise Inapplicable("A path of the patch names no element of the resource.")
    return [_walked(resource, item.path) for item in items]


def member(type_name: str, name: str) -> tuple[str, Member] | None:
    """Return JSON name and definition of an element; a choice by its name without type."""
    known = members(type_name)
    if name in known:
        return name, known[name]
    return None


def of_choice(type_name: str, name: str, value_type: str) -> tuple[str, Member] | None:
    """Return JSON name and definition of an element of a choice."""
    return member(type_name, name + value_type[:1].upper() + value_type[1:])


def _walked(resource: Json, path: str) -> Place:
    place = Place(None, "", -1, resource["resourceType"], resource)
    for step in path.split(".")[1:]:
        found = _STEP.match(step)
        if found is None or place.value is None:
            raise Inapplicable("A path of the patch names no element of the resource.")
        place = _next(place, found[1], int(found[2]) if found[2] else -1)
    return place


def _next(place: Place, shown: str, index: int) -> Place:
    holder = place.value or {}
    for name, definition in members(place.type).items():
        if definition.shown == shown and (name in holder or f"_{name}" in holder):
            value = at(holder, name, index)
            return Place(holder, name, index, _type(definition, value), value)
    raise Inapplicable("A path of the patch names no element of the resource.")


def at(holder: Json, name: str, index: int) -> Json | None:
    """Return the object of an element: a primitive's stands under the name with underscore."""
    for one in (holder.get(name), holder.get(f"_{name}")):
        value = one
        if index >= 0:
            value = one[index] if isinstance(one, list) and index < len(one) else None
        if isinstance(value, dict):
            return value
    return None


def _type(definition: Member, value: Json | None) -> str:
    if definition.type == "Resource" and value is not None:
        return str(value.get("resourceType", "Resource"))
    return definition.type
