"""extension(url) of a URL that is known, as most are: looked up in the JSON.

https://hl7.org/fhir/R4/fhirpath.html#functions. Most elements have no such extension, then no node
has to be made.
"""

from __future__ import annotations

from typing import Any

from profiles.fhirpath.context import Evaluation
from profiles.fhirpath.items import Items, Node
from profiles.fhirpath.sorting import Run


def extensions(target: Run, url: str) -> Run:
    """Compile extension() to a collection of nodes."""

    def run(evaluation: Evaluation, focus: Items) -> Items:
        found: Items = []
        for item in target(evaluation, focus):
            if has_extension(item, url):
                item.type.takers["extension"](item, found)
        return [one for one in found if one.value.get("url") == url] if found else found

    return run


def has_extension(item: Any, url: str) -> bool:
    """Say whether an item has an extension with a URL."""
    if item.__class__ is not Node:
        return False
    if "extension" not in item.type.takers:
        return _has_raw(item, url)
    holder = item.extra if item.type.primitive else item.value
    listed = holder.get("extension") if holder.__class__ is dict else None
    if listed is None:
        return False
    for one in listed if listed.__class__ is list else (listed,):
        if one.__class__ is dict and one.get("url") == url:
            return True
    return False


def _has_raw(node: Node, url: str) -> bool:
    """Data without a definition may have an extension all the same."""
    found: Items = []
    node.type.takers["extension"](node, found)
    return any(one.value.get("url") == url for one in found)
