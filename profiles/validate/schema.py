"""JSON Schema of one resource type, built from the compiled facts.

https://hl7.org/fhir/R4/json.html. One definition per type and per backbone element, only
those that the resource type can reach. Resources inside resources are left open here:
each is validated by its own type's schema (structure.py).

Rules that JSON Schema states in a roundabout way carry a `$comment` naming the rule and
the element, from which sentences.py makes the issue:
`required:status`, `choice:value[x]`, `binding:…`, `nulls:given`, `target:`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from profiles.r4 import facts
from profiles.validate.primitives import primitive_schema, primitive_types

Schema = dict[str, Any]

_LOCAL = "#/definitions/"
#: From here on a choice is only looked at when the object could hold two of its types.
_MANY_TYPES = 12
#: In XML these are attributes, so they cannot carry extensions.
_ATTRIBUTES = frozenset({("Extension", "url")})
_ANY_RESOURCE: Schema = {"type": "object", "required": ["resourceType"]}


def resource_schema(resource_type: str) -> Schema:
    """Build the JSON Schema (draft 7) of a resource type."""
    return schema_of(resource_type, _definitions([resource_type]))


def schema_of(name: str, definitions: dict[str, Schema]) -> Schema:
    """Make a schema of one of several definitions."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$ref": f"{_LOCAL}{name}",
        "definitions": definitions,
    }


def common_schema(resource_types: Iterable[str]) -> Schema:
    """Build one schema for several types, of `{type: resource}`; they share their data types."""
    names = sorted(resource_types)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "properties": {name: _ref(name) for name in names},
        "definitions": _definitions(names),
    }


def _definitions(waiting: list[str]) -> dict[str, Schema]:
    definitions: dict[str, Schema] = {}
    waiting = [*waiting]
    while waiting:
        name = waiting.pop()
        if name not in definitions:
            definitions[name] = definition(name)
            waiting.extend(references(definitions[name]))
    return definitions


