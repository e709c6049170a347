"""Primitive types: how they stand in JSON, their regex and range.

https://hl7.org/fhir/R4/datatypes.html#primitive
"""

from __future__ import annotations

from typing import Any

from profiles.r4.compile.definitions import Definitions, Json

_REGEX = "http://hl7.org/fhir/StructureDefinition/regex"
#: JSON kinds other than string (https://hl7.org/fhir/R4/json.html#primitive).
_JSON = {
    "boolean": "boolean",
    "integer": "integer",
    "unsignedInt": "integer",
    "positiveInt": "integer",
    "decimal": "number",
}
#: Stated in the prose of the specification only: all three are 32-bit integers.
_LARGEST = 2_147_483_647
_SMALLEST = {"unsignedInt": 0, "positiveInt": 1}


def compile_primitives(definitions: Definitions) -> dict[str, Any]:
    """Return {name: {"json", "base", "regex"?, "min"?, "max"?, "length"?}}."""
    return {
        name: _primitive(name, structure)
        for name, structure in definitions.structures.items()
        if structure["kind"] == "primitive-type"
    }


def _primitive(name: str, structure: Json) -> Json:
    value = next(
        element
        for element in structure["snapshot"]["element"]
        if element["path"] == f"{name}.value"
    )
    facts: Json = {
        "json": _JSON.get(name, "string"),
        "base": structure["baseDefinition"].rpartition("/")[2],
    }
    for extension in value["type"][0].get("extension", ()):
        if extension["url"] == _REGEX:
            facts["regex"] = extension["valueString"]
    if facts["json"] == "integer":
        facts["min"] = _SMALLEST.get(name, value.get("minValueInteger"))
        facts["max"] = value.get("maxValueInteger", _LARGEST)
    if "maxLength" in value:
        facts["length"] = value["maxLength"]
    return facts
