"""Chains, `_has` and `_list`: criteria about other resources, answered for this caller.

https://hl7.org/fhir/R4/search.html#chaining. Each is searched by itself, from the innermost out,
among what the caller may see, and replaced by the references it came to. So a hidden resource finds
nothing along a chain either.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.api.access import visible
from gateway.api.collecting import Asker, Late, LateHas, LateLink, everything, too_costly
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
    Parameter,
    ReferenceValue,
    TokenSetValue,
    is_linked,
)

#: Resources one step of a chain may lead to.
_MOST = 5_000
_TOO_MANY = "A chain leads to too many resources; narrow what it asks for."


async def resolved(asker: Asker, criteria: Criteria) -> tuple[Criteria, Late]:
    """Return criteria about the resource alone, and what is asked of each hit besides.

    A step that leads to too many resources comes last: it narrows what the rest has found. Raises
    NotConformant where it cannot, because it stands in an alternative or is the next such step.
    """
    type_ = criteria.resource_type
    nodes: list[Node] = []
    late: list[LateLink | LateHas] = []
    for node in criteria.conditions:
        if not is_linked(node):
            nodes.append(node)
            continue
        found = await _resolved(asker, type_, node)
        if found is None:
            late.append(await _late(asker, type_, node))
        else:
            nodes.append(found)
    return Criteria(type_, tuple(nodes)), tuple(late)


async def _resolved(asker: Asker, type_: str, node: Node) -> Node | None:
    """Return what a node comes to; None when a step leads to too much."""
    if isinstance(node, AllOf | AnyOf):
        nodes = [await _resolved(asker, type_, one) for one in node.nodes]
        known = tuple(one for one in nodes if one is not None)
        return type(node)(known) if len(known) == len(nodes) else None
    if isinstance(node, Negated):
        inner = await _resolved(asker, type_, node.node)
        return None if inner is None else Negated(inner)
    if isinstance(node, Link):
        return await _link(asker, type_, node)
    if isinstance(node, Has):
        return await _has(asker, type_, node)
    if isinstance(node, Listed):
        return await _listed(asker, type_, node)
    return node


async def _late(asker: Asker, type_: str, node: Node) -> LateLink | LateHas:
    """Return what is asked of each hit instead. Raises NotConformant: too costly."""
    if isinstance(node, Has):
        source = await _alone(asker, node.source)
        return LateHas(_parameter(asker, node.source.resource_type, node.name), source)
    links = node.nodes if isinstance(node, AnyOf) else (node,)
    ways = []
    for one in links:
        if not isinstance(one, Link):
            raise too_costly(_TOO_MANY)
        target = await _alone(asker, one.target)
        ways.append((_parameter(asker, type_, one.name), target))
    return LateLink(tuple(ways))


async def _alone(asker: Asker, criteria: Criteria) -> Criteria:
    plain, late = await resolved(asker, criteria)
    if late:
        raise too_costly(_TOO_MANY)
    return plain


def _parameter(asker: Asker, type_: str, name: str) -> Parameter:
    return asker.gateway.options.parameters.of(type_)[name]


async def _link(asker: Asker, type_: str, node: Link) -> Condition | None:
    """References to what meets the rest of the chain."""
    found = await _hits(asker, node.target)
    if found is None:
        return None
    base = asker.gateway.options.base_url
    keys: set[str] = set()
    for one in found:
        name = f"{one['resourceType']}/{one.get('id', '')}"
        keys |= {name, f"{base}/{name}"}
        if isinstance(url := one.get("url"), str):
            keys |= {url, f"{url}|{one.get('version', '')}"}
    value = (ReferenceValue(frozenset(keys)),)
    return Condition(node.name, "reference", "", value, _parameter(asker, type_, node.name))


async def _has(asker: Asker, type_: str, node: Has) -> Condition | None:
    """What is pointed to by what meets the rest."""
    found = await _hits(asker, node.source)
    if found is None:
        return None
    base = asker.gateway.options.base_url
    parameter = _parameter(asker, node.source.resource_type, node.name)
    names: set[Name] = set()
    for one in found:
        names.update(pointed_to(one, parameter, base))
    return _of_names(type_, names)


async def _hits(asker: Asker, criteria: Criteria) -> list[dict[str, object]] | None:
    inner, late = await resolved(asker, criteria)
    seen = await everything(asker, asker.query([inner]), most=_MOST, late=late)
    return None if seen is None else [one.resource for one in seen]


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
