"""What search criteria consist of: conditions, their combinations, and ways to other resources.

https://hl7.org/fhir/R4/search.html. Frozen values that a store can plan with. `Link`, `Has` and
`Listed` ask about other resources; who may see those is for the asker's surroundings to say, so
they are replaced by plain conditions before anything is matched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from profiles.issue import NotSupported
from profiles.search.matching import holds
from profiles.search.parameters import Parameter, parameters_of
from profiles.search.terms import Terms, index_terms
from profiles.search.values import Value


@dataclass(frozen=True, slots=True)
class Condition:
    """One parameter with its values; holds when any of them does."""

    name: str
    #: token, reference, string, date, uri, quantity, number, composite, special or text.
    kind: str
    #: "", missing, not, text, in, not-in, above, below, of-type, exact, contains, identifier or a
    #: resource type.
    modifier: str
    #: All of the class that belongs to kind and modifier (values.py).
    values: tuple[Value, ...]
    #: None: the standard's parameter of that name.
    parameter: Parameter | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class AllOf:
    """Holds when all of them do."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds when any of them does; nothing in it never holds."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Negated:
    """Holds when the other does not."""

    node: Node


@dataclass(frozen=True, slots=True)
class Link:
    """`subject:Patient.name=x`: a reference points to a resource that meets the criteria."""

    name: str
    target: Criteria


@dataclass(frozen=True, slots=True)
class Has:
    """`_has:Observation:patient:code=x`: a resource that meets the criteria points here."""

    name: str
    source: Criteria


@dataclass(frozen=True, slots=True)
class Listed:
    """`_list=1`: it is an item of one of these Lists (logical ids)."""

    lists: tuple[str, ...]


Node = Condition | AllOf | AnyOf | Negated | Link | Has | Listed


@dataclass(frozen=True, slots=True)
class Criteria:
    """A resource type and the conditions that all must hold."""

    resource_type: str
    conditions: tuple[Node, ...] = ()
    #: Parameters whose terms are looked at.
    _names: frozenset[str] = field(init=False, repr=False, compare=False)
    #: Those among them that packages define.
    _own: tuple[Parameter, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Remember which parameters take part."""
        conditions = [one for node in self.conditions for one in plain(node)]
        own = [one.parameter for one in conditions if one.parameter and one.parameter.own]
        object.__setattr__(self, "_names", frozenset(one.name for one in conditions))
        object.__setattr__(self, "_own", tuple(dict.fromkeys(own)))

    def matches(self, resource: dict[str, Any], *, terms: Terms | None = None) -> bool:
        """Say whether a resource meets the criteria.

        `terms` are its index terms, if the caller has them already. Raises NotSupported for
        criteria that ask about other resources.
        """
        if resource.get("resourceType") != self.resource_type:
            return False
        if not self.conditions:
            return True
        if terms is None or self._own:
            terms = index_terms(resource, self._names, self._own)
        found = terms
        parameters = parameters_of(self.resource_type)

        def meets(one: Condition) -> bool:
            parameter = one.parameter or parameters[one.name]
            return holds(one.kind, one.modifier, one.values, parameter, resource, found)

        return all(evaluated(node, meets) for node in self.conditions)


def evaluated(node: Node, meets: Callable[[Condition], bool]) -> bool:
    """Say whether a node holds when `meets` says so of its conditions."""
    if isinstance(node, Condition):
        return meets(node)
    if isinstance(node, AllOf):
        return all(evaluated(one, meets) for one in node.nodes)
    if isinstance(node, AnyOf):
        return any(evaluated(one, meets) for one in node.nodes)
    if isinstance(node, Negated):
        return not evaluated(node.node, meets)
    raise NotSupported("chained search is not supported")


def plain(node: Node) -> Iterator[Condition]:
    """Yield the conditions of a node that are about the resource itself."""
    if isinstance(node, Condition):
        yield node
    elif isinstance(node, AllOf | AnyOf):
        for one in node.nodes:
            yield from plain(one)
    elif isinstance(node, Negated):
        yield from plain(node.node)


def is_linked(node: Node) -> bool:
    """Say whether a node asks about other resources."""
    if isinstance(node, AllOf | AnyOf):
        return any(is_linked(one) for one in node.nodes)
    if isinstance(node, Negated):
        return is_linked(node.node)
    return isinstance(node, Link | Has | Listed)
