"""Types and their elements: cardinality, types, reference targets, required bindings.

https://hl7.org/fhir/R4/elementdefinition.html
"""

from __future__ import annotations

from typing import Any

from profiles.r4.compile.definitions import Definitions, Json, names_in_json, r4_elements

#: Published as `string`, meant as `id` (https://hl7.org/fhir/R4/resource.html#id).
_RESOURCE_ID = "id"
#: Where the collection in circulation relaxes what 4.0.1 published.
PUBLISHED_MINIMUM = {
    "EvidenceVariable.characteristic": 1,
    "EvidenceVariable.characteristic.definition[x]": 1,
}


def compile_elements(definitions: Definitions) -> dict[str, Any]:
    """Return {"types": {name: facts}, "not_r4": [...]} for complex types and resources."""
    return {
        "types": {
            name: _type_facts(definitions, name, structure)
            for name, structure in definitions.structures.items()
            if structure["kind"] != "primitive-type"
        },
        "not_r4": sorted(
            path
            for name, structure in definitions.structures.items()
            if structure["kind"] != "primitive-type"
            for path in _not_r4(definitions, name, structure)
        ),
    }


def _type_facts(definitions: Definitions, name: str, structure: Json) -> Json:
    facts: Json = {
        "kind": structure["kind"],
        "elements": [
            _element_facts(name, element, known)
            for element, known in r4_elements(definitions, name)
        ],
    }
    if structure["abstract"]:
        facts["abstract"] = True
    if base := structure.get("baseDefinition"):
        facts["base"] = base.rpartition("/")[2]
    return facts


def _element_facts(name: str, element: Json, known: list[str]) -> Json:
    path = element["path"].removeprefix(f"{name}.")
    least = PUBLISHED_MINIMUM.get(element["path"], element["min"])
    facts: Json = {"path": path, "min": least, "max": element["max"]}
    if "contentReference" in element:
        facts["content"] = element["contentReference"].removeprefix("#")
    else:
        types = [code for json_name, code in names_in_json(element) if json_name in known]
        is_id = path == _RESOURCE_ID and element["base"]["path"] == "Resource.id"
        facts["types"] = ["id"] if is_id else types
    if targets := _targets(element):
        facts["targets"] = targets
    if value_set := required_value_set(element):
        facts["binding"] = value_set
    return facts


def _targets(element: Json) -> list[str]:
    """Resource types a Reference may point to; empty when any."""
    targets = {
        target.rpartition("/")[2]
        for coded in element.get("type", ())
        if coded["code"] == "Reference"
        for target in coded.get("targetProfile", ())
    }
    return [] if "Resource" in targets else sorted(targets)


def required_value_set(element: Json) -> str:
    """Return the canonical URL (without version) of a required binding, else ""."""
    binding = element.get("binding", {})
    if binding.get("strength") != "required":
        return ""
    url: str = binding.get("valueSet", "")
    return url.partition("|")[0]


def _not_r4(definitions: Definitions, name: str, structure: Json) -> list[str]:
    kept = {element["path"] for element, _ in r4_elements(definitions, name)}
    return [
        element["path"]
        for element in structure["snapshot"]["element"][1:]
        if element["path"] not in kept and element["max"] != "0"
    ]
