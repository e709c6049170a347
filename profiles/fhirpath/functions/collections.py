"""Existence, subsetting, combining and navigation.

https://hl7.org/fhirpath/N1/#existence, #subsetting, #combining, #tree-navigation.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from profiles.fhirpath.context import Evaluation
from profiles.fhirpath.equality import Seen, distinct
from profiles.fhirpath.errors import FHIRPathError
from profiles.fhirpath.functions.function import Function
from profiles.fhirpath.items import Items, Node, Type, TypeInfo, system, system_name
from profiles.fhirpath.singles import single, truth, whole_number


def _empty(_evaluation: Evaluation, items: Items) -> Items:
    return [not items]


def _exists(_evaluation: Evaluation, items: Items) -> Items:
    return [bool(items)]


def _not(_evaluation: Evaluation, items: Items) -> Items:
    answer = truth(items)
    return [] if answer is None else [not answer]


def _booleans(items: Items) -> list[bool]:
    values = [system(item) for item in items]
    if any(value is not True and value is not False for value in values):
        raise FHIRPathError("every item has to be a Boolean")
    return values


def _quantifier(
    *, wanted: bool, over: Callable[[Any], bool]
) -> Callable[[Evaluation, Items], Items]:
    def call(_evaluation: Evaluation, items: Items) -> Items:
        return [over([one is wanted for one in _booleans(items)])]

    return call


def _subset(evaluation: Evaluation, items: Items, other: Items) -> Items:
    seen = Seen(evaluation, other)
    return [all(item in seen for item in items)]


def _superset(evaluation: Evaluation, items: Items, other: Items) -> Items:
    return _subset(evaluation, other, items)


def _count(_evaluation: Evaluation, items: Items) -> Items:
    return [len(items)]


def _is_distinct(evaluation: Evaluation, items: Items) -> Items:
    return [len(distinct(evaluation, items)) == len(items)]


def _single(_evaluation: Evaluation, items: Items) -> Items:
    single(items)
    return items


def _first(_evaluation: Evaluation, items: Items) -> Items:
    return items[:1]


def _last(_evaluation: Evaluation, items: Items) -> Items:
    return items[-1:]


def _tail(_evaluation: Evaluation, items: Items) -> Items:
    return items[1:]


def _skip(_evaluation: Evaluation, items: Items, number: Items) -> Items:
    count = whole_number(number, "skip()")
    return [] if count is None else items[max(count, 0) :]


def _take(_evaluation: Evaluation, items: Items, number: Items) -> Items:
    count = whole_number(number, "take()")
    return [] if count is None else items[: max(count, 0)]


def _intersect(evaluation: Evaluation, items: Items, other: Items) -> Items:
    seen = Seen(evaluation, other)
    return distinct(evaluation, [item for item in items if item in seen])


def _exclude(evaluation: Evaluation, items: Items, other: Items) -> Items:
    seen = Seen(evaluation, other)
    return [item for item in items if item not in seen]


def _combine(evaluation: Evaluation, items: Items, other: Items) -> Items:
    evaluation.spend(len(items) + len(other))
    return [*items, *other]


def union(evaluation: Evaluation, items: Items, other: Items) -> Items:
    """Merge two collections without repetitions."""
    return distinct(evaluation, [*items, *other])


def children(evaluation: Evaluation, items: Items) -> Items:
    """Return what stands directly in nodes, in the order of the JSON."""
    out: Items = []
    for item in items:
        if item.__class__ is Node:
            _append_children(item, out)
    evaluation.spend(len(out) + len(items))
    return out


def _append_children(node: Node, out: Items) -> None:
    data = node.value
    if data.__class__ is not dict:
        data = node.extra or {}
    takers = node.type.takers
    for key in data:
        if key == "resourceType" or not key:
            continue
        if key[0] != "_":
            takers[key](node, out)
        elif key[1:] not in data:
            takers[key[1:]](node, out)


def descendants(evaluation: Evaluation, items: Items) -> Items:
    """Return everything inside nodes, level by level."""
    found: Items = []
    waiting = deque([items])
    while waiting:
        below = children(evaluation, waiting.popleft())
        if below:
            found += below
            waiting.append(below)
    return found


def _type(_evaluation: Evaluation, items: Items) -> Items:
    return [type_info(item) for item in items]


def type_info(item: Any) -> TypeInfo:
    """Describe an item's type."""
    if item.__class__ is not Node:
        return TypeInfo("System", system_name(item), "System.Any")
    type_: Type = item.type
    if type_.untyped:
        value = system(item)
        name = "" if value is None else system_name(value)
        return TypeInfo("System", name, "System.Any") if name else TypeInfo("", "Object")
    base = type_.base
    return TypeInfo(type_.namespace, type_.name, f"FHIR.{base.name}" if base else "System.Any")


FUNCTIONS: dict[str, Function] = {
    "empty": Function(_empty),
    "exists": Function(_exists),
    "not": Function(_not),
    "allTrue": Function(_quantifier(wanted=True, over=all)),
    "anyTrue": Function(_quantifier(wanted=True, over=any)),
    "allFalse": Function(_quantifier(wanted=False, over=all)),
    "anyFalse": Function(_quantifier(wanted=False, over=any)),
    "subsetOf": Function(_subset, 1, 1),
    "supersetOf": Function(_superset, 1, 1),
    "count": Function(_count),
    "distinct": Function(distinct),
    "isDistinct": Function(_is_distinct),
    "single": Function(_single),
    "first": Function(_first),
    "last": Function(_last),
    "tail": Function(_tail),
    "skip": Function(_skip, 1, 1),
    "take": Function(_take, 1, 1),
    "intersect": Function(_intersect, 1, 1),
    "exclude": Function(_exclude, 1, 1),
    "combine": Function(_combine, 1, 1),
    "union": Function(union, 1, 1),
    "children": Function(children),
    "descendants": Function(descendants),
    "type": Function(_type),
}
