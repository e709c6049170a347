"""`_include` and `_revinclude`: what else an answer brings along.

https://hl7.org/fhir/R4/search.html#revinclude: `_include=Observation:subject:Patient` brings what
matches point to, `_revinclude=Provenance:target` what points to matches, `:iterate` goes on from
what came that way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gateway.api.types import resource_types
from profiles.issue import NotSupported
from profiles.search import Parameter, SearchParameters

#: Type and logical id.
Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Inclusion:
    """One `_include` or `_revinclude`."""

    #: Type that has the reference; "" for any.
    source: str
    #: Reference parameter; "" for all.
    name: str
    #: Type the reference is to point to; "" for any.
    target: str
    reverse: bool
    iterate: bool

    def parameters(self, type_: str, known: SearchParameters) -> Iterator[Parameter]:
        """Yield the reference parameters of a type that are followed."""
        if self.source not in {"", type_}:
            return
        for name, one in known.of(type_).items():
            if one.kind == "reference" and self.name in {"", name}:
                yield one


def parse_inclusion(name: str, value: str, parameters: SearchParameters) -> Inclusion:
    """Read `_include:iterate=Observation:subject:Patient`. Raises NotSupported."""
    kind, _, modifier = name.partition(":")
    reverse = kind == "_revinclude"
    if modifier not in {"", "iterate"}:
        raise NotSupported("_include and _revinclude take the modifier iterate")
    if value == "*" and not reverse:
        return Inclusion("", "", "", reverse, modifier == "iterate")
    source, _, rest = value.partition(":")
    parameter, _, target = rest.partition(":")
    if source not in resource_types() or (target and target not in resource_types()):
        raise NotSupported("_include and _revinclude name a resource type and a reference")
    known = parameters.of(source).get(parameter)
    if parameter != "*" and (known is None or known.kind != "reference"):
        raise NotSupported("_include and _revinclude name a resource type and a reference")
    followed = "" if parameter == "*" else parameter
    return Inclusion(source, followed, target, reverse, modifier == "iterate")


def targets(
    resource: dict[str, Any], inclusions: Iterable[Inclusion], known: SearchParameters, base: str
) -> Iterator[Name]:
    """Yield what a resource points to by the references that are to be followed."""
    type_ = resource["resourceType"]
    for one in inclusions:
        for parameter in one.parameters(type_, known):
            for name in pointed_to(resource, parameter, base):
                if one.target in {"", name[0]}:
                    yield name


def pointed_to(resource: dict[str, Any], parameter: Parameter, base: str) -> Iterator[Name]:
    """Yield the local resources a reference parameter of a resource points to."""
    for program in parameter.programs:
        for value in _values(parameter, resource, program):
            name = local_name(value, base)
            if name is not None and program.get("target", name[0]) == name[0]:
                yield name


def _values(parameter: Parameter, resource: dict[str, Any], program: Any) -> Iterator[str]:
    narrowed = Parameter(parameter.name, parameter.kind, (program,))
    for _, value in narrowed.select(resource):
        if isinstance(value, dict) and isinstance(reference := value.get("reference"), str):
            yield reference


def local_name(reference: str, base: str) -> Name | None:
    """Read `Type/id`, with or without this server's address and a version; None for others."""
    plain = reference.removeprefix(f"{base}/").partition("/_history/")[0]
    type_, bar, id_ = plain.partition("/")
    return (type_, id_) if bar and type_ in resource_types() and "/" not in id_ else None
