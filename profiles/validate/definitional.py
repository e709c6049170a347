"""CodeSystem, CapabilityStatement, SearchParameter: what they say of themselves holds together.

https://hl7.org/fhir/R4/codesystem.html, https://hl7.org/fhir/R4/capabilitystatement.html,
https://hl7.org/fhir/R4/searchparameter.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from profiles.fhirpath import FHIRPathError, FHIRPathSyntaxError, compile  # noqa: A004
from profiles.issue import Issue, Severity
from profiles.r4 import facts

Json = dict[str, Any]
#: A concept and its FHIRPath location.
Placed = tuple[str, Json]

_SEARCH = "http://hl7.org/fhir/SearchParameter/"
#: CodeSystem.property.type → member of concept.property that holds such a value.
_VALUES = {
    "code": "valueCode",
    "Coding": "valueCoding",
    "string": "valueString",
    "integer": "valueInteger",
    "boolean": "valueBoolean",
    "dateTime": "valueDateTime",
    "decimal": "valueDecimal",
}


def code_system_issues(resource: Json, place: str) -> Iterator[Issue]:
    """CodeSystem: its content, its count and the properties of its concepts."""
    concepts = list(_concepts(resource, place))
    content, count = resource.get("content"), resource.get("count")
    if content == "not-present" and concepts:
        text = "a code system whose content is not present has no concepts"
        yield Issue("error", "value", text, f"{place}.concept")
    if content == "supplement" and "supplements" not in resource:
        text = "a supplement names the code system that it supplements"
        yield Issue("warning", "required", text, f"{place}.supplements")
    if content == "complete" and concepts and _is_count(count) and count != len(concepts):
        text = f"the code system is complete, but has {len(concepts)} concepts, not as many as said"
        yield Issue("warning", "value", text, f"{place}.count")
    types = {str(one.get("code")): one.get("type") for one in _objects(resource.get("property"))}
    for where, concept in concepts:
        yield from _properties(concept, types, where)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _objects(value: Any) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _concepts(holder: Json, place: str) -> Iterator[Placed]:
    waiting = [(place, holder)]
    while waiting:
        above, one = waiting.pop()
        listed = one.get("concept")
        inner = enumerate(listed if isinstance(listed, list) else ())
        placed = [(f"{above}.concept[{at}]", each) for at, each in inner if isinstance(each, dict)]
        yield from placed
        waiting.extend(reversed(placed))


def _properties(concept: Json, types: dict[str, Any], where: str) -> Iterator[Issue]:
    listed = concept.get("property")
    for index, one in enumerate(listed if isinstance(listed, list) else ()):
        if not isinstance(one, dict) or not isinstance(one.get("code"), str):
            continue
        member = _VALUES.get(str(types.get(one["code"])))
        values = [name for name in one if name.startswith("value")]
        if member is not None and values and values != [member]:
            text = "the value is not of the type that the code system gives the property"
            yield Issue("error", "value", text, f"{where}.property[{index}].value")


def capability_statement_issues(resource: Json, place: str) -> Iterator[Issue]:
    """CapabilityStatement: its search parameters are of the types that their definitions have."""
    for at, rest in enumerate(_objects(resource.get("rest"))):
        for number, one in enumerate(_objects(rest.get("resource"))):
            known = facts("search")["parameters"].get(str(one.get("type")), {})
            for index, parameter in enumerate(_objects(one.get("searchParam"))):
                stated = parameter.get("type")
                wanted = _kind(parameter, known)
                if wanted and isinstance(stated, str) and stated != wanted:
                    where = f"{place}.rest[{at}].resource[{number}].searchParam[{index}].type"
                    text = f"the definition of the search parameter says {wanted}"
                    yield Issue("error", "value", text, where)


def _kind(parameter: Json, known: Json) -> str:
    """Return the type of a search parameter that core defines; "" for others."""
    name, url = parameter.get("name"), parameter.get("definition")
    if not isinstance(name, str) or not isinstance(url, str):
        return ""
    plain = url.partition("|")[0]
    if not plain.startswith(_SEARCH) or not plain.endswith(f"-{name}") or name not in known:
        return ""
    return str(known[name]["kind"])


def search_parameter_issues(resource: Json, place: str) -> Iterator[Issue]:
    """SearchParameter: its expression can be read."""
    source = resource.get("expression")
    fault = expression_fault(source) if isinstance(source, str) else None
    if fault is not None:
        yield Issue(*fault, f"{place}.expression")


def expression_fault(source: str) -> tuple[Severity, str, str] | None:
    """Return severity, code and text of what is wrong with FHIRPath; None for nothing.

    A function or type that is not known here may be one of a later version.
    """
    try:
        compile(source)
    except FHIRPathSyntaxError:
        return "error", "invalid", "the expression is not valid FHIRPath"
    except FHIRPathError:
        return "warning", "not-supported", "the expression uses what FHIRPath does not define"
    return None
