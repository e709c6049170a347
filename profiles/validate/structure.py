"""Structure of resources: elements, cardinality, types, choices, required codes.

https://hl7.org/fhir/R4/validation.html ("Structure", "Cardinality", "Values/Bindings").
Schemas are compiled at first use; resources inside resources (Bundle
entries, contained, Parameters) are validated one by one by their own type's schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any

import jsonschema_rs
import orjson

from profiles.issue import Issue
from profiles.r4 import facts
from profiles.validate.depth import MOST_LEVELS, TOO_DEEP, is_too_deep
from profiles.validate.explain import explained, plain
from profiles.validate.schema import common_schema, resource_schema
from profiles.validate.shapes import compiled

#: Types most messages are made of. One validator for all of them compiles faster and is small
#: enough to stay in the processor's cache; the others have one each, made when they are met.
COMMON = frozenset(
    {
        "AllergyIntolerance",
        "Binary",
        "Condition",
        "Consent",
        "Coverage",
        "Device",
        "DiagnosticReport",
        "DocumentReference",
        "Encounter",
        "Location",
        "Observation",
        "Organization",
        "Patient",
        "Practitioner",
        "PractitionerRole",
        "Procedure",
        "Provenance",
        "RelatedPerson",
        "ServiceRequest",
        "Specimen",
        "Task",
    }
)

#: Nobody reads more, and who sends them has something else to repair.
MOST_ISSUES = 1_000
TOO_MANY = f"the structure has more than {MOST_ISSUES} issues: what follows them was not looked at"

#: Elements that hold resources.
_HOLDERS = frozenset({"contained", "entry", "parameter"})

Resource = dict[str, Any]
Placed = tuple[str, Any]


def structure(resource: Any) -> list[Issue]:
    """Validate a resource and all resources in it; no error means it is conformant.

    Every issue has a FHIRPath expression as location (`Patient.name[0].family`) and a
    text that repeats no value. After 1,000 issues one more says that the rest was not looked at.
    """
    if not isinstance(resource, dict):
        return [Issue("error", "structure", "a resource is a JSON object")]
    if resource.keys().isdisjoint(_HOLDERS) and _is_conformant(resource):
        return []
    issues: list[Issue] = []
    waiting: list[tuple[str, Any, int]] = [(_root(resource), resource, 0)]
    while waiting:
        place, item, level = waiting.pop()
        if level == MOST_LEVELS:
            issues.append(Issue("error", "too-costly", TOO_DEEP, place))
            continue
        if not _is_conformant(item):
            issues.extend(islice(_explain(place, item), MOST_ISSUES + 1 - len(issues)))
        if len(issues) > MOST_ISSUES:
            return [*issues[:MOST_ISSUES], Issue("error", "too-costly", TOO_MANY, _root(resource))]
        waiting.extend((*one, level + 1) for one in reversed([*_inner(place, item)]))
    return issues


def structure_of(body: bytes) -> list[Issue]:
    """Validate a resource by the JSON we have written of it."""
    return structure(orjson.loads(body))


@cache
def _common() -> jsonschema_rs.Draft7Validator:
    return compiled(common_schema(COMMON))


@cache
def _validator(resource_type: str) -> jsonschema_rs.Draft7Validator:
    return compiled(resource_schema(resource_type))


@cache
def resource_types() -> frozenset[str]:
    """Names of the concrete R4 resource types."""
    return frozenset(
        name
        for name, one in facts("elements")["types"].items()
        if one["kind"] == "resource" and not one.get("abstract")
    )


def _root(resource: Resource) -> str:
    return resource_type if (resource_type := _type(resource)) in resource_types() else ""


def _type(resource: Any) -> str:
    name = resource.get("resourceType") if isinstance(resource, dict) else ""
    return name if isinstance(name, str) else ""


def _is_conformant(item: Any) -> bool:
    resource_type = _type(item)
    return resource_type in resource_types() and _is_valid(resource_type, item)


def _is_valid(resource_type: str, item: Any) -> bool:
    try:
        if resource_type in COMMON:
            return _common().is_valid({resource_type: item})
        return _validator(resource_type).is_valid(item)
    except ValueError:
        # Something the validator does not take as it stands, such as a WrittenDecimal.
        return False


def _explain(place: str, item: Any) -> Iterator[Issue]:
    resource_type = _type(item)
    if resource_type not in resource_types():
        yield _without_type(place, item)
        return
    if is_too_deep(item):
        yield Issue("error", "too-costly", TOO_DEEP, place)
        return
    if _is_valid(resource_type, plain(item)):
        return
    found = False
    for issue in explained(place, item, resource_type):
        found = True
        yield issue
    if not found:
        yield Issue("error", "structure", "is not as FHIR R4 defines it", place)


def _without_type(place: str, item: Any) -> Issue:
    if not isinstance(item, dict):
        return Issue("error", "structure", "a resource is a JSON object", place)
    if "resourceType" not in item:
        return Issue("error", "required", "resourceType is missing", place)
    return Issue("error", "structure", "this resource type does not exist in FHIR R4", place)


def _inner(place: str, item: Any) -> Iterator[Placed]:
    """Resources directly inside a resource, with their places."""
    if not isinstance(item, dict):
        return
    yield from _listed(place, item, "contained", "")
    if "entry" in item and item.get("resourceType") == "Bundle":
        yield from _listed(place, item, "entry", "resource")
        for inner, response in _listed(place, item, "entry", "response"):
            yield from _named(inner, response, "outcome")
    if "parameter" in item and item.get("resourceType") == "Parameters":
        yield from _parameters(place, item, "parameter")


def _listed(place: str, item: Resource, name: str, member: str) -> Iterator[Placed]:
    """Items of a list, or one member of each."""
    listed = item.get(name)
    if not isinstance(listed, list):
        return
    for index, one in enumerate(listed):
        if not member:
            yield f"{place}.{name}[{index}]", one
        elif isinstance(one, dict) and member in one:
            yield f"{place}.{name}[{index}].{member}", one[member]


def _named(place: str, item: Any, member: str) -> Iterator[Placed]:
    if isinstance(item, dict) and member in item:
        yield f"{place}.{member}", item[member]


def _parameters(place: str, item: Resource, name: str) -> Iterator[Placed]:
    """Parameters nest in parts (https://hl7.org/fhir/R4/parameters.html)."""
    waiting = [*_listed(place, item, name, "")]
    waiting.reverse()
    while waiting:
        inner, parameter = waiting.pop()
        yield from _named(inner, parameter, "resource")
        if isinstance(parameter, dict):
            waiting.extend(reversed([*_listed(inner, parameter, "part", "")]))
