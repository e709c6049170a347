"""StructureDefinition: its expressions can be read, its slicing and its constraints are possible.

https://hl7.org/fhir/R4/structuredefinition.html, https://hl7.org/fhir/R4/profiling.html#discriminator
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from profiles.issue import GatewayError
from profiles.packages.compact import compact_structure
from profiles.snapshot.elements import Element
from profiles.snapshot.generate import generate
from profiles.validate.definitional import expression_fault
from profiles.validate.discriminator_paths import steps_of
from profiles.validate.layers import Layers
from profiles.validate.members import Item, Json
from profiles.validate.places import Place
from profiles.validate.run import Check, Run

#: Types whose elements are those of whatever stands there.
_ANY = frozenset({"Resource", "DomainResource", "Element", "BackboneElement", "Base"})


def structure_definition_check(layers: Layers) -> Check:
    """Return what checks a StructureDefinition."""

    def check(item: Item, run: Run) -> None:
        for place, element in _elements(item):
            _check_expressions(element, place, run)
            _check_discriminators(element, place, layers, run)
        if item.value.get("derivation") == "constraint" and "differential" in item.value:
            _check_constraints(item, layers, run)

    return check


def _elements(item: Item) -> Iterator[tuple[Place, Json]]:
    """Go through the differential; the snapshot says the same again, unless it stands alone."""
    name = "differential" if "differential" in item.value else "snapshot"
    view = item.value.get(name)
    listed = view.get("element") if isinstance(view, dict) else None
    for index, element in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(element, dict):
            yield ((item.place, name), "element", index), element


def _objects(value: Any) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _check_expressions(element: Json, place: Place, run: Run) -> None:
    for index, one in enumerate(_objects(element.get("constraint"))):
        source = one.get("expression")
        fault = expression_fault(source) if isinstance(source, str) else None
        if fault is not None:
            run.report(*fault, ((place, "constraint", index), "expression"))


def _check_discriminators(element: Json, place: Place, layers: Layers, run: Run) -> None:
    slicing, path = element.get("slicing"), element.get("path")
    listed = slicing.get("discriminator") if isinstance(slicing, dict) else None
    for index, one in enumerate(_objects(listed)):
        said = one.get("path")
        if isinstance(path, str) and isinstance(said, str) and not _leads(path, said, layers):
            where = (((place, "slicing"), "discriminator", index), "path")
            text = "the discriminator path is not possible for the element that is sliced"
            run.report("error", "value", text, where)


def _leads(path: str, said: str, layers: Layers) -> bool:
    """Say whether a discriminator's path leads somewhere; True where nobody knows."""
    try:
        steps = steps_of(said)
    except ValueError:
        return False
    found = _at(path, layers)
    for kind, argument in steps:
        if not found or kind in {"resolve", "extension"}:
            return True
        if kind == "type":
            root = layers.type_root(argument)
            found = [root] if root is not None else []
        else:
            if any(one.code in _ANY and not element.children
                   for element in found for one in element.types):  # fmt: skip
                return True
            found = [below for one in found for below in _children(one, argument, layers)]
            if not found:
                return False
    return True


def _at(path: str, layers: Layers) -> list[Element]:
    """Return core's definitions of the element at a path; none where they are not known."""
    name, *names = path.split(".")
    root = layers.type_root(name)
    found = [root] if root is not None else []
    for one in names:
        found = [below for element in found for below in _children(element, one, layers)]
    return found


def _children(element: Element, name: str, layers: Layers) -> Iterator[Element]:
    if element.content_reference:
        yield from _children_of(_at(element.content_reference, layers), name)
        return
    roots = [layers.type_root(one.code) for one in element.types]
    yield from _children_of([element, *(one for one in roots if one is not None)], name)


def _children_of(holders: list[Element], name: str) -> Iterator[Element]:
    for holder in holders:
        for child in holder.children:
            plain = child.name.removesuffix("[x]")
            is_choice = plain != child.name
            if name in {child.name, plain} or (is_choice and name.startswith(plain)):
                yield child


def _check_constraints(item: Item, layers: Layers, run: Run) -> None:
    """What a differential may not do to its base is found by applying it."""
    try:
        made = generate(compact_structure(item.value), layers.snapshots.structure)
    except GatewayError:
        return  # the base is not at hand, or the differential is misshapen: told elsewhere
    for one in made.issues:
        if one.severity == "error":
            text = f"{one.text} ({one.location})"
            run.report("error", "structure", text, (item.place, "differential"))
