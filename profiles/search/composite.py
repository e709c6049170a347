"""Composite parameters: several values that belong together.

https://hl7.org/fhir/R4/search.html#composite: `code-value-quantity=8480-6$gt140` asks for one thing
(an Observation, a component) that has both, not for a resource that has each somewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from profiles.search.emitters import Emit, Sink, emitter
from profiles.search.parameters import Parameter, select
from profiles.search.values import CompositeValue, Value

Term = tuple[Any, ...]
#: Says whether a value of a kind of parameter meets a term.
Test = Callable[[str, Value, Term], bool]


def composite_holds(
    parameter: Parameter, values: tuple[Value, ...], resource: dict[str, Any], test: Test
) -> bool:
    """Say whether a resource has something that meets all parts of one of the values."""
    for program, components in zip(parameter.programs, parameter.components, strict=True):
        for about in select(resource, program["steps"]):
            terms = [_terms(one, about, resource) for one in components]
            if any(
                isinstance(one, CompositeValue) and _meets(one, components, terms, test)
                for one in values
            ):
                return True
    return False


def _meets(
    value: CompositeValue, components: tuple[Parameter, ...], terms: list[list[Term]], test: Test
) -> bool:
    return all(
        any(test(one.kind, part, term) for term in found)
        for one, part, found in zip(components, value.parts, terms, strict=True)
    )


def _terms(part: Parameter, about: Any, resource: dict[str, Any]) -> list[Term]:
    sink = Sink()
    for program in part.programs:
        emit = _emit(part, dict(program))
        for value in select(resource if program.get("resource") else about, program["steps"]):
            emit(value, sink)
    return [term for kind in Sink.__slots__ for term in getattr(sink, kind)]


def _emit(part: Parameter, program: dict[str, Any]) -> Emit:
    return emitter(part.kind, (part.name,), program)
