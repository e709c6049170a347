"""Structure of resources: elements, cardinality, types, choices, required codes.

https://hl7.org/fhir/R4/validation.html ("Structure", "Cardinality", "Values/Bindings").
Schemas are compiled at first use; resources inside resources (Bundle
entries, contained, Parameters) are validated one by one by their own type's schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema_rs
import orjson

from profiles.issue import Issue
from profiles.r4 import facts
from profiles.reading import write_json
from profiles.validate.depth import MOST_LEVELS, TOO_DEEP, is_too_deep
from profiles.validate.primitives import whole_number_schemas
from profiles.validate.schema import common_schema, resource_schema
from profiles.validate.sentences import issues_of

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

Resource = dict[str, Any]
Placed = tuple[str, Any]


def structure(resource: Any) -> list[Issue]:
    """Validate a resource and all resources in it; no error means it is conformant.

    A relative reference to a type that the element does not allow is a warning.

    Every issue has a FHIRPath expression as location (`Patient.name[0].family`) and a
    text that repeats no value.
    """
    if not isinstance(resource, dict):
        return [Issue("error", "structure", "a resource is a JSON object")]
    issues: list[Issue] = []
    waiting: list[tuple[str, Any, int]] = [(_root(resource), resource, 0)]
    while waiting:
        place, item, level = waiting.pop()
        if level == MOST_LEVELS:
            issues.append(Issue("error", "too-costly", TOO_DEEP, place))
            continue
        if not _is_conformant(item):
            issues.extend(_explain(place, item))
        waiting.extend((*one, level + 1) for one in reversed([*_inner(place, item)]))
    return issues


@cache
def _common() -> jsonschema_rs.Draft7Validator:
    return _compiled(common_schema(COMMON))


@cache
def _validator(resource_type: str) -> jsonschema_rs.Draft7Validator:
    return _compiled(resource_schema(resource_type))


def _compiled(schema: dict[str, Any]) -> jsonschema_rs.Draft7Validator:
    return jsonschema_rs.Draft7Validator(
        schema,
        pattern_options=jsonschema_rs.RegexOptions(),
        registry=_whole_numbers(),
    )


@cache
def _whole_numbers() -> jsonschema_rs.Registry:
    return jsonschema_rs.Registry(whole_number_schemas())


@cache
def _schema(resource_type: str) -> dict[str, Any]:
    """Only for explaining: most processes never need a schema in Python form."""
    return resource_schema(resource_type)


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
    if resource_type not in resource_types():
        return False
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
    found = {
        issue: None  # a dict keeps the order and drops repetitions
        for error in _validator(resource_type).iter_errors(_plain(item))
        for issue in issues_of(error, place, _schema(resource_type))
    }
    yield from found


def _plain(item: Any) -> Any:
    """Return numbers as the validator knows them: a WrittenDecimal becomes a float."""
    try:
        return orjson.loads(write_json(item))
    except TypeError:  # an integer beyond 64 bits, which the validator takes as it stands
        return item


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
