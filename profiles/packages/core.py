"""FHIR R4 core as a package, from the compiled facts that ship with the gateway."""

from __future__ import annotations

from functools import cache

from profiles.issue import NotConformant
from profiles.packages.index import Entry
from profiles.packages.manifest import Manifest
from profiles.packages.package import Package
from profiles.packages.resource import Json
from profiles.r4 import FHIR_VERSION, definition, facts

CORE = "hl7.fhir.r4.core"


@cache
def core_package() -> Package:
    """Return core 4.0.1; only its index is read until a definition is asked for."""
    entries = tuple(
        Entry(
            filename=url,
            resource_type=one["resourceType"],
            id=one.get("id", ""),
            url=url,
            version=one.get("version", ""),
            kind=one.get("kind", ""),
            type=one.get("type", ""),
        )
        for url, one in facts("canonicals").items()
    )
    manifest = Manifest(
        name=CORE,
        version=FHIR_VERSION,
        fhir_versions=(FHIR_VERSION,),
        canonical="http://hl7.org/fhir",
        title="FHIR R4",
    )
    return Package(manifest, entries, _Core(), place="core")


class _Core:
    """Definitions by canonical URL, which stands for the file name."""

    def resource(self, filename: str) -> Json:
        found = definition(filename)
        if found is None:
            raise NotConformant("core has no such definition")
        return found
