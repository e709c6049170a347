"""Bundle: references resolve inside of it where they have to.

https://hl7.org/fhir/R4/bundle.html#references, https://hl7.org/fhir/R4/documents.html#bundle,
https://hl7.org/fhir/R4/messaging.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from profiles.issue import Issue, Severity
from profiles.validate.bundle import entries_of, type_of
from profiles.validate.resolver import Placed, Resolver
from profiles.validate.urls import is_conditional, restful_url

Json = dict[str, Any]

#: Elements of the first resource whose targets the Bundle SHALL contain.
_REQUIRED: dict[str, frozenset[str]] = {
    "Composition": frozenset(
        {"subject", "encounter", "author", "attester", "custodian", "event", "section"}
    ),
    "MessageHeader": frozenset({"focus"}),
}
#: Bundles that are whole in themselves, and how bad a resource is that nothing leads to.
_WHOLE: dict[str, Severity] = {"document": "error", "message": "warning"}
_URNS = ("urn:uuid:", "urn:oid:")


#: Reference.reference and Reference.type ("" when there is none).
_Link = tuple[str, str]
#: Bundles whose references may be searches.
_CONDITIONAL = frozenset({"transaction", "batch"})


@dataclass(frozen=True, slots=True)
class _Node:
    """A resource of the Bundle with the references in it."""

    #: Place of the resource.
    place: str
    #: fullUrl of its entry, or "".
    url: str
    #: The resource.
    resource: Json
    #: References in it that are no fragments: URL and stated type.
    references: tuple[_Link, ...]


def bundle_reference_issues(bundle: Json, place: str) -> Iterator[Issue]:
    """Bundle: what a document or message refers to is in it; temporary ids mean something."""
    nodes = [
        _Node(f"{where}.resource", _text(entry.get("fullUrl")), resource, tuple(_urls(resource)))
        for where, entry in entries_of(bundle, place)
        if isinstance(resource := entry.get("resource"), dict)
    ]
    resolver = Resolver(bundle, place)
    kind = type_of(bundle)
    is_whole = kind in _WHOLE
    for index, node in enumerate(nodes):
        if any(_fault(link, node, resolver, kind) for link in node.references):
            yield from _faults(node, resolver, kind, is_first=is_whole and index == 0)
    if is_whole and nodes:
        linked = [_target(url, nodes[0], resolver) for url in _links(bundle)]
        yield from _unreached(nodes, resolver, linked, _WHOLE[kind])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _urls(value: Json) -> Iterator[_Link]:
    """Every Reference that leaves its resource."""
    waiting: list[Any] = [value]
    while waiting:
        one = waiting.pop()
        if type(one) is dict:
            url = one.get("reference")
            if type(url) is str and not url.startswith("#"):
                yield url, _text(one.get("type"))
            one = one.values()
        waiting.extend([item for item in one if type(item) is dict or type(item) is list])


def _fault(link: _Link, node: _Node, resolver: Resolver, kind: str) -> Severity | None:
    """Say how bad a reference is by itself; None for one that leads where it may.

    Absolute URLs and, outside of documents and messages, relative ones may lead elsewhere.
    """
    url, named = link
    if "?" in url and kind not in _CONDITIONAL and is_conditional(url):
        return "error"
    found = resolver.all(url, node.url)
    if found:
        is_other = named and named.rpartition("/")[2] != found[0][0].get("resourceType")
        return "error" if is_other else None
    if _is_named_otherwise(url, resolver):
        return "error"
    if url.startswith(_URNS) or (kind in _WHOLE and not url.startswith(("http:", "https:"))):
        return "warning"
    return None


def _is_named_otherwise(url: str, resolver: Resolver) -> bool:
    """Say whether a relative reference has the UUID of an entry of another type.

    Such a reference leads nowhere, and what it was meant for is not what it names.
    """
    target = restful_url(url)
    if target is None or target.base:
        return False
    found = resolver.all(f"urn:uuid:{target.id}")
    return bool(found) and found[0][0].get("resourceType") != target.type


def _faults(node: _Node, resolver: Resolver, kind: str, *, is_first: bool) -> Iterator[Issue]:
    required = _REQUIRED.get(_text(node.resource.get("resourceType")), frozenset())
    for element, where, link in _placed(node):
        severity = _fault(link, node, resolver, kind)
        if severity == "error":
            yield Issue("error", "value", _wrong(link[0], node, resolver), where)
        elif severity is not None:
            text = "the reference does not lead to an entry of the Bundle"
            if resolver.named(link[0]):
                text += "; an entry of that type and id has another fullUrl"
            if is_first and element in required:
                severity = "error"
            yield Issue(severity, "not-found", text, where)


def _wrong(url: str, node: _Node, resolver: Resolver) -> str:
    if resolver.all(url, node.url) or _is_named_otherwise(url, resolver):
        return "the reference leads to another resource type than it says"
    return "only a transaction may have conditional references"


def _placed(node: _Node) -> Iterator[tuple[str, str, _Link]]:
    """(element of the resource, place, link) of each reference that is no fragment."""
    waiting: list[tuple[str, str, Any]] = [
        (name, f"{node.place}.{name.removeprefix('_')}", value)
        for name, value in reversed(node.resource.items())
    ]
    while waiting:
        element, where, one = waiting.pop()
        if isinstance(one, dict):
            url = one.get("reference")
            if isinstance(url, str) and not url.startswith("#"):
                yield element, f"{where}.reference", (url, _text(one.get("type")))
            waiting.extend(
                (element, f"{where}.{name.removeprefix('_')}", value)
                for name, value in reversed(one.items())
            )
        elif isinstance(one, list):
            listed = [(element, f"{where}[{index}]", item) for index, item in enumerate(one)]
            waiting.extend(reversed(listed))


def _links(bundle: Json) -> Iterator[str]:
    """URLs the Bundle itself links to, such as its style sheets."""
    links = bundle.get("link")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and isinstance(link.get("url"), str):
            yield link["url"]


def _unreached(
    nodes: list[_Node], resolver: Resolver, linked: list[str], severity: Severity
) -> Iterator[Issue]:
    """Name entries that no reference connects with the first one, in either direction."""
    neighbours: dict[str, list[str]] = {node.place: [] for node in nodes}
    seen: dict[str, str] = {}
    for node in nodes:
        near = [_target(url, node, resolver) for url, _ in node.references]
        if node.url:  # versions of one resource belong together
            near.append(seen.setdefault(node.url, node.place))
        for place in filter(None, near):
            neighbours[node.place].append(place)
            neighbours[place].append(node.place)
    reached: set[str] = set()
    waiting = [nodes[0].place, *filter(None, linked)]
    while waiting:
        place = waiting.pop()
        if place not in reached:
            reached.add(place)
            waiting.extend(neighbours[place])
    for node in nodes:
        if node.place not in reached:
            text = "no reference leads from the first resource to this entry or back"
            where = node.place.removesuffix(".resource")
            yield Issue(severity, "business-rule", text, where)


def _target(url: str, node: _Node, resolver: Resolver) -> str:
    """Place of the entry a reference means or was meant to mean, or ""."""
    found: list[Placed] = resolver.all(url, node.url) or resolver.named(url)
    return found[0][1] if found else ""
