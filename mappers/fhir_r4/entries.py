"""Entries: what a FHIR document states, one resource each, with the place it stands at.

https://hl7.org/fhir/R4/bundle.html, http.html#transaction. Everything here was written by somebody
else: whatever is asked for may be missing or of another kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from mappers.base import Key, Resource
from mappers.fhir_r4.references import type_and_id
from profiles.issue import Issue, NotConformant, NotSupported, NotUnderstood
from profiles.reading.fhir_document import read_fhir

#: Bundle types whose entries say what to do with each resource (bdl-3); in others none may.
_REQUESTS = frozenset({"transaction", "batch"})
#: Bundle types that belong together and go on as they came.
WHOLE = frozenset({"document", "collection"})
#: Bundle types that state resources one by one.
BUNDLE_TYPES = _REQUESTS | WHOLE | {"message"}
#: https://hl7.org/fhir/R4/datatypes.html#id
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


@dataclass(slots=True)
class Entry:
    """One resource of a document, or the deletion of one."""

    #: FHIRPath of the resource; of a deletion, of its entry.
    place: str
    full_url: str
    method: str
    url: str
    resource: Resource
    keys: tuple[Key, ...] = ()
    id: str = ""

    @property
    def type(self) -> str:
        """Resource type."""
        return str(self.resource["resourceType"])


def read_document(data: bytes) -> tuple[Resource, tuple[Issue, ...]]:
    """Read a resource in JSON or XML; return it with what is wrong though nothing of it is lost.

    Raises NotUnderstood for what is neither: it has nothing to answer to (http.html#status-codes:
    400); NotConformant for JSON that is no resource.
    """
    try:
        document, issues = read_fhir(data)
    except NotConformant as error:
        raise NotUnderstood(error.text, issues=error.issues) from error
    if not isinstance(document, dict) or not isinstance(document.get("resourceType"), str):
        raise NotConformant("A FHIR resource is a JSON object with resourceType.")
    return document, tuple(
        Issue("warning", one.code, one.text, one.location, line=one.line, column=one.column)
        for one in issues
    )


def entries(document: Resource) -> list[Entry]:
    """Return what a document states; raises NotConformant or NotSupported for what is not taken."""
    if document["resourceType"] != "Bundle":
        place = str(document["resourceType"])
        _check_id(document, f"{place}.id")
        return [Entry(place, "", "PUT", "", document)]
    if document.get("type") not in BUNDLE_TYPES:
        raise NotSupported("This Bundle type is not taken here.", location="Bundle.type")
    found = list(_placed(document))
    if not document.get("entry"):
        raise NotConformant("The Bundle has no entry.", location="Bundle.entry")
    if document["type"] == "document" and (not found or found[0].type != "Composition"):
        text = "A document begins with its Composition (bdl-11)."
        raise NotConformant(text, location="Bundle.entry")
    return found


def _placed(bundle: Resource) -> Iterator[Entry]:
    listed = bundle.get("entry") or []
    if not isinstance(listed, list):
        raise NotConformant("Bundle.entry is a list.", location="Bundle.entry")
    seen: set[str] = set()
    for index, raw in enumerate(listed):
        place = f"Bundle.entry[{index}]"
        entry = _entry(raw, place, requests=bundle["type"] in _REQUESTS)
        if entry.full_url and entry.full_url in seen:
            raise NotConformant("A fullUrl names one entry only.", location=f"{place}.fullUrl")
        seen.add(entry.full_url)
        if entry.type != "MessageHeader" or bundle["type"] != "message":
            yield entry


def _entry(raw: Any, location: str, *, requests: bool) -> Entry:
    if not isinstance(raw, dict):
        raise NotConformant("A Bundle entry is an object.", location=location)
    method, url = _request(raw.get("request"), location, expected=requests)
    resource = raw.get("resource")
    place = f"{location}.resource"
    if method == "DELETE":
        resource, place = _deleted(url, f"{location}.request.url"), location
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        raise NotConformant("An entry carries a resource.", location=f"{location}.resource")
    _check_id(resource, f"{location}.resource.id")
    entry = Entry(place, text(raw.get("fullUrl")), method, url, resource)
    if method != "DELETE":
        _check_url(entry, f"{location}.request.url")
    return entry


def _request(request: Any, location: str, *, expected: bool) -> tuple[str, str]:
    """Read method and relative url; without a request an entry states its resource."""
    if request is None:
        return "PUT", ""
    if not isinstance(request, dict):
        raise NotConformant("A request is an object.", location=f"{location}.request")
    if not expected:
        rule = "Only entries of a transaction or batch have a request (bdl-3)."
        raise NotConformant(rule, location=f"{location}.request")
    method, url = text(request.get("method")) or "PUT", text(request.get("url"))
    path = url.partition("?")[0]
    if "://" in path or path.startswith("/") or ".." in path:
        raise NotConformant("A request url is relative: Type or Type/id.", location=location)
    if method not in {"PUT", "POST", "DELETE"}:
        raise NotSupported("Only PUT, POST and DELETE are taken in a Bundle.", location=location)
    return method, url


def _check_url(entry: Entry, location: str) -> None:
    """The url names what the entry carries (http.html#update): type, and id where it has one."""
    path = entry.url.partition("?")[0]
    if not path:
        return
    kind, _, name = path.partition("/")
    stated = entry.resource.get("id", name)
    if kind != entry.type or (name and entry.method == "PUT" and stated != name):
        raise NotConformant("The request url names another resource.", location=location)


def _check_id(resource: Resource, location: str) -> None:
    """Check the sender's id before it is exchanged for ours and nobody sees it any more."""
    stated = resource.get("id", "-")
    if not isinstance(stated, str) or not _ID.fullmatch(stated):
        fault = "An id has 1 to 64 letters, digits, hyphens and dots."
        raise NotConformant(issues=(Issue("error", "value", fault, location),))


def _deleted(url: str, location: str) -> Resource:
    """Name what a delete is about: Type/id, or Type?identifier=system|value."""
    named = type_and_id(url)
    if named is not None:
        return {"resourceType": named[0], "id": named[1]}
    identifier = conditional(url)
    if identifier is None:
        raise NotConformant("A delete names Type/id or one identifier.", location=location)
    resource_type, system, value = identifier
    return {"resourceType": resource_type, "identifier": [{"system": system, "value": value}]}


def conditional(url: str) -> tuple[str, str, str] | None:
    """Read `Type?identifier=system|value` (http.html#ccreate); None for anything else."""
    resource_type, _, query = url.partition("?")
    name, _, token = query.partition("=")
    system, bar, value = unquote(token).partition("|")
    if not resource_type or name != "identifier" or not bar or not value or "&" in query:
        return None
    return resource_type, system, value


def text(value: Any) -> str:
    """Return a string; anything else is none."""
    return value if isinstance(value, str) else ""


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list, or an object alone."""
    listed = value if isinstance(value, list) else [value]
    return [one for one in listed if isinstance(one, dict)]
