"""Search parameters that packages define, beside those of the standard.

https://hl7.org/fhir/R4/searchparameter.html. Their expressions become path programs like the
standard's own; what goes beyond those is left out with the reason. The standard's parameters keep
their names. No index knows these parameters: they are matched on the resource.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from profiles.r4 import facts
from profiles.search.parameters import Parameter, SearchParameters, parameters_of

_EXTENSION = re.compile(r"extension\(('[^']*')\)")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_ALL = frozenset({"Resource", "DomainResource"})


def read_parameters(
    published: Iterable[Mapping[str, Any]],
) -> tuple[SearchParameters, dict[str, str]]:
    """Compile SearchParameter resources.

    Returns the standard's parameters with these, and URL → why one is left out.
    """
    own: dict[str, dict[str, Parameter]] = {}
    refused: dict[str, str] = {}
    for one in published:
        for base in _bases(one):
            made = _parameter(one, base)
            if isinstance(made, str):
                refused[str(one.get("url", ""))] = made
            elif made.name not in parameters_of(base):
                own.setdefault(base, {}).setdefault(made.name, made)
    return SearchParameters(own), refused


def _bases(one: Mapping[str, Any]) -> list[str]:
    types = facts("elements")["types"]
    concrete = [
        name
        for name, known in types.items()
        if known["kind"] == "resource" and not known.get("abstract")
    ]
    stated = [str(base) for base in one.get("base", ())]
    return concrete if _ALL.intersection(stated) else [base for base in stated if base in concrete]


def _parameter(one: Mapping[str, Any], base: str) -> Parameter | str:
    """Compile one parameter for one type; a text says why that cannot be."""
    from profiles.r4.compile.paths import UnsupportedPathError, compile_expression
    from profiles.r4.compile.search import DATA_TYPES

    name, kind = str(one.get("code", "")), str(one.get("type", ""))
    expression = str(one.get("expression", ""))
    if not _NAME.match(name) or kind not in DATA_TYPES or kind == "special" or not expression:
        return "this kind of search parameter is not supported"
    plain = _EXTENSION.sub(r"extension.where(url=\1)", expression)
    try:
        compiled = compile_expression(facts("elements")["types"], base, plain)
    except UnsupportedPathError as reason:
        return str(reason)
    programs = tuple(program for program in compiled if program["type"] in DATA_TYPES[kind])
    if not programs:
        return "the expression selects nothing that this kind of parameter searches"
    for program in programs:
        program.pop("binding", None)
    return Parameter(name, kind, programs, _targets(one), own=True)


def _targets(one: Mapping[str, Any]) -> tuple[str, ...]:
    if one.get("type") != "reference":
        return ()
    types = facts("elements")["types"]
    return tuple(sorted(str(target) for target in one.get("target", ()) if target in types)) or (
        tuple(sorted(name for name, known in types.items() if known["kind"] == "resource"))
    )
