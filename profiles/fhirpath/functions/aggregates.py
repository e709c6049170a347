"""sum(), min(), max() and avg(): STU in the current build.

https://build.fhir.org/ig/HL7/FHIRPath/#aggregates. An empty collection gives an empty result, and
so do items that cannot be compared or added.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from profiles.fhirpath.context import Evaluation
from profiles.fhirpath.functions.function import Function
from profiles.fhirpath.items import Items, system
from profiles.fhirpath.operators import OPERATORS, compare

_PLUS, _DIVIDED = OPERATORS["+"], OPERATORS["/"]


def _sum(evaluation: Evaluation, items: Items) -> Items:
    evaluation.spend(len(items))
    values = [system(item) for item in items]
    if not values or None in values:
        return []
    total = [values[0]]
    for value in values[1:]:
        total = _PLUS(evaluation, total, [value])
    return total


def _average(evaluation: Evaluation, items: Items) -> Items:
    total = _sum(evaluation, items)
    return _DIVIDED(evaluation, total, [len(items)]) if total else []


def _extreme(accept: Callable[[int], bool]) -> Callable[[Evaluation, Items], Items]:
    def call(evaluation: Evaluation, items: Items) -> Items:
        evaluation.spend(len(items))
        values = [system(item) for item in items]
        if not values or None in values:
            return []
        found: Any = values[0]
        for value in values[1:]:
            order = compare(value, found)
            if order is None:
                return []
            found = value if accept(order) else found
        return [found]

    return call


FUNCTIONS: dict[str, Function] = {
    "sum": Function(_sum),
    "avg": Function(_average),
    "min": Function(_extreme(lambda order: order < 0)),
    "max": Function(_extreme(lambda order: order > 0)),
}
