"""The search parameters of a resource type.

https://hl7.org/fhir/R4/searchparameter-registry.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from profiles.r4 import facts


@dataclass(frozen=True, slots=True)
class Parameter:
    """One search parameter of one resource type."""

    name: str
    #: token, reference, string, date, uri, quantity or number.
    kind: str
    #: Path programs (profiles/r4/compile/paths.py).
    programs: tuple[Mapping[str, Any], ...]
    #: Resource types a reference may point to.
    targets: tuple[str, ...] = ()

    def select(self, resource: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield (data type, value) of all values this parameter searches."""
        for program in self.programs:
            for value in _select(resource, program["steps"]):
                yield program["type"], value


def _select(value: Any, steps: list[dict[str, Any]]) -> Iterator[Any]:
    if not steps:
        yield value
        return
    step = steps[0]
    inner = value.get(step["name"])
    if inner is None:
        return
    for item in _taken(inner if step.get("many") else [inner], step):
        yield from _select(item, steps[1:])


def _taken(items: list[Any], step: dict[str, Any]) -> Iterator[Any]:
    if "index" in step:
        items = items[step["index"] : step["index"] + 1]
    name, expected = step.get("where", (None, None))
    for item in items:
        if item is not None and (name is None or item.get(name) == expected):
            yield item


@cache
def parameters_of(resource_type: str) -> Mapping[str, Parameter]:
    """Return name → parameter, including those of all resources (`_id` …)."""
    compiled = facts("search")["parameters"]
    own = compiled.get(resource_type, {})
    return MappingProxyType(
        {
            name: Parameter(name, one["kind"], tuple(one["paths"]), tuple(one.get("targets", ())))
            for name, one in {**compiled["Resource"], **own}.items()
        }
    )


@cache
def unsupported(resource_type: str) -> Mapping[str, str]:
    """Return name → reason for the published parameters that cannot be searched."""
    bases = (resource_type, "Resource", "DomainResource")
    return MappingProxyType(
        {
            name: reason
            for path, reason in facts("search")["unsupported"].items()
            for base, _, name in [path.partition(".")]
            if base in bases
        }
    )
