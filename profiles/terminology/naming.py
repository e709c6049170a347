"""Naming systems: what an OID or URI is called, and which URI to write instead.

https://hl7.org/fhir/R4/namingsystem.html; a CodeSystem names its OID in its identifier:
https://hl7.org/fhir/R4/codesystem-definitions.html#CodeSystem.identifier. A NamingSystem counts
before a CodeSystem.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from profiles.packages import Packages
from profiles.terminology.concept import Json

_OID = "urn:oid:"
#: OIDs of the systems FHIR itself names: https://hl7.org/fhir/R4/terminologies-systems.html.
_OF_FHIR = {
    "2.16.840.1.113883.6.96": "http://snomed.info/sct",
    "2.16.840.1.113883.6.88": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "2.16.840.1.113883.6.1": "http://loinc.org",
    "2.16.840.1.113883.6.8": "http://unitsofmeasure.org",
    "2.16.840.1.113883.6.3": "http://hl7.org/fhir/sid/icd-10",
    "2.16.840.1.113883.6.73": "http://www.whocc.no/atc",
    "2.16.840.1.113883.6.43.1": "http://terminology.hl7.org/CodeSystem/icd-o-3",
    "1.2.840.10008.2.16.4": "http://dicom.nema.org/resources/ontology/DCM",
    "1.0.3166.1.2.2": "urn:iso:std:iso:3166",
}


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
    for kind, read in (("NamingSystem", _naming), ("CodeSystem", _of_code_system)):
        for package in packages:
            for entry in package.entries:
                if entry.resource_type == kind:
                    naming = read(package.resource(entry))
                    for _, value in naming.ids:
                        found.setdefault(value, naming)
    for oid, uri in _OF_FHIR.items():
        naming = Naming("", "codesystem", uri, (("oid", oid), ("uri", uri)))
        found.setdefault(oid, naming)
        if not any(one == "oid" for one, _ in found.setdefault(uri, naming).ids):
            found[uri] = naming
    return found


def _of_code_system(resource: Json) -> Naming:
    """A code system is named by its URL, and by the OIDs among its identifiers."""
    url = resource.get("url")
    listed: Any = resource.get("identifier")
    oids = [
        one["value"].removeprefix(_OID)
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, dict) and str(one.get("value")).startswith(_OID)
    ]
    uri = url if isinstance(url, str) else ""
    ids = [("oid", one) for one in oids] + ([("uri", uri)] if uri else [])
    return Naming(str(resource.get("name") or ""), "codesystem", uri, tuple(ids))


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
            value = one["value"].removeprefix(_OID)
            yield str(one.get("type") or "other"), value, one.get("preferred") is True
