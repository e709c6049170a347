"""Environment variables: %context, %resource, %ucum, %`vs-name`, and the caller's own.

https://hl7.org/fhirpath/N1/#environment-variables, https://hl7.org/fhir/R4/fhirpath.html#variables.
"""

from __future__ import annotations

from typing import Any

from profiles.fhirpath.context import Evaluation
from profiles.fhirpath.errors import FHIRPathSemanticError
from profiles.fhirpath.items import Items, Node, Type
from profiles.fhirpath.model import resource_type, untyped

_TEXTS = {
    "ucum": "http://unitsofmeasure.org",
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
}
_PREFIXES = {
    "vs-": "http://hl7.org/fhir/ValueSet/",
    "ext-": "http://hl7.org/fhir/StructureDefinition/",
}


def variable(evaluation: Evaluation, name: str) -> Items:
    """Return a variable's items; raises FHIRPathSemanticError for an unknown one."""
    if name in evaluation.variables:
        return as_items(evaluation.variables[name], evaluation.untyped)
    if name == "context":
        return evaluation.context
    if name == "resource":
        return evaluation.resource
    if name == "rootResource":
        return evaluation.root_resource
    if name in _TEXTS:
        return [_TEXTS[name]]
    for prefix, url in _PREFIXES.items():
        if name.startswith(prefix):
            return [url + name.removeprefix(prefix)]
    raise FHIRPathSemanticError(f"there is no variable %{name}")


def as_items(value: Any, unknown: Type) -> Items:
    """Turn a caller's value into a collection: a list is one, None is empty."""
    if value is None:
        return []
    values = value if isinstance(value, list | tuple) else [value]
    return [as_item(one, unknown) for one in values if one is not None]


def as_item(value: Any, unknown: Type) -> Any:
    """Turn a caller's value into an item: JSON objects are nodes, typed when they are resources."""
    if isinstance(value, dict):
        known = unknown if unknown is untyped(plain=True) else resource_type(value)
        return Node(value, None, known, None, known.name or str(value.get("resourceType", "")))
    return unknown.convert(value) if isinstance(value, float) and unknown.convert else value
