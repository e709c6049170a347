"""elementDefinition() and slice(): what definitions say of the elements of a resource.

https://hl7.org/fhir/R4/fhirpath.html#functions. Core's definitions are at hand; slices come from
the profiles that the caller's services know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from profiles.fhirpath.context import Evaluation, Sliced
from profiles.fhirpath.errors import FHIRPathError
from profiles.fhirpath.functions.function import Function
from profiles.fhirpath.items import Items, Node
from profiles.fhirpath.model import fhir_type
from profiles.fhirpath.singles import text
from profiles.r4 import definition

_STRUCTURES = "http://hl7.org/fhir/StructureDefinition/"


def _element_definition(evaluation: Evaluation, items: Items) -> Items:
    evaluation.spend(len(items))
    type_ = fhir_type("ElementDefinition")
    found = [_definition_of(one) for one in items if one.__class__ is Node]
    return [
        Node(one, None, type_, None, "ElementDefinition")
        for one in found
        if one is not None and type_ is not None
    ]


def _definition_of(node: Node) -> Any:
    """Return core's ElementDefinition of an element, None where there is none."""
    path = node.type.path if node.parent is None else f"{node.parent.type.path}.{node.name}"
    elements = _elements(path.partition(".")[0])
    return elements.get(path) or elements.get(f"{path}[x]")


@lru_cache(maxsize=64)
def _elements(type_name: str) -> Mapping[str, Any]:
    structure = definition(f"{_STRUCTURES}{type_name}") or {}
    return {one["path"]: one for one in structure.get("snapshot", {}).get("element", ())}


def _slice(evaluation: Evaluation, items: Items, structure: Items, name: Items) -> Items:
    url, wanted = text(structure, "slice()"), text(name, "slice()")
    service = evaluation.services.profiles
    if url is None or wanted is None:
        return []
    found = service.slice(url, wanted) if service is not None else None
    if found is None:
        raise FHIRPathError("slice() names a structure or a slice that is not known here")
    nodes = [one for item in items if item.__class__ is Node for one in _at(item, found)]
    evaluation.spend(len(items) + len(nodes))
    return [one for one in nodes if found.holds(one, _resource_of(one))]


def _at(node: Node, sliced: Sliced) -> Iterator[Node]:
    """Go through the sliced elements: the node itself, or what is below it on the path."""
    for path in _paths(node):
        if path == sliced.path:
            yield node
            return
        if sliced.path.startswith(f"{path}."):
            found: Items = [node]
            for step in sliced.path[len(path) + 1 :].split("."):
                found = _below(found, step)
            yield from found
            return


def _below(nodes: Items, name: str) -> Items:
    found: Items = []
    for node in nodes:
        node.type.takers[name](node, found)
    return found


def _paths(node: Node) -> Iterator[str]:
    """Go through everything an element may be called: by its type, and by each element around."""
    names: list[str] = []
    current: Node | None = node
    while current is not None:
        yield ".".join((current.type.path, *reversed(names)))
        names.append(current.name)
        current = current.parent


def _resource_of(node: Node) -> Any:
    current: Node = node
    while current.parent is not None and not (
        current.value.__class__ is dict and "resourceType" in current.value
    ):
        current = current.parent
    return current.value


FUNCTIONS: dict[str, Function] = {
    "elementDefinition": Function(_element_definition),
    "slice": Function(_slice, 2, 2),
}
