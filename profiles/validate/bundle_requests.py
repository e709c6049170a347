"""Bundle: requests of a batch, a transaction or a history.

https://hl7.org/fhir/R4/http.html#transaction,
https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.request
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from profiles.issue import Issue
from profiles.validate.bundle import entries_of, type_of
from profiles.validate.structure import resource_types
from profiles.validate.urls import is_absolute

Json = dict[str, Any]

_ENTITY_TAG = re.compile(r'(?:W/)?"[^"]*"')
_ID = r"[A-Za-z0-9\-.]{1,64}"
_INSTANCE = re.compile(rf"([A-Z][A-Za-z]*)/({_ID})")
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]*)\?[^\s=]+=\S+")
_OPERATION = re.compile(rf"(?:([A-Z][A-Za-z]*)/(?:({_ID})/)?)?\$[A-Za-z0-9-]+(?:\?\S*)?")
_SEARCH = re.compile(r"([A-Z][A-Za-z]*)/_search(?:\?\S*)?")
_TYPE = re.compile(r"([A-Z][A-Za-z]*)()")

#: Method → forms of its URL; methods that only read take any relative URL.
_FORMS: dict[str, tuple[re.Pattern[str], ...]] = {
    "POST": (_TYPE, _OPERATION, _SEARCH),
    "PUT": (_INSTANCE, _CONDITIONAL),
    "PATCH": (_INSTANCE, _CONDITIONAL),
    "DELETE": (_INSTANCE, _CONDITIONAL),
}
_READS = frozenset({"GET", "HEAD"})
_CHANGES = frozenset({"PUT", "PATCH", "DELETE"})
#: Condition → the methods it means something for.
_CONDITIONS: dict[str, frozenset[str]] = {
    "ifMatch": frozenset({"PUT", "PATCH", "DELETE"}),
    "ifNoneMatch": frozenset({"GET", "HEAD", "PUT"}),
    "ifModifiedSince": frozenset({"GET", "HEAD"}),
}


@dataclass(frozen=True, slots=True)
class _Target:
    """What a request is about."""

    #: Resource type, or "" for the whole system.
    type: str = ""
    #: Logical id, or "".
    id: str = ""
    #: The body is a resource of this type, as in a create or an update.
    holds_resource: bool = False


def bundle_request_issues(bundle: Json, place: str) -> Iterator[Issue]:
    """Bundle: each request is one that HTTP and the RESTful API know."""
    kind = type_of(bundle)
    if kind not in {"batch", "transaction"}:
        return
    changed: set[str] = set()
    for where, entry in entries_of(bundle, place):
        request = entry.get("request")
        if not isinstance(request, dict):
            continue
        yield from _request(request, entry.get("resource"), where)
        if kind == "transaction" and str(request.get("method")) in _CHANGES:
            url = str(request.get("url"))
            if url in changed:
                text = "resource identities SHALL NOT overlap in a transaction"
                yield Issue("error", "duplicate", text, f"{where}.request.url")
            changed.add(url)


def _request(request: Json, resource: Any, where: str) -> Iterator[Issue]:
    method, url = request.get("method"), request.get("url")
    if not isinstance(method, str) or not isinstance(url, str):
        return
    location = f"{where}.request.url"
    if is_absolute(url):
        text = "the URL of a request is relative to the address the Bundle is posted to"
        yield Issue("warning", "value", text, location)
    elif (target := _target(method, url)) is not None:
        yield from _body(method, target, resource, where)
    else:
        text = "the URL of a request does not have the form its method asks for"
        yield Issue("error", "value", text, location)
    if len(request) > 2:
        yield from _conditions(request, method, f"{where}.request")


def _target(method: str, url: str) -> _Target | None:
    forms = _FORMS.get(method)
    if forms is None:
        return _Target()
    for form in forms:
        found = form.fullmatch(url)
        if found is not None and (not found.group(1) or found.group(1) in resource_types()):
            name = found.group(2) if found.re.groups > 1 else ""
            return _Target(found.group(1) or "", name or "", form not in (_OPERATION, _SEARCH))
    return None


def _body(method: str, target: _Target, resource: Any, where: str) -> Iterator[Issue]:
    location = f"{where}.resource"
    if method in _READS or method == "DELETE":
        if resource is not None:
            yield Issue("warning", "value", "a request of this method has no resource", location)
        return
    if not target.holds_resource:
        return
    if not isinstance(resource, dict):
        yield Issue("error", "required", "a request of this method has a resource", location)
    elif method != "PATCH":
        yield from _agrees(target, resource, where)


def _agrees(target: _Target, resource: Json, where: str) -> Iterator[Issue]:
    if resource.get("resourceType") != target.type:
        text = "the URL names another resource type than the resource has"
        yield Issue("error", "value", text, f"{where}.request.url")
    elif target.id and resource.get("id") != target.id:
        text = "an update SHALL have a resource with the same id as its URL"
        yield Issue("error", "value", text, f"{where}.resource.id")


def _conditions(request: Json, method: str, where: str) -> Iterator[Issue]:
    query = request.get("ifNoneExist")
    if query is not None and method != "POST":
        text = "ifNoneExist is for the method POST only"
        yield Issue("error", "value", text, f"{where}.ifNoneExist")
    if isinstance(query, str) and ("?" in query.partition("=")[0] or "=" not in query):
        text = "ifNoneExist holds only what follows the question mark of a search"
        yield Issue("error", "value", text, f"{where}.ifNoneExist")
    for name, methods in _CONDITIONS.items():
        if name in request and method not in methods:
            text = "this condition means nothing for the method"
            yield Issue("warning", "value", text, f"{where}.{name}")
    for name in ("ifMatch", "ifNoneMatch"):
        tag = request.get(name)
        if isinstance(tag, str) and not _is_tag(tag):
            yield Issue("error", "value", 'an ETag has the form W/"…"', f"{where}.{name}")


def _is_tag(text: str) -> bool:
    return text == "*" or all(_ENTITY_TAG.fullmatch(one.strip()) for one in text.split(","))
