"""Where a reference leads: into the resource, into its Bundle, or to the caller's resolver.

https://hl7.org/fhir/R4/references.html, https://hl7.org/fhir/R4/bundle.html#references.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from profiles.fhirpath.context import Evaluation
from profiles.fhirpath.items import Items, Node


def find_reference(evaluation: Evaluation, reference: str) -> Any:
    """Return what a reference leads to, a node or a JSON resource; None when nothing does."""
    if reference.startswith("#"):
        return _contained(evaluation, reference[1:])
    found = _in_bundle(evaluation, reference.partition("#")[0])
    if found is not None:
        return found
    resolve = evaluation.services.resolve
    return None if resolve is None else resolve(reference)


def _roots(evaluation: Evaluation) -> Iterator[Node]:
    for item in [*evaluation.resource, *evaluation.root_resource]:
        if item.__class__ is Node and item.value.__class__ is dict:
            yield item


def _contained(evaluation: Evaluation, wanted: str) -> Node | None:
    for root in _roots(evaluation):
        if not wanted:
            return root
        for one in _children(root, "contained"):
            if one.value.get("id") == wanted:
                return one
    return None


def _children(node: Node, name: str) -> list[Node]:
    found: Items = []
    node.type.takers[name](node, found)
    return [one for one in found if one.value.__class__ is dict]


def _in_bundle(evaluation: Evaluation, reference: str) -> Node | None:
    """An entry's full URL, or its `Type/id` where the reference is relative."""
    for root in _roots(evaluation):
        bundle = _bundle_of(root)
        if bundle is None:
            continue
        known = _known_entries(evaluation, bundle)
        found = known.get(reference.partition("/_history/")[0])
        if found is not None:
            return found
    return None


def _known_entries(evaluation: Evaluation, bundle: Node) -> dict[str, Node]:
    """Read a Bundle's entries once per evaluation."""
    if evaluation.bundles is None:
        evaluation.bundles = {}
    key = id(bundle.value)
    if key not in evaluation.bundles:
        evaluation.bundles[key] = _entries_of(evaluation, bundle)
    return evaluation.bundles[key]


def _entries_of(evaluation: Evaluation, bundle: Node) -> dict[str, Node]:
    """The resources of a Bundle by full URL, and by type and id."""
    known: dict[str, Node] = {}
    entries = _children(bundle, "entry")
    evaluation.spend(len(entries))
    for entry in entries:
        for resource in _children(entry, "resource"):
            url = entry.value.get("fullUrl")
            if url.__class__ is str:
                known.setdefault(url, resource)
            local = f"{resource.value.get('resourceType')}/{resource.value.get('id')}"
            known.setdefault(local, resource)
    return known


def _bundle_of(node: Node) -> Node | None:
    """The Bundle a resource is or stands in."""
    current: Node | None = node
    while current is not None:
        if current.type.name == "Bundle":
            return current
        current = current.parent
    return None
