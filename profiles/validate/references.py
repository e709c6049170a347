"""Reference: the form of the reference, its type, and what a resource contains.

https://hl7.org/fhir/R4/references.html; ref-1, and dom-2 to dom-5 of
https://hl7.org/fhir/R4/domainresource.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from profiles.issue import Issue
from profiles.validate.structure import resource_types
from profiles.validate.urls import is_absolute, is_conditional, restful_url, urn_fault

_USUAL = re.compile(r"([A-Z][A-Za-z]*)/[A-Za-z0-9\-.]{1,64}", re.ASCII)
_BARE = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)
_LOCAL_URN = re.compile(r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DEFINITIONS = "http://hl7.org/fhir/StructureDefinition/"

Json = dict[str, Any]


def reference_issues(reference: Json, place: str) -> Iterable[Issue]:
    """Reference: it has one of the forms FHIR knows and agrees with its type."""
    url, named = reference.get("reference"), reference.get("type")
    if named is None and (not isinstance(url, str) or _is_usual(url)):
        return ()
    return _reference_issues(url, named, place)


def _reference_issues(url: Any, named: Any, place: str) -> Iterator[Issue]:
    if isinstance(url, str) and not _is_usual(url):
        yield from _form(url, place)
    if isinstance(named, str):
        yield from _type(named, url, place)


def _is_usual(url: str) -> bool:
    found = _USUAL.fullmatch(url)
    if found is not None:
        return found.group(1) in resource_types()
    return url.startswith("#") or _LOCAL_URN.fullmatch(url) is not None


def _form(url: str, place: str) -> Iterator[Issue]:
    where = f"{place}.reference"
    if fault := urn_fault(url):
        yield Issue("error", "value", f"the reference {_of(fault)}", where)
    elif not (is_absolute(url) or restful_url(url) or is_conditional(url)):
        text = "a relative reference has the form [type]/[id] with a type of FHIR R4"
        # A bare name is a relative URL all the same; published examples hold such references.
        yield Issue("warning" if _BARE.fullmatch(url) else "error", "value", text, where)


def _of(fault: str) -> str:
    return fault if fault.startswith("is ") else f"is not valid: {fault}"


def _type(named: str, url: Any, place: str) -> Iterator[Issue]:
    name = named.removeprefix(_DEFINITIONS)
    if name not in resource_types() and not is_absolute(name):
        text = "the type of the reference is no resource type of FHIR R4"
        yield Issue("warning", "code-invalid", text, f"{place}.type")
    target = restful_url(url) if isinstance(url, str) else None
    if target is not None and target.type != name:
        text = "type and reference SHALL be consistent, but name different resource types"
        yield Issue("error", "value", text, f"{place}.type")


def type_of_target(value: Any) -> str:
    """Return the type of resource a Reference (JSON) names, in its type or its URL; "" for none."""
    if not isinstance(value, dict):
        return ""
    if isinstance(value.get("type"), str):
        return str(value["type"]).removeprefix(_DEFINITIONS)
    url = value.get("reference")
    target = restful_url(url) if isinstance(url, str) else None
    return target.type if target is not None else ""


def containment_issues(resource: Json, place: str) -> Iterator[Issue]:
    """DomainResource: contained resources are well-behaved and referred to, fragments resolve.

    `resource` is a root: one that is not itself contained.
    """
    found = resource.get("contained")
    contained: list[Any] = found if isinstance(found, list) else []
    inner = [one for one in contained if isinstance(one, dict)]
    if not inner and not has_fragments(resource):
        return
    ids = {one["id"] for one in inner if isinstance(one.get("id"), str)}
    for where, url in _fragments(resource, place):
        if url != "#" and url[1:] not in ids:
            text = "ref-1: SHALL have a contained resource if a local reference is provided"
            yield Issue("error", "invariant", text, where)
    if inner:
        yield from _contained(resource, contained, place)


def has_fragments(resource: Json) -> bool:
    """Say whether a Reference in the resource points to something contained."""
    waiting: list[Any] = [resource]
    while waiting:
        value = waiting.pop()
        if type(value) is dict:
            url = value.get("reference")
            if type(url) is str and url.startswith("#"):
                return True
            value = value.values()
        waiting.extend([one for one in value if type(one) is dict or type(one) is list])
    return False


def _fragments(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every `reference` that is a fragment, with its place."""
    waiting: list[tuple[str, Any]] = [(place, value)]
    while waiting:
        where, one = waiting.pop()
        if isinstance(one, dict):
            url = one.get("reference")
            if isinstance(url, str) and url.startswith("#"):
                yield f"{where}.reference", url
            inner = [(f"{where}.{_name(name)}", member) for name, member in one.items()]
            waiting.extend(reversed(inner))
        elif isinstance(one, list):
            listed = [(f"{where}[{index}]", item) for index, item in enumerate(one)]
            waiting.extend(reversed(listed))


def _name(name: str) -> str:
    return name.removeprefix("_")


def _contained(resource: Json, contained: list[Any], place: str) -> Iterator[Issue]:
    pointed = set(_local_links(resource))
    ids: set[str] = set()
    for index, one in enumerate(contained):
        if not isinstance(one, dict):
            continue
        where = f"{place}.contained[{index}]"
        yield from _alone(one, where)
        name = one.get("id")
        if isinstance(name, str) and name in ids:
            yield Issue("error", "value", "two contained resources have the same id", f"{where}.id")
        ids.add(str(name))
        if f"#{name}" not in pointed and "#" not in set(_local_links(one)):
            text = (
                "dom-3: a contained resource SHALL be referred to from elsewhere in the resource "
                "or SHALL refer to the containing resource"
            )
            yield Issue("error", "invariant", text, where)


def _alone(one: Json, where: str) -> Iterator[Issue]:
    """What a resource may not have because it exists only inside another one."""
    if "contained" in one:
        text = "dom-2: a contained resource SHALL NOT contain nested resources"
        yield Issue("error", "invariant", text, f"{where}.contained")
    meta = one.get("meta")
    if not isinstance(meta, dict):
        return
    for name in ("versionId", "lastUpdated"):
        if name in meta:
            text = "dom-4: a contained resource SHALL NOT have a versionId or a lastUpdated"
            yield Issue("error", "invariant", text, f"{where}.meta.{name}")
    if "security" in meta:
        text = "dom-5: a contained resource SHALL NOT have a security label"
        yield Issue("error", "invariant", text, f"{where}.meta.security")


def _local_links(value: Any) -> Iterator[str]:
    """Every text that may be a link to a fragment: references, canonicals and other URIs."""
    waiting: list[Any] = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            if one.startswith("#"):
                yield one
        elif isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
