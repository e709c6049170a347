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
from profiles.r4.compile.paths import COMMON, UnsupportedPathError, compile_expression

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
}


def compile_search(definitions: Definitions) -> dict[str, Any]:
    """Return {"parameters": {type: {name: facts}}, "unsupported": {"Type.name": reason}}."""
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
    return {"parameters": parameters, "unsupported": unsupported}


def _owner(base: str) -> str:
    return "Resource" if base in COMMON else base


def _parameter(
    definitions: Definitions, types: dict[str, Json], base: str, published: Json
) -> Json:
    kind = published["type"]
    if kind not in DATA_TYPES:
        raise UnsupportedPathError(f"{kind} parameter")
    if not published.get("expression"):
        raise UnsupportedPathError("no expression")
    compiled = compile_expression(types, base, published["expression"])
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


def _name_system(definitions: Definitions, program: Json) -> None:
    """Replace the binding of a code by its code system, which a token search may name."""
    if url := program.pop("binding", ""):
        try:
            systems = sorted(expand(definitions, url))
        except OpenValueSetError:
            return
        if len(systems) == 1:
            program["system"] = systems[0]
