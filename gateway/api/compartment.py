"""Compartments: everything about one patient, `GET /fhir/Patient/{id}/Observation`.

https://hl7.org/fhir/R4/compartmentdefinition.html. The owner itself belongs to its compartment.
Whether there is such an owner plays no part: what the caller may see of the rest does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from gateway.api.types import resource_types
from profiles.r4 import facts
from profiles.search import (
    AnyOf,
    Condition,
    Criteria,
    Node,
    ReferenceValue,
    TokenSetValue,
    parameters_of,
)


def compartments() -> Mapping[str, Mapping[str, list[str]]]:
    """Return compartment → resource type → the parameters that put a resource into it."""
    found: Mapping[str, Mapping[str, list[str]]] = facts("search")["compartments"]
    return found


def members(owner_type: str) -> Mapping[str, list[str]]:
    """Return resource type → the parameters by which a resource is about an owner.

    For an Encounter, whose compartment is not among the compiled definitions: what names it as its
    encounter or context, and its parts.
    """
    if owner_type in compartments():
        return compartments()[owner_type]
    return _naming(owner_type, frozenset({owner_type.lower(), "context", "part-of"}))


@cache
def _naming(owner_type: str, names: frozenset[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for type_ in resource_types():
        for name, one in parameters_of(type_).items():
            if name in names and one.kind == "reference" and owner_type in one.targets:
                found.setdefault(type_, []).append(name)
    return found


def types_in(compartment: str) -> tuple[str, ...]:
    """Return the resource types a compartment can have."""
    return tuple(sorted({compartment, *compartments().get(compartment, {})}))


def within(
    compartment: str, owner: str, criteria: Iterable[Criteria], *, base: str
) -> tuple[Criteria, ...]:
    """Return the criteria for resources of one compartment; types it never has are left out."""
    name = f"{compartment}/{owner}"
    keys = ReferenceValue(frozenset({name, f"{base}/{name}"}))
    own = Condition("_id", "token", "", (TokenSetValue(frozenset({("", owner)})),))
    found = []
    for one in criteria:
        known = parameters_of(one.resource_type)
        nodes: list[Node] = [
            Condition(parameter, "reference", "", (keys,))
            for parameter in members(compartment).get(one.resource_type, ())
            if parameter in known
        ]
        if one.resource_type == compartment:
            nodes.append(own)
        if nodes:
            found.append(Criteria(one.resource_type, (AnyOf(tuple(nodes)), *one.conditions)))
    return tuple(found)