def references(schema: Any) -> Iterator[str]:
    """Go through the names of the definitions a schema refers to."""
    if isinstance(schema, dict):
        reference = schema.get("$ref", "")
        if reference.startswith(_LOCAL):
            yield reference.removeprefix(_LOCAL)
        for inner in schema.values():
            yield from references(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from references(inner)


def definition(name: str) -> Schema:
    """Build the definition of a primitive type, a data type, a backbone element or a resource."""
    if name in primitive_types():
        return primitive_schema(name)
    return _Object(name).schema()


class _Object:
    """Collects what a JSON object of one type (or backbone element) may hold."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.type, _, self.path = name.partition(".")
        self.facts = facts("elements")["types"][self.type]
        self.is_resource = self.facts["kind"] == "resource" and not self.path
        self.parents = {one["path"].rpartition(".")[0] for one in self.facts["elements"]}
        self.properties: dict[str, Any] = {}
        self.required: list[str] = []
        self.rules: list[Schema] = []

    def schema(self) -> Schema:
        if self.is_resource:
            self.properties["resourceType"] = {"const": self.type}
            self.required.append("resourceType")
        for element in self.facts["elements"]:
            if element["path"].rpartition(".")[0] == self.path:
                self._add(element)
        schema: Schema = {
            "type": "object",
            "properties": self.properties,
            "additionalProperties": False,
            "minProperties": 1,
        }
        if self.required:
            schema["required"] = self.required
        if self.rules:
            schema["allOf"] = [_briefly(self._guarded(rule)) for rule in self.rules]
        return schema

    def _add(self, element: dict[str, Any]) -> None:
        leaf = element["path"].rpartition(".")[2]
        if leaf.endswith("[x]"):
            self._add_choice(leaf, element)
            return
        code = element.get("types", [""])[0]
        value = self._value(element, code)
        if code in primitive_types():
            self._add_primitive(leaf, element, value)
            return
        self.properties[leaf] = _many(value) if element["max"] == "*" else value
        if element["min"]:
            self.required.append(leaf)

    def _value(self, element: dict[str, Any], code: str) -> Schema:
        if "content" in element:
            return _ref(element["content"])
        if element["path"] in self.parents:
            return _ref(f"{self.type}.{element['path']}")
        if code == "Resource":
            return _ANY_RESOURCE
        if targets := element.get("targets"):
            return (
                {"allOf": [_ref(code), _pointing_to(targets)]}
                if code == "Reference"
                else _ref(code)
            )
        bound = facts("bindings")["finite"].get(element.get("binding"))
        return _ref(code) if bound is None else _bound(code, bound)

    def _add_primitive(self, leaf: str, element: dict[str, Any], value: Schema) -> None:
        extensible = self._is_extensible(leaf)
        if element["max"] == "*":
            self._add_primitive_list(leaf, value)
        else:
            self.properties[leaf] = value
            if extensible:
                self.properties[f"_{leaf}"] = _ref("Element")
        if element["min"] and extensible:
            self.rules.append({"$comment": f"required:{leaf}", "anyOf": [*_present([leaf])]})
        elif element["min"]:
            self.required.append(leaf)

    def _is_extensible(self, leaf: str) -> bool:
        if leaf == "id":
            return self.is_resource
        return (self.type, leaf) not in _ATTRIBUTES

    def _add_primitive_list(self, leaf: str, value: Schema) -> None:
        """Values and their extensions stand in parallel lists, with null for a gap."""
        gaps = {"anyOf": [value, {"type": "null"}]}
        self.properties[leaf] = True
        self.properties[f"_{leaf}"] = _many({"anyOf": [_ref("Element"), {"type": "null"}]})
        self.rules.append(
            {
                "$comment": f"nulls:{leaf}",
                "if": {"required": [f"_{leaf}"]},
                "then": {"properties": {leaf: _many(gaps)}},
                "else": {"properties": {leaf: _many(value)}},
            }
        )

    def _add_choice(self, leaf: str, element: dict[str, Any]) -> None:
        branches = []
        for code in element["types"]:
            name = leaf.removesuffix("[x]") + code[0].upper() + code[1:]
            self.properties[name] = self._value(element, code)
            branch = {"required": [name]}
            if code in primitive_types():
                self.properties[f"_{name}"] = _ref("Element")
                branch = {"anyOf": [*_present([name])]}
            branches.append(branch)
        comment = f"choice:{leaf}"
        if element["min"]:
            self.rules.append({"$comment": comment, "oneOf": branches})
        else:
            none = {"not": {"anyOf": branches}}
            self.rules.append({"$comment": comment, "oneOf": [*branches, none]})

    def _guarded(self, rule: Schema) -> Schema:
        """Put the check of a choice among many types behind a cheap one.

        Two types of one choice make at least two members more than the required ones.
        """
        if len(rule.get("oneOf", ())) < _MANY_TYPES or self._requires_choice(rule):
            return rule
        return {"if": {"minProperties": len(self.required) + 2}, "then": rule}

    def _requires_choice(self, rule: Schema) -> bool:
        return "not" not in rule["oneOf"][-1]


def _briefly(rule: Schema) -> Schema:
    """Let a choice fail as a whole: an error with one more for each of 50 types costs megabytes."""
    if "then" in rule:
        return {**rule, "then": _briefly(rule["then"])}
    if "oneOf" not in rule:
        return rule
    return {"$comment": rule["$comment"], "not": {"not": {"oneOf": rule["oneOf"]}}}


def _ref(name: str) -> Schema:
    return {"$ref": f"{_LOCAL}{name}"}


def _many(item: Schema) -> Schema:
    return {"type": "array", "minItems": 1, "items": item}


def _present(names: list[str]) -> Iterator[Schema]:
    for name in names:
        yield {"required": [name]}
        yield {"required": [f"_{name}"]}


def _pointing_to(targets: list[str]) -> Schema:
    """A relative reference (`Type/id`) names one of the target types.

    URLs, `urn:uuid:…` and `#contained` do not tell their type.
    """
    allowed = "|".join(targets)
    pattern = f"^(?:(?:{allowed})/|[^A-Z]|[A-Z][A-Za-z]*(?:[^A-Za-z/]|$))"
    return {"properties": {"reference": {"$comment": "target:", "pattern": pattern}}}


def _bound(code: str, systems: dict[str, list[str]]) -> Schema:
    """Required binding: a code of the list; for a concept, one Coding of the list."""
    if code == "code":
        return {"$comment": "binding:code", "enum": sorted(set().union(*systems.values()))}
    listed: Schema = {
        "anyOf": [
            {
                "properties": {"system": {"const": system}, "code": {"enum": codes}},
                "required": ["system", "code"],
            }
            for system, codes in systems.items()
        ]
    }
    if code == "CodeableConcept":
        listed = {"properties": {"coding": {"contains": listed}}, "required": ["coding"]}
    unstated = {"required": ["extension"], "not": {"required": ["coding"]}}
    rule = {"$comment": f"binding:{code}", "anyOf": [listed, unstated]}
    return {"allOf": [_ref(code), rule]}
