"""Search parameters as path programs.

https://hl7.org/fhir/R4/searchparameter.html. Parameters of all resources stand under
`Resource`. What is not compiled is listed with the reason and answered with
"not supported", never ignored.
"""

from __future__ import annotations

from typing import Any

from profiles.r4.compile.bindings import OpenValueSetError, expand
from profiles.r4.compile.definitions import Definitions, Json
from profiles.r4.compile.elements import compile_elements
from profiles.r4.compile.paths import (
    COMMON,
    UnsupportedPathError,
    compile_expression,
    compile_parts,
)

_TEXTS = frozenset({"string", "markdown", "code", "id", "uri", "url", "canonical", "oid", "uuid"})
_QUANTITIES = frozenset({"Quantity", "Age", "Duration", "Distance", "Count", "Money", "Range"})
#: Kind of parameter → data types its values can be taken from
#: (https://hl7.org/fhir/R4/search.html#table).
DATA_TYPES: dict[str, frozenset[str]] = {
    "token": _TEXTS
    | {"Coding", "CodeableConcept", "Identifier", "ContactPoint", "boolean"}
    | {"boolean.exists", "dateTime.exists"},
    "reference": frozenset({"Reference", "canonical", "uri", "url", "Resource"}),
    "string": _TEXTS | {"HumanName", "Address"},
    "date": frozenset({"date", "dateTime", "instant", "Period", "Timing"}),
    "uri": frozenset({"uri", "url", "canonical", "oid", "uuid"}),
    "quantity": _QUANTITIES,
    "number": frozenset({"integer", "positiveInt", "unsignedInt", "decimal", "Range"}),
    "special": frozenset({"Location.position"}),
}
#: Special parameters by what they search; each has a meaning of its own.
_SPECIAL = {"Location.near": "Location.position"}


def compile_search(definitions: Definitions) -> dict[str, Any]:
    """Return the facts about search.

    {"parameters": {type: {name: facts}}, "unsupported": {"Type.name": reason},
    "compartments": {type: {type: [name]}}}
    """
    types = compile_elements(definitions)["types"]
    parameters: dict[str, dict[str, Json]] = {}
    unsupported: dict[str, str] = {}
    for published in definitions.search_parameters:
        for base in published["base"]:
            try:
                facts = _parameter(definitions, types, base, published)
            except UnsupportedPathError as reason:
                unsupported[f"{base}.{published['code']}"] = str(reason)
            else:
                parameters.setdefault(_owner(base), {})[published["code"]] = facts
    return {
        "parameters": parameters,
        "unsupported": unsupported,
        "compartments": {one["code"]: _members(one) for one in definitions.compartments},
    }


def _members(compartment: Json) -> dict[str, list[str]]:
    """Return resource type → the parameters that put a resource into the compartment."""
    return {
        member["code"]: sorted(member["param"])
        for member in compartment["resource"]
        if member.get("param")
    }


def _owner(base: str) -> str:
    return "Resource" if base in COMMON else base


def _parameter(
    definitions: Definitions, types: dict[str, Json], base: str, published: Json
) -> Json:
    kind = published["type"]
    if not published.get("expression"):
        raise UnsupportedPathError("no expression")
    if kind == "composite":
        return _composite(definitions, types, base, published)
    compiled = compile_expression(types, base, published["expression"])
    if special := _SPECIAL.get(f"{base}.{published['code']}"):
        compiled = [program | {"type": special} for program in compiled]
    # A choice also has types that this kind cannot be taken from (a date given as text).
    programs = [program for program in compiled if program["type"] in DATA_TYPES[kind]]
    if not programs:
        found = " or ".join(sorted({program["type"] for program in compiled}) or ["nothing"])
        raise UnsupportedPathError(f"{kind} on {found}")
    for program in programs:
        _name_system(definitions, program)
    facts: Json = {"kind": kind, "paths": programs}
    if targets := published.get("target"):
        facts["targets"] = sorted(targets)
    return facts


def _composite(
    definitions: Definitions, types: dict[str, Json], base: str, published: Json
) -> Json:
    """Parts are searched as the parameters that define them, from what the composite is about."""
    named = {one["url"]: one for one in definitions.search_parameters}
    defined = [named[one["definition"]] for one in published["component"]]
    expressions = [one["expression"] for one in published["component"]]
    paths = []
    for program, parts in compile_parts(types, base, published["expression"], expressions):
        # DocumentReference.relationship names the definitions of its parts the wrong way round.
        components = [
            _component(definitions, [one, *defined], programs)
            for one, programs in zip(defined, parts, strict=True)
        ]
        paths.append(program | {"components": components})
    return {"kind": "composite", "paths": paths}


def _component(definitions: Definitions, defined: list[Json], compiled: list[Json]) -> Json:
    for one in defined:
        programs = [program for program in compiled if program["type"] in DATA_TYPES[one["type"]]]
        if programs:
            for program in programs:
                _name_system(definitions, program)
            return {"kind": one["type"], "name": one["code"], "paths": programs}
    raise UnsupportedPathError("a part of the composite selects nothing")


def _name_system(definitions: Definitions, program: Json) -> None:
    """Replace the binding of a code by its code system, which a token search may name."""
    if url := program.pop("binding", ""):
        try:
            systems = sorted(expand(definitions, url))
        except OpenValueSetError:
            return
        if len(systems) == 1:
            program["system"] = systems[0]
