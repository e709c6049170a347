"""Keys: what a sender's resource is known by here, in its sender's namespace alone.

A sender's ids, identifiers and contents are keys of its own namespace, so that no sender can write
another's resources; a KVNR names a person wherever treated and never makes an id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from mappers.base import Key, Resource
from mappers.fhir_r4.entries import Entry, conditional, objects, text
from profiles.reading import canonical_json

#: Systems that name a person wherever treated; they propose links and never make an id.
KVNR_SYSTEMS = frozenset({"http://fhir.de/sid/gkv/kvid-10", "http://fhir.de/sid/pkv/kvid-10"})


#: Numbers of doctors who have none of their own (KBV: substitute and hospital doctors' numbers); as
#: keys they would make one doctor of many.
_DOCTORS = "https://fhir.kbv.de/NamingSystem/KBV_NS_Base_ANR"
_NOBODY_S = ("999999", "555555")


def keys_of(entry: Entry, namespace: str) -> tuple[Key, ...]:
    """Name an entry: by its id, its identifiers, else by what it says."""
    return tuple(dict.fromkeys(_keys(entry, namespace)))


def _keys(entry: Entry, namespace: str) -> Iterator[Key]:
    resource, found = entry.resource, False
    name = text(resource.get("id")) or _id_of_url(entry)
    if name and entry.method != "POST":
        yield by_id(entry.type, name, namespace)
    for system, value in _business(entry):
        found = True
        yield by_identifier(entry.type, system, value, namespace)
    if not found and (entry.method == "POST" or not name):
        yield Key(entry.type, f"{namespace}|content", _content(resource))


def by_id(kind: str, name: str, namespace: str) -> Key:
    """The key of what a sender calls `Type/id`."""
    return Key(kind, namespace, f"{kind}/{name}")


def by_identifier(kind: str, system: str, value: str, namespace: str) -> Key:
    """The key of a business identifier; a system of the sender's own namespace is one already."""
    own = system == namespace or system.startswith((f"{namespace}/", f"{namespace}|"))
    return Key(kind, system if own else f"{namespace}|{system}", value)


def _business(entry: Entry) -> Iterator[tuple[str, str]]:
    """Every identifier that may name a record, last the one a conditional request asks for."""
    stated = [(text(i.get("system")), text(i.get("value"))) for i in identifiers(entry.resource)]
    asked = conditional(entry.url) if entry.method != "DELETE" else None
    if asked is not None:
        stated.append(asked[1:])
    for system, value in stated:
        shared = system == _DOCTORS and value.startswith(_NOBODY_S)
        if value and system not in KVNR_SYSTEMS and not shared:
            yield system, value


def identifiers(resource: Resource) -> list[dict[str, Any]]:
    """The identifiers of a resource; some types have one, most have many."""
    return objects(resource.get("identifier"))


def _id_of_url(entry: Entry) -> str:
    return entry.url.partition("?")[0].partition("/")[2]


def _content(resource: Resource) -> str:
    """Name a resource that has no identifier by what it says, without its volatile parts."""
    stable = {k: v for k, v in resource.items() if k not in {"id", "meta", "text"}}
    return hashlib.sha256(canonical_json(_without_urns(stable))).hexdigest()


def _without_urns(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_urns(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_without_urns(v) for v in value]
    return "" if isinstance(value, str) and value.startswith("urn:uuid:") else value
