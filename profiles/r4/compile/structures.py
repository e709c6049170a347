"""StructureDefinitions of core with their snapshots, without prose and without what is not R4.

https://hl7.org/fhir/R4/structuredefinition.html, https://hl7.org/fhir/R4/elementdefinition.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import orjson

from profiles.packages.compact import compact_structure
from profiles.r4.compile.definitions import Definitions, Json, names_in_json, r4_elements
from profiles.r4.compile.elements import PUBLISHED_MINIMUM
from profiles.reading.decimals import literal_of

#: Libraries of structures.
STRUCTURES = ("datatypes", "resources", "profiles", "extensions")
_ID = "http://hl7.org/fhirpath/System.String"
_FHIR_TYPE = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"


def compile_structures(definitions: Definitions, *, kind: str) -> dict[str, str]:
    """Return {canonical URL: compact StructureDefinition as JSON text} of one library."""
    return {
        structure["url"]: text_of(_structure(definitions, structure))
        for structure in structures_of(definitions, kind)
    }


def structures_of(definitions: Definitions, kind: str) -> Iterator[Json]:
    """Yield the published StructureDefinitions of one library."""
    for structure in (*definitions.structures.values(), *definitions.profiles.values()):
        if library_of(structure) == kind:
            yield structure


def library_of(structure: Json) -> str:
    """Return the library a structure belongs to."""
    if structure.get("derivation") == "constraint":
        # SimpleQuantity and MoneyQuantity are profiles, but elements name them like types.
        if structure["url"].endswith(("/SimpleQuantity", "/MoneyQuantity")):
            return "datatypes"
        return "extensions" if structure["type"] == "Extension" else "profiles"
    return "resources" if structure["kind"] == "resource" else "datatypes"


def text_of(value: Any) -> str:
    """Write a definition as it stands in a library."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=_as_written).decode()


def _as_written(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(literal_of(value))
    raise TypeError(type(value).__name__)


def _structure(definitions: Definitions, structure: Json) -> Json:
    made = compact_structure(structure)
    made.pop("differential", None)
    kept = (
        _known(definitions, structure)
        if structure.get("derivation") == "constraint"
        else _pure(definitions, structure)
    )
    by_id = {one["id"]: one for one in made["snapshot"]["element"]}
    made["snapshot"] = {
        "element": [_element(by_id[element["id"]], names) for element, names in kept]
    }
    return made


def _pure(definitions: Definitions, structure: Json) -> Iterator[tuple[Json, list[str] | None]]:
    """Elements of a type with the JSON names that are really R4; None keeps all types."""
    root, *rest = structure["snapshot"]["element"]
    yield root, None
    if structure["kind"] == "primitive-type":
        for element in rest:
            yield element, None
        return
    yield from r4_elements(definitions, structure["name"])


def _known(definitions: Definitions, profile: Json) -> Iterator[tuple[Json, list[str] | None]]:
    """Elements of a profile, but for those that stand on later additions to its type."""
    elements = definitions.structures[profile["type"]]["snapshot"]["element"]
    kept = {element["path"] for element, _ in r4_elements(definitions, profile["type"])}
    added = tuple(
        element["path"]
        for element in elements[1:]
        if element["path"] not in kept and element["max"] != "0"
    )
    for element in profile["snapshot"]["element"]:
        path = element["path"]
        if not any(path == one or path.startswith(f"{one}.") for one in added):
            yield element, None


def _element(element: Json, names: list[str] | None) -> Json:
    least = PUBLISHED_MINIMUM.get(element["path"], element.get("min"))
    made = element | ({} if least is None else {"min": least})
    if names is not None and element["path"].endswith("[x]"):
        pairs = zip(names_in_json(element), element["type"], strict=True)
        made["type"] = [coded for (name, _), coded in pairs if name in names]
    if element.get("base", {}).get("path") == "Resource.id":
        # Published as `string`, meant as `id` (https://hl7.org/fhir/R4/resource.html#id).
        made["type"] = [{"code": _ID, "extension": [{"url": _FHIR_TYPE, "valueUrl": "id"}]}]
    return made
