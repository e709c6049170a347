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
"""

from __future__ import annotations

import gzip
from functools import cache
from importlib import resources
from typing import Any, Literal

import orjson

FHIR_VERSION = "4.0.1"

Kind = Literal["primitives", "elements", "bindings", "search"]


@cache
def facts(kind: Kind) -> Any:
    """Return one kind of compiled facts; read once per process, not to be changed."""
    packed = (resources.files(__name__) / f"{kind}.json.gz").read_bytes()
    return orjson.loads(gzip.decompress(packed))
