"""Bundle: what each type of Bundle has, and the identity of its entries.

https://hl7.org/fhir/R4/bundle.html (bdl-1 to bdl-12, fullUrl), https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from profiles.issue import Issue
from profiles.validate.urls import is_absolute, restful_url, urn_fault

Json = dict[str, Any]
#: An entry and its FHIRPath location.
Entry = tuple[str, Json]

_SEARCHES = frozenset({"searchset", "history"})
_WITH_REQUEST = frozenset({"batch", "transaction", "history"})
_WITH_RESPONSE = frozenset({"batch-response", "transaction-response", "history"})
#: An entry of these has a fullUrl; results of operations and new resources need none.
_WITH_FULL_URL = frozenset({"document", "message", "collection", "history"})
#: Entries of these may be on their way to an id.
_WITHOUT_IDS = frozenset({"batch", "transaction"})
_STATUS = re.compile(r"[1-5][0-9]{2}(?:\s.*)?", re.DOTALL)


def entries_of(bundle: Json, place: str) -> list[Entry]:
    """Return the entries of a Bundle with their places."""
    entries = bundle.get("entry")
    if not isinstance(entries, list):
        return []
    return [
        (f"{place}.entry[{index}]", entry)
        for index, entry in enumerate(entries)
        if isinstance(entry, dict)
    ]


def type_of(bundle: Json) -> str:
    """Return Bundle.type, or "" for what is no text."""
    kind = bundle.get("type")
    return kind if isinstance(kind, str) else ""


def bundle_issues(bundle: Json, place: str) -> Iterator[Issue]:
    """Bundle: its invariants, the fullUrls of its entries, and what its type asks for."""
    kind = type_of(bundle)
    entries = entries_of(bundle, place)
    if "total" in bundle and kind not in _SEARCHES:
        text = "bdl-1: total only when a search or history"
        yield Issue("error", "invariant", text, f"{place}.total")
    for where, entry in entries:
        yield from _parts(kind, entry, where)
        yield from _full_url(kind, entry, where)
    if kind != "history":
        yield from _distinct(entries)
    yield from _links(bundle, place)
    if kind in _TYPES:
        yield from _TYPES[kind](bundle, entries, place)


def _parts(kind: str, entry: Json, where: str) -> Iterator[Issue]:
    if ("request" in entry) is not (kind in _WITH_REQUEST):
        text = "bdl-3: entry.request mandatory for batch/transaction/history, otherwise prohibited"
        yield Issue("error", "invariant", text, f"{where}.request")
    if ("response" in entry) is not (kind in _WITH_RESPONSE):
        text = (
            "bdl-4: entry.response mandatory for batch-response/transaction-response/history, "
            "otherwise prohibited"
        )
        yield Issue("error", "invariant", text, f"{where}.response")
    if "search" in entry and kind != "searchset":
        text = "bdl-2: entry.search only when a search"
        yield Issue("error", "invariant", text, f"{where}.search")
    if "resource" not in entry and "request" not in entry and "response" not in entry:
        text = "bdl-5: must be a resource unless there's a request or response"
        yield Issue("error", "invariant", text, where)
    if "response" in entry:
        yield from _response(entry["response"], f"{where}.response")


def _response(response: Any, where: str) -> Iterator[Issue]:
    status = response.get("status") if isinstance(response, dict) else None
    if isinstance(status, str) and not _STATUS.fullmatch(status):
        text = "the status SHALL start with a 3 digit HTTP code"
        yield Issue("error", "value", text, f"{where}.status")


def _full_url(kind: str, entry: Json, where: str) -> Iterator[Issue]:
    url = entry.get("fullUrl")
    if not isinstance(url, str):
        if "resource" in entry and "_fullUrl" not in entry and kind in _WITH_FULL_URL:
            text = "fullUrl is required in a Bundle of this type"
            yield Issue("error", "required", text, f"{where}.fullUrl")
        return
    location = f"{where}.fullUrl"
    if "/_history/" in url:
        text = "bdl-8: fullUrl cannot be a version specific reference"
        yield Issue("error", "invariant", text, location)
    if not is_absolute(url):
        yield Issue("error", "value", "fullUrl must be an absolute URL", location)
    elif fault := urn_fault(url):
        yield Issue("error", "value", f"fullUrl is not as it should be: {fault}", location)
    elif url.startswith(("http://", "https://")) and isinstance(entry.get("resource"), dict):
        yield from _agrees(kind, url, entry["resource"], location)


def _agrees(kind: str, url: str, resource: Json, location: str) -> Iterator[Issue]:
    name = resource.get("id")
    target = restful_url(url)
    if target is None:
        if name is not None and not url.endswith(f"/{name}"):
            text = "fullUrl should be consistent with the id in the resource"
            yield Issue("warning", "value", text, location)
    elif name is None:
        if kind not in _WITHOUT_IDS:
            text = "fullUrl has an id, but the resource has none"
            yield Issue("error", "value", text, location)
    elif (target.type, target.id) != (resource.get("resourceType"), name):
        text = "fullUrl SHALL NOT disagree with the type and id in the resource"
        yield Issue("error", "value", text, location)


def _distinct(entries: list[Entry]) -> Iterator[Issue]:
    """bdl-7, and identities that differ in nothing but a temporary fullUrl."""
    urls: set[tuple[str, Any]] = set()
    names: set[tuple[Any, Any, Any]] = set()
    for where, entry in entries:
        url, resource = entry.get("fullUrl"), entry.get("resource")
        version = _version(resource)
        if isinstance(url, str):
            if (url, version) in urls:
                text = (
                    "bdl-7: fullUrl must be unique in a bundle, or else entries with the same "
                    "fullUrl must have different meta.versionId"
                )
                yield Issue("error", "invariant", text, f"{where}.fullUrl")
                continue
            urls.add((url, version))
            if url.startswith("http"):
                continue
        if isinstance(resource, dict) and isinstance(resource.get("id"), str):
            name = (str(resource.get("resourceType")), resource["id"], version)
            if name in names:
                text = "two entries have the same resource type and id"
                yield Issue("warning", "duplicate", text, f"{where}.resource.id")
            names.add(name)


def _version(resource: Any) -> str:
    meta = resource.get("meta") if isinstance(resource, dict) else None
    version = meta.get("versionId") if isinstance(meta, dict) else None
    return version if isinstance(version, str) else ""


def _links(bundle: Json, place: str) -> Iterator[Issue]:
    links = bundle.get("link")
    seen: set[str] = set()
    for index, link in enumerate(links if isinstance(links, list) else ()):
        relation = link.get("relation") if isinstance(link, dict) else None
        if not isinstance(relation, str) or relation not in _ONCE:
            continue
        if relation in seen:
            text = "a Bundle has one link of this relation"
            yield Issue("warning", "duplicate", text, f"{place}.link[{index}].relation")
        seen.add(relation)


_ONCE = frozenset({"self", "first", "previous", "prev", "next", "last"})


def _document(bundle: Json, entries: list[Entry], place: str) -> Iterator[Issue]:
    identifier = bundle.get("identifier")
    if not isinstance(identifier, dict) or not {"system", "value"} <= identifier.keys():
        text = "bdl-9: a document must have an identifier with a system and a value"
        yield Issue("error", "invariant", text, f"{place}.identifier")
    if not isinstance(bundle.get("timestamp"), str):
        text = "bdl-10: a document must have a date"
        yield Issue("error", "invariant", text, f"{place}.timestamp")
    if _first(entries) != "Composition":
        text = "bdl-11: a document must have a Composition as the first resource"
        yield Issue("error", "invariant", text, f"{place}.entry[0].resource")


def _message(_bundle: Json, entries: list[Entry], place: str) -> Iterator[Issue]:
    if _first(entries) != "MessageHeader":
        text = "bdl-12: a message must have a MessageHeader as the first resource"
        yield Issue("error", "invariant", text, f"{place}.entry[0].resource")


def _first(entries: list[Entry]) -> Any:
    resource = entries[0][1].get("resource") if entries else None
    return resource.get("resourceType") if isinstance(resource, dict) else None


def _searchset(bundle: Json, entries: list[Entry], place: str) -> Iterator[Issue]:
    modes = [_mode(entry) for _, entry in entries]
    if any(modes) and not all(modes):
        text = "all entries of a search should have a search mode, or none"
        yield Issue("warning", "value", text, f"{place}.entry[{modes.index('')}].search")
    for (where, entry), mode in zip(entries, modes, strict=True):
        yield from _found(entry, mode, where)
    total = bundle.get("total")
    if isinstance(total, int) and total < modes.count("match"):
        text = "the search has more matches than its total says"
        yield Issue("warning", "value", text, f"{place}.total")


def _mode(entry: Json) -> str:
    search = entry.get("search")
    mode = search.get("mode") if isinstance(search, dict) else None
    return mode if isinstance(mode, str) else ""


def _found(entry: Json, mode: str, where: str) -> Iterator[Issue]:
    resource = entry.get("resource")
    if isinstance(resource, dict):
        is_outcome = resource.get("resourceType") == "OperationOutcome"
        if "id" not in resource and not is_outcome and resource.get("resourceType") != "Parameters":
            text = "a resource that a search found has an id"
            yield Issue("error", "required", text, f"{where}.resource.id")
        if mode == "outcome" and not is_outcome:
            text = "an entry with the search mode outcome holds an OperationOutcome"
            yield Issue("error", "value", text, f"{where}.search.mode")
    search = entry.get("search")
    score: Any = search.get("score") if isinstance(search, dict) else None
    if isinstance(score, int | float | Decimal) and not 0 <= score <= 1:
        text = "a search score is between 0 and 1"
        yield Issue("error", "value", text, f"{where}.search.score")


_TYPES: dict[str, Callable[[Json, list[Entry], str], Iterator[Issue]]] = {
    "document": _document,
    "message": _message,
    "searchset": _searchset,
}
