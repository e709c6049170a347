"""Conformance resources without what only people read.

https://hl7.org/fhir/R4/elementdefinition.html, https://hl7.org/fhir/R4/structuredefinition.html.
What is left is a part of the published JSON in its published form: nothing is renamed, so that
whoever knows the specification can read it.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_STRUCTURE = (
    "resourceType",
    "id",
    "url",
    "version",
    "name",
    "status",
    "fhirVersion",
    "kind",
    "abstract",
    "context",
    "contextInvariant",
    "type",
    "baseDefinition",
    "derivation",
)
_ELEMENT = frozenset(
    {
        "id",
        "path",
        "representation",
        "sliceName",
        "sliceIsConstraining",
        "slicing",
        "min",
        "max",
        "base",
        "contentReference",
        "type",
        "maxLength",
        "constraint",
        "mustSupport",
        "isModifier",
        "isSummary",
        "binding",
        "extension",
    }
)
#: Members whose name goes on with a type.
_CHOICES = ("fixed", "pattern", "minValue", "maxValue", "_fixed", "_pattern")
_TYPE = ("code", "profile", "targetProfile", "_profile", "aggregation", "versioning", "extension")
_CONSTRAINT = ("key", "severity", "human", "expression", "source")
_BINDING = ("strength", "valueSet", "extension")
#: Extensions that say something a validator acts on.
_R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ElementDefinition"
_MEANT = frozenset(
    {
        "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type",
        "http://hl7.org/fhir/StructureDefinition/regex",
        "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet",
        "http://hl7.org/fhir/StructureDefinition/elementdefinition-minValueSet",
        "http://hl7.org/fhir/StructureDefinition/elementdefinition-profile-element",
        "http://hl7.org/fhir/StructureDefinition/narrative-language-control",
        "http://hl7.org/fhir/StructureDefinition/additional-binding",
        "http://hl7.org/fhir/tools/StructureDefinition/additional-binding",
        f"{_R5}.binding.additional",
        f"{_R5}.mustHaveValue",
        f"{_R5}.valueAlternatives",
    }
)
#: Members of other conformance resources that only people read.
_PROSE = frozenset(
    {"text", "description", "purpose", "copyright", "contact", "useContext", "jurisdiction"}
)


def compact(resource: Json) -> Json:
    """Return a resource without prose; StructureDefinitions without all that binds nobody."""
    if resource.get("resourceType") == "StructureDefinition":
        return compact_structure(resource)
    return {name: value for name, value in resource.items() if name not in _PROSE}


def compact_structure(structure: Json) -> Json:
    """Return a StructureDefinition with compact elements."""
    made = {name: structure[name] for name in _STRUCTURE if name in structure}
    for view in ("differential", "snapshot"):
        if view not in structure:
            continue
        # What is shaped wrongly stays as it is, for those who work with it to refuse.
        made[view] = found = structure[view]
        if isinstance(found, dict) and isinstance(found.get("element"), list):
            elements = [
                compact_element(one) if _is_object(one) else one for one in found["element"]
            ]
            made[view] = {"element": elements}
    return made


def compact_element(element: Json) -> Json:
    """Return an ElementDefinition without prose."""
    made = {
        name: value
        for name, value in element.items()
        if name in _ELEMENT or name.startswith(_CHOICES)
    }
    if "slicing" in made:
        made["slicing"] = _part(made["slicing"], ("discriminator", "ordered", "rules"))
    if "type" in made:
        made["type"] = [_part(one, _TYPE) for one in _objects(made["type"])]
    if "constraint" in made:
        made["constraint"] = [_part(one, _CONSTRAINT) for one in _objects(made["constraint"])]
    if "binding" in made:
        made["binding"] = _part(made["binding"], _BINDING)
    return _meant(made)


def _part(value: Any, names: tuple[str, ...]) -> Json:
    if not isinstance(value, dict):
        return {}
    return _meant({name: value[name] for name in names if name in value})


def _meant(made: Json) -> Json:
    if "extension" in made:
        listed = _objects(made["extension"])
        made["extension"] = [one for one in listed if str(one.get("url")) in _MEANT]
        if not made["extension"]:
            del made["extension"]
    return made


def _objects(value: Any) -> list[Json]:
    return [one for one in value if _is_object(one)] if isinstance(value, list) else []


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)
