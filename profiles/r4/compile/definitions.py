"""The published definitions, indexed, and cleared of what is not R4.

The collections in circulation carry later additions under version 4.0.1 (for example
Meta.accounts, ResearchStudy.whyStopped). An element counts as R4 only when HL7's JSON
schema (fhir.schema.json) knows it too and it is not named in `_ADDED`.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

from profiles.r4 import FHIR_VERSION
from profiles.reading import Limits, read_json

_LIMITS = Limits(size=100_000_000, containers=10_000_000, entries=100_000)
_STRUCTURES = ("profiles-types", "profiles-resources")
_PROFILES = (*_STRUCTURES, "profiles-others", "extension-definitions")
_TERMINOLOGY = ("valuesets", "v3-codesystems", "v2-tables")
_FHIR_TYPE = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"
#: Additions that reached the JSON schema as well.
_ADDED = frozenset(
    {
        "DeviceDefinition.classification",
        "Meta.account",
        "Meta.author",
        "Meta.compartment",
        "Meta.project",
        "ObservationDefinition.publisher",
    }
)
#: Elements whose snapshot was changed in circulation while the differential still says what 4.0.1
#: published.
_AS_IN_DIFFERENTIAL = {
    "AuditEvent.source.observer": "type",
    "Bundle.entry.response.outcome": "type",
    "DetectedIssue.status": "binding",
    "EvidenceVariable.characteristic.description": "type",
    "MeasureReport.subject": "type",
    "ResearchStudy.site": "type",
}
_SYSTEM_TYPES = "http://hl7.org/fhirpath/System."

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Definitions:
    """Everything the compilers read."""

    #: Type name → StructureDefinition (specializations only).
    structures: dict[str, Json]
    #: Canonical URL → ValueSet.
    value_sets: dict[str, Json]
    #: Canonical URL → CodeSystem.
    code_systems: dict[str, Json]
    search_parameters: list[Json]
    #: HL7's JSON schema definitions by name.
    schema: dict[str, Json]
    #: Canonical URL → StructureDefinition (constraints: profiles and extensions).
    profiles: dict[str, Json] = field(default_factory=dict)
    compartments: list[Json] = field(default_factory=list)

    def resource_types(self) -> list[str]:
        """Names of the concrete resource types."""
        return sorted(
            name
            for name, structure in self.structures.items()
            if structure["kind"] == "resource" and not structure["abstract"]
        )


def read_definitions(core: Path) -> Definitions:
    """Read the gzipped definition files in `core`, each once."""
    read = cache(partial(_document, core))
    structures = {
        structure["name"]: _as_published(structure)
        for structure in _resources(read, _STRUCTURES, "StructureDefinition")
        if structure.get("derivation") != "constraint"
        and structure["version"] == FHIR_VERSION
        and structure["kind"] != "logical"
    }
    return Definitions(
        structures=structures,
        value_sets={one["url"]: one for one in _resources(read, _TERMINOLOGY, "ValueSet")},
        code_systems={one["url"]: one for one in _resources(read, _TERMINOLOGY, "CodeSystem")},
        search_parameters=[
            one
            for one in _resources(read, ("search-parameters",), "SearchParameter")
            if one["version"] == FHIR_VERSION
        ],
        schema=read("fhir.schema")["definitions"],
        profiles={
            one["url"]: one
            for one in _resources(read, _PROFILES, "StructureDefinition")
            if one.get("derivation") == "constraint" and one["version"] == FHIR_VERSION
        },
        compartments=[read("compartmentdefinition-patient")],
    )


def _as_published(structure: Json) -> Json:
    stated = {one["path"]: one for one in structure["differential"]["element"]}
    for element in structure["snapshot"]["element"]:
        if member := _AS_IN_DIFFERENTIAL.get(element["path"]):
            element[member] = stated[element["path"]][member]
    return structure


def _resources(
    read: Callable[[str], Json], names: tuple[str, ...], resource_type: str
) -> Iterator[Json]:
    for name in names:
        for entry in read(name)["entry"]:
            if entry["resource"]["resourceType"] == resource_type:
                yield entry["resource"]


def _document(core: Path, name: str) -> Json:
    packed = (core / f"{name}.json.gz").read_bytes()
    document: Json = read_json(gzip.decompress(packed), limits=_LIMITS)
    return document


def capital(name: str) -> str:
    """Return a type name as it stands in a choice element's name: dateTime → DateTime."""
    return name[0].upper() + name[1:]


def type_code(coded: Json) -> str:
    """Return the FHIR type of an ElementDefinition.type entry."""
    for extension in coded.get("extension", ()):
        if extension["url"] == _FHIR_TYPE:
            code: str = extension["valueUrl"]
            return code
    plain: str = coded["code"].removeprefix(_SYSTEM_TYPES)
    return plain if plain == coded["code"] else plain[0].lower() + plain[1:]


def names_in_json(element: Json) -> list[tuple[str, str]]:
    """Return (JSON name, type) of an element; a choice has one pair per type."""
    leaf = element["path"].rpartition(".")[2]
    types = [type_code(coded) for coded in element.get("type", ())]
    if leaf.endswith("[x]"):
        return [(leaf[:-3] + capital(code), code) for code in types]
    return [(leaf, types[0] if types else "")]


def r4_elements(definitions: Definitions, type_name: str) -> Iterator[tuple[Json, list[str]]]:
    """Yield a type's elements below the root with the JSON names that are really R4.

    An element without any such name is not yielded, nor is anything below it.
    """
    nested = {type_name: type_name}
    elements = definitions.structures[type_name]["snapshot"]["element"][1:]
    parents = {element["path"].rpartition(".")[0] for element in elements}
    for element in elements:
        parent = element["path"].rpartition(".")[0]
        if parent not in nested or element["max"] == "0" or element["path"] in _ADDED:
            continue
        names = [json_name for json_name, _ in names_in_json(element)]
        # Abstract types (BackboneElement, DomainResource) have no schema: all is known.
        schema = definitions.schema.get(nested[parent], {})
        properties = schema.get("properties", {name: {} for name in names})
        known = [json_name for json_name in names if json_name in properties]
        if not known:
            continue
        if element["path"] in parents:
            nested[element["path"]] = _referenced(properties[known[0]])
        yield element, known


def _referenced(schema: Json) -> str:
    reference: str = schema.get("$ref") or schema["items"]["$ref"]
    return reference.rpartition("/")[2]
