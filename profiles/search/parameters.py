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


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """One search parameter of one resource type; there is one object for each."""

    name: str
    #: token, reference, string, date, uri, quantity, number, composite, special or text.
    kind: str
    #: Path programs (profiles/r4/compile/paths.py).
    programs: tuple[Mapping[str, Any], ...]
    #: Resource types a reference may point to.
    targets: tuple[str, ...] = ()
    #: Of a composite, for each program: what its parts are, in order.
    components: tuple[tuple[Parameter, ...], ...] = ()
    #: True: a package defines it, and no index knows it.
    own: bool = False

    def select(self, resource: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield (data type, value) of all values this parameter searches."""
        for program in self.programs:
            for value in select(resource, program["steps"]):
                yield program["type"], value


def select(value: Any, steps: list[dict[str, Any]]) -> Iterator[Any]:
    """Yield what a path program's steps select."""
    if not steps:
        yield value
        return
    step = steps[0]
    inner = value.get(step["name"])
    if inner is None:
        return
    for item in _taken(inner if step.get("many") else [inner], step):
        yield from select(item, steps[1:])


def _taken(items: list[Any], step: dict[str, Any]) -> Iterator[Any]:
    if "index" in step:
        items = items[step["index"] : step["index"] + 1]
    name, expected = step.get("where", (None, None))
    for item in items:
        if item is not None and (name is None or item.get(name) == expected):
            yield item


class SearchParameters:
    """The search parameters in force: the standard's, and those of packages."""

    def __init__(self, own: Mapping[str, Mapping[str, Parameter]] | None = None) -> None:
        """Take parameters by resource type and name, beside the standard's."""
        self._own = own or {}
        self._of: dict[str, Mapping[str, Parameter]] = {}

    def of(self, resource_type: str) -> Mapping[str, Parameter]:
        """Return name → parameter of a resource type."""
        known = self._of.get(resource_type)
        if known is None:
            own = self._own.get(resource_type, {})
            known = MappingProxyType({**own, **parameters_of(resource_type)})
            self._of[resource_type] = known
        return known


#: Searches over the words of a whole resource; they have no expression.
_TEXTS: dict[str, dict[str, Any]] = {
    "_text": {"kind": "text", "paths": []},
    "_content": {"kind": "text", "paths": []},
}


@cache
def parameters_of(resource_type: str) -> Mapping[str, Parameter]:
    """Return name → parameter, including those of all resources (`_id` …)."""
    compiled = facts("search")["parameters"]
    own = compiled.get(resource_type, {})
    found = {**compiled["Resource"], **_TEXTS, **own}
    return MappingProxyType({name: _parameter(name, one, found) for name, one in found.items()})


def _parameter(name: str, one: dict[str, Any], beside: dict[str, Any]) -> Parameter:
    paths = tuple(one["paths"])
    components = tuple(
        tuple(
            _parameter(part["name"], {"targets": _targets(part["name"], beside), **part}, beside)
            for part in path.get("components", ())
        )
        for path in paths
        if one["kind"] == "composite"
    )
    return Parameter(name, one["kind"], paths, tuple(one.get("targets", ())), components)


def _targets(name: str, beside: dict[str, Any]) -> list[str]:
    """What references of a part may point to: as the parameter that defines it."""
    found: list[str] = beside.get(name, {}).get("targets", [])
    return found


@cache
def unsupported(resource_type: str) -> Mapping[str, str]:
    """Return name → reason for the published parameters that cannot be searched."""
    bases = (resource_type, "Resource", "DomainResource")
    return MappingProxyType(
        {
            name: reason
            for path, reason in facts("search")["unsupported"].items()
            for base, _, name in [path.partition(".")]
            if base in bases and name not in _TEXTS
        }
    )


#: Those of the standard alone.
STANDARD = SearchParameters()
