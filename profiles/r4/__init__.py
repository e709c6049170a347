"""Compiled FHIR R4 (4.0.1) core definitions: facts only.

Written by `python -m profiles.r4.compile CORE_DIR` from the published definitions
(https://hl7.org/fhir/R4/downloads.html); never edited by hand. Each kind lies in its own
file, so that a process loads only what it uses.

| file | content |
|---|---|
| primitives.json.gz | primitive types: JSON kind, regex, range |
| elements.json.gz | types and their elements: cardinality, types, targets, required bindings |
| bindings.json.gz | codes of the value sets with required bindings, where they are finite |
| search.json.gz | search parameters as path programs |
| summary.json.gz | which elements are part of a summary, which a resource must have |
| canonicals.json.gz | canonical URL → which of the files below has the definition |
| datatypes.json.gz | StructureDefinitions of the data types |
| resources.json.gz | StructureDefinitions of the resources |
| profiles.json.gz | profiles that core defines |
| extensions.json.gz | extensions that core defines |
| terminology.json.gz | CodeSystems and ValueSets of core |
| v2-tables.json.gz | HL7 v2 tables as CodeSystems and ValueSets |
| v3-codes.json.gz | HL7 v3 vocabulary as CodeSystems and ValueSets |

From `datatypes` on a file is a library: canonical URL → the definition as JSON text, without
prose, so that reading one definition does not cost parsing all.
"""

from __future__ import annotations

import gzip
from functools import cache
from importlib import resources
from typing import Any, Literal

import orjson

FHIR_VERSION = "4.0.1"

Kind = Literal[
    "primitives",
    "elements",
    "bindings",
    "search",
    "canonicals",
    "datatypes",
    "resources",
    "profiles",
    "extensions",
    "terminology",
    "v2-tables",
    "v3-codes",
]


@cache
def facts(kind: Kind) -> Any:
    """Return one kind of compiled facts; read once per process, not to be changed."""
    packed = (resources.files(__name__) / f"{kind}.json.gz").read_bytes()
    return orjson.loads(gzip.decompress(packed))


def definition(url: str) -> dict[str, Any] | None:
    """Return a core definition by canonical URL (without version), a copy of the caller's own.

    StructureDefinitions have their snapshot; prose is left out everywhere. None for what core
    does not define.
    """
    entry = facts("canonicals").get(url)
    if entry is None:
        return None
    found: dict[str, Any] = orjson.loads(facts(entry["library"])[url])
    return found
