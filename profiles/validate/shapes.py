"""What one object may hold, without what is in its members: for explaining piece by piece.

https://hl7.org/fhir/R4/json.html. The schema of a type with its complex members left open, and
which type each of them is of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema_rs

from profiles.r4 import facts
from profiles.validate.primitives import primitive_types, whole_number_schemas
from profiles.validate.schema import Schema, definition, references, schema_of

_OPEN: Schema = {"type": "object"}


@dataclass(frozen=True, slots=True)
class Shape:
    """One object of a type or backbone element."""

    validator: jsonschema_rs.Draft7Validator
    schema: Schema
    #: All JSON names.
    members: frozenset[str]
    #: JSON name → type (or backbone element) of the objects under it.
    inner: Mapping[str, str]
    #: Members of which a rule looks at what is in them: bindings, targets.
    ruled: frozenset[str]
    #: JSON name → name in FHIRPath, where that is another: `valueDate`, `_birthDate`.
    shown: Mapping[str, str]


@cache
def shape(name: str) -> Shape:
    """Return the shape of a type (`HumanName`) or backbone element (`Patient.contact`)."""
    whole = definition(name)
    members = whole["properties"]
    inner = {
        member: type_
        for member, schema in members.items()
        for type_ in references(schema)
        if type_ not in primitive_types()
    }
    needed = {one: definition(one) for one in references(whole) if one in primitive_types()}
    schema = schema_of(name, {**needed, name: _opened(whole)})
    ruled = frozenset(one for one in members if "allOf" in str(members[one]))
    return Shape(compiled(schema), schema, frozenset(members), inner, ruled, _shown(name, members))


def compiled(schema: Schema) -> jsonschema_rs.Draft7Validator:
    """Compile a schema that draws on the types of FHIR R4."""
    return jsonschema_rs.Draft7Validator(
        schema, pattern_options=jsonschema_rs.RegexOptions(), registry=_whole_numbers()
    )


@cache
def _whole_numbers() -> jsonschema_rs.Registry:
    return jsonschema_rs.Registry(whole_number_schemas())


def _opened(schema: Any) -> Any:
    """Leave open what is in complex members: they have shapes of their own."""
    if isinstance(schema, list):
        return [_opened(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if any(one not in primitive_types() for one in references({"$ref": schema.get("$ref", "")})):
        return _OPEN
    opened = {key: _opened(one) for key, one in schema.items()}
    if str(opened.get("$comment", "")).startswith("binding:") and "anyOf" in opened:
        # It fails as a whole: which of many codings is of which system is not told.
        opened["not"] = {"not": {"anyOf": opened.pop("anyOf")}}
    return opened


def _shown(name: str, members: Mapping[str, Any]) -> dict[str, str]:
    type_, _, path = name.partition(".")
    shown = {one: one.removeprefix("_") for one in members if one.startswith("_")}
    for element in facts("elements")["types"][type_]["elements"]:
        above, _, leaf = element["path"].rpartition(".")
        stem = leaf.removesuffix("[x]")
        if above == path and stem != leaf:
            for code in element["types"]:
                one = stem + code[0].upper() + code[1:]
                shown |= {one: stem, f"_{one}": stem}
    return shown
