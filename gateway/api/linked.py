"""Chains, `_has` and `_list`: criteria about other resources, answered for this caller.

https://hl7.org/fhir/R4/search.html#chaining. Each is searched by itself, from the innermost out,
among what the caller may see, and replaced by the references it came to. So a hidden resource finds
nothing along a chain either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from gateway.api.access import visible
from gateway.api.collecting import Asker, everything, too_costly
from gateway.api.inclusion import Name, local_name, pointed_to
from profiles.search import (
    AllOf,
    AnyOf,
    Condition,
    Criteria,
    Has,
    Link,
    Listed,
    Negated,
    Node,
    ReferenceValue,
    TokenSetValue,
    is_linked,
)

#: Resources one step of a chain may lead to.
_MOST = 5_000
_TOO_MANY = "A chain leads to too many resources; narrow what it asks for."


async def resolved(asker: Asker, criteria: Criteria) -> Criteria:
    """Return criteria that ask about the resource alone. Raises NotConformant: too costly."""
    if not any(is_linked(node) for node in criteria.conditions):
        return criteria
    type_ = criteria.resource_type
    nodes = [await _resolved(asker, type_, node) for node in criteria.conditions]
    return Criteria(type_, tuple(nodes))


async def _resolved(asker: Asker, type_: str, node: Node) -> Node:
    if isinstance(node, AllOf | AnyOf):
        nodes = await asyncio.gather(*[_resolved(asker, type_, one) for one in node.nodes])
        return type(node)(tuple(nodes))
    if isinstance(node, Negated):
        return Negated(await _resolved(asker, type_, node.node))
    if isinstance(node, Link):
        return await _link(asker, type_, node)
    if isinstance(node, Has):
        return await _has(asker, type_, node)
    if isinstance(node, Listed):
        return await _listed(asker, type_, node)
    return node


async def _link(asker: Asker, type_: str, node: Link) -> Condition:
    """References to what meets the rest of the chain."""
    parameter = asker.gateway.options.parameters.of(type_)[node.name]
    base = asker.gateway.options.base_url
    keys: set[str] = set()
    for one in await _hits(asker, node.target):
        name = f"{one['resourceType']}/{one.get('id', '')}"
        keys |= {name, f"{base}/{name}"}
        if isinstance(url := one.get("url"), str):
            keys |= {url, f"{url}|{one.get('version', '')}"}
    return Condition(node.name, "reference", "", (ReferenceValue(frozenset(keys)),), parameter)


async def _has(asker: Asker, type_: str, node: Has) -> Condition:
    """What is pointed to by what meets the rest."""
    base = asker.gateway.options.base_url
    known = asker.gateway.options.parameters.of(node.source.resource_type)
    parameter = known[node.name]
    names: set[Name] = set()
    for one in await _hits(asker, node.source):
        names.update(pointed_to(one, parameter, base))
    return _of_names(type_, names)


async def _hits(asker: Asker, criteria: Criteria) -> list[dict[str, object]]:
    inner = await resolved(asker, criteria)
    seen = await everything(asker, asker.query([inner]), most=_MOST)
    if seen is None:
        raise too_costly(_TOO_MANY)
    return [one.resource for one in seen]


async def _listed(asker: Asker, type_: str, node: Listed) -> Condition:
    base = asker.gateway.options.base_url
    stored = await asker.gateway.named([("List", one) for one in node.lists])
    seen = await visible(asker.gateway, asker.identity, stored, channel="search")
    names: set[Name] = set()
    for one in seen:
        for entry in one.resource.get("entry", ()):
            reference = entry.get("item", {}).get("reference", "")
            if not entry.get("deleted") and (name := local_name(reference, base)) is not None:
                names.add(name)
    return _of_names(type_, names)


def _of_names(type_: str, names: Iterable[Name]) -> Condition:
    members = frozenset(("", id_) for one, id_ in names if one == type_)
    return Condition("_id", "token", "", (TokenSetValue(members),))
