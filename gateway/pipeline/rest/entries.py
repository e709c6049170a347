"""Entries of a batch or transaction: taken apart, ids given, references made to fit.

https://hl7.org/fhir/R4/http.html#transaction, https://hl7.org/fhir/R4/bundle.html#references.
"""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from gateway.pipeline.documents import dump
from gateway.pipeline.rest.asked import Act, Entry, Method
from gateway.pipeline.rest.references import Names, conditional_references, rewrite
from profiles.issue import NotConformant
from profiles.validate.structure import resource_types

Resource = dict[str, Any]

_INSTANCE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})\Z")
_VERSION = re.compile(r'(?:W/)?"([1-9]\d{0,8})"\Z')
#: Reads and operations: an address below ours, without steps upwards.
_READ = re.compile(r"(?:[A-Za-z0-9\-._$/]+)?(?:\?[^\s#]*)?\Z")
_FHIR_JSON = "application/fhir+json"
#: Bundle.entry.request → HTTP header.
_HEADERS = {
    "ifNoneMatch": "if-none-match",
    "ifModifiedSince": "if-modified-since",
    "ifMatch": "if-match",
    "ifNoneExist": "if-none-exist",
}


@dataclass(slots=True)
class Parts:
    """A Bundle taken apart."""

    batch: bool = False
    #: Changes with their resource (None for deletions), in the Bundle's order.
    acts: list[tuple[Act, Resource | None]] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    #: fullUrl of each act's entry; "" for none.
    full_urls: list[str] = field(default_factory=list)
    entries: dict[int, Entry] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)


def take_apart(bundle: Resource) -> Parts:
    """Read the entries of a Bundle; it stays as it is until `settle`.

    Raises NotConformant, naming the entry, for one that cannot be performed.
    """
    if bundle.get("type") not in ("transaction", "batch"):
        raise NotConformant("The Bundle is no transaction and no batch.", location="Bundle.type")
    parts = Parts(batch=bundle["type"] == "batch")
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise NotConformant("entry is a list.", location="Bundle.entry")
    seen: set[str] = set()
    for position, entry in enumerate(entries):
        method, url = _request(entry, position)
        if parts.batch or method in (Method.GET, Method.HEAD) or _is_search(method, url):
            parts.entries[position] = _entry(entry, method, url, position)
            continue
        parts.acts.append(_act(entry, method, url, position))
        parts.positions.append(position)
        _check_once(entry, url if method is not Method.POST else "", position, seen)
        parts.full_urls.append(str(entry.get("fullUrl") or ""))
    return parts


def settle(parts: Parts) -> None:
    """Give the resources of a transaction their ids, and references between them as well."""
    names = Names()
    for (act, resource), full_url in zip(parts.acts, parts.full_urls, strict=True):
        if resource is not None:
            resource["id"] = act.id
            if full_url:
                names.add(full_url, f"{act.type}/{act.id}")
    for (_, resource), full_url in zip(parts.acts, parts.full_urls, strict=True):
        if resource is not None:
            rewrite(resource, names, full_url)
            for reference in conditional_references(resource):
                _place(reference, parts)


def _check_once(entry: Resource, url: str, position: int, seen: set[str]) -> None:
    for name, place in ((entry.get("fullUrl"), "fullUrl"), (url, "request.url")):
        if isinstance(name, str) and name:
            # A fullUrl and a relative url never look alike.
            if name in seen:
                raise _wrong(position, place, "The same resource stands twice.")
            seen.add(name)


def _request(entry: Any, position: int) -> tuple[Method, str]:
    request = entry.get("request") if isinstance(entry, dict) else None
    url = request.get("url") if isinstance(request, dict) else None
    method = request.get("method") if isinstance(request, dict) else None
    if not isinstance(url, str) or not isinstance(method, str):
        raise _wrong(position, "request", "An entry says what is asked: method and url.")
    try:
        return Method(method), url
    except ValueError:
        raise _wrong(position, "request.method", "This is no method of HTTP verbs.") from None


