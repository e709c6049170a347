"""Naming systems: what an OID or URI is called, and which URI to write instead.

https://hl7.org/fhir/R4/namingsystem.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from profiles.packages import Packages
from profiles.terminology.concept import Json


@dataclass(frozen=True, slots=True)
class Naming:
    """One NamingSystem."""

    name: str
    #: codesystem, identifier or root.
    kind: str
    #: Preferred URI; empty when it has none.
    uri: str
    #: Its other names: (oid | uuid | uri | other, value).
    ids: tuple[tuple[str, str], ...]


def naming_systems(packages: Packages) -> Mapping[str, Naming]:
    """Return every naming system by each of its unique ids (OIDs without `urn:oid:`)."""
    found: dict[str, Naming] = {}
    for package in packages:
        for entry in package.entries:
            if entry.resource_type == "NamingSystem":
                naming = _naming(package.resource(entry))
                for _, value in naming.ids:
                    found.setdefault(value, naming)
    return found


def _naming(resource: Json) -> Naming:
    ids = tuple(_ids(resource))
    uris = [value for kind, value, _ in ids if kind == "uri"]
    preferred = [value for kind, value, first in ids if kind == "uri" and first]
    return Naming(
        name=str(resource.get("name") or ""),
        kind=str(resource.get("kind") or ""),
        uri=(preferred or uris or [""])[0],
        ids=tuple((kind, value) for kind, value, _ in ids),
    )


def _ids(resource: Json) -> Iterator[tuple[str, str, bool]]:
    listed: Any = resource.get("uniqueId")
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and isinstance(one.get("value"), str):
            value = one["value"].removeprefix("urn:oid:")
            yield str(one.get("type") or "other"), value, one.get("preferred") is True