def _is_search(method: Method, url: str) -> bool:
    return method is Method.POST and url.partition("?")[0].endswith("/_search")


def _entry(entry: Resource, method: Method, url: str, position: int) -> Entry:
    request = entry["request"]
    path = url.partition("?")[0]
    unsound = url.startswith("/") or ".." in url or "//" in path or not _READ.match(url)
    # A POST to the base would be a batch within the batch.
    if unsound or (method is Method.POST and not path):
        raise _wrong(position, "request.url", "An entry's url is relative: Type, Type/id, Type?….")
    headers = tuple(
        (header, request[name])
        for name, header in _HEADERS.items()
        if isinstance(request.get(name), str) and "\n" not in request[name]
    )
    resource = entry.get("resource")
    media = _FHIR_JSON
    body = dump(resource) if resource is not None else b""
    if method is Method.PATCH and isinstance(resource, dict):
        media, body = _patch(resource, body, position)
    return Entry(method.value, url, body, media, headers)


def _patch(resource: Resource, body: bytes, position: int) -> tuple[str, bytes]:
    """Read the patch of an entry: Parameters, or a Binary that holds a JSON or XML patch."""
    if resource.get("resourceType") != "Binary":
        return _FHIR_JSON, body
    try:
        return str(resource["contentType"]), b64decode(resource["data"], validate=True)
    except (KeyError, TypeError, ValueError):
        raise _wrong(position, "resource", "The Binary holds no patch.") from None


def _act(entry: Resource, method: Method, url: str, position: int) -> tuple[Act, Resource | None]:
    request, resource = entry["request"], entry.get("resource")
    path, _, query = url.partition("?")
    type_, id_ = _named(path, position)
    if method is Method.PATCH:
        raise _wrong(position, "request.method", "A patch stands by itself or in a batch.")
    if (method is Method.DELETE) is (resource is not None):
        raise _wrong(position, "resource", "A deletion has no resource, any other change has one.")
    if resource is not None and resource.get("resourceType") != type_:
        raise _wrong(position, "resource", "The resource is of another type than its url names.")
    criteria = url if query else ""
    if method is Method.POST:
        if id_ or query:
            raise _wrong(position, "request.url", "A create names nothing but the type.")
        stated = request.get("ifNoneExist")
        criteria = f"{type_}?{stated.rpartition('?')[2]}" if isinstance(stated, str) else ""
    elif not id_ and not query:
        raise _wrong(position, "request.url", "A change names the resource or how to find it.")
    if method is Method.PUT and id_ and resource is not None and resource.get("id") != id_:
        raise _wrong(position, "resource.id", "The resource's id is not the one its url names.")
    version = _version(request.get("ifMatch"))
    made = id_ or ("" if method is Method.DELETE else str(uuid4()))
    named = str(resource.get("id", "")) if resource is not None else ""
    act = Act(method, type_, made, criteria=criteria, version=version, named=named)
    return act, resource


def _named(path: str, position: int) -> tuple[str, str]:
    found = _INSTANCE.match(path)
    type_, id_ = found.groups() if found is not None else (path, "")
    if type_ not in resource_types():
        raise _wrong(position, "request.url", "An entry's url is relative: Type, Type/id, Type?….")
    return type_, id_


def _version(stated: object) -> int:
    """Return the version of If-Match, 0 for none, -1 for one no resource can have."""
    if stated is None:
        return 0
    found = _VERSION.match(stated) if isinstance(stated, str) else None
    return int(found[1]) if found is not None else -1


def _place(reference: Resource, parts: Parts) -> None:
    """Put a placeholder in the place of a conditional reference; the writer knows the id."""
    criteria = reference["reference"]
    type_ = criteria.partition("?")[0]
    id_ = parts.references.setdefault(criteria, str(uuid4()))
    reference["reference"] = f"{type_}/{id_}"


def _wrong(position: int, place: str, text: str) -> NotConformant:
    return NotConformant(text, location=f"Bundle.entry[{position}].{place}")
