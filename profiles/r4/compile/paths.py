"""FHIRPath of search parameters → path programs over JSON.

https://hl7.org/fhir/R4/searchparameter-registry.html. The published expressions use a
small part of FHIRPath: member access, unions, `as`, `where(name='x')`,
`where(resolve() is Type)`, `[n]` and one `exists() and … != false`. Cardinalities and
choice types are resolved here, so that nothing is left to decide when a resource is read.

A program is {"steps": [...], "type": data type, "target"?: resource type,
"binding"?: value set of a code}; a step is
{"name": JSON name, "many"?: true, "where"?: [name, value], "index"?: n}.
Programs of a part of a composite parameter begin at what the parameter is about, or, with
"resource": true, at the resource.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from profiles.r4.compile.definitions import Json, capital

_AS_PREFIX = re.compile(r"\(([A-Za-z.]+) as ([A-Za-z]+)\)")
_DOT = re.compile(r"\.(?![^(]*\))")
_MEMBER = re.compile(r"([A-Za-z]+)(?:\[(\d+)\])?\Z")
_CALL_AS = re.compile(r"(?:as|ofType)\(([A-Za-z]+)\)\Z")
_WHERE_EQUAL = re.compile(r"where\(([A-Za-z]+)\s*=\s*'([^']*)'\)\Z")
_WHERE_RESOLVE = re.compile(r"where\(resolve\(\) is ([A-Za-z]+)\)\Z")
#: In parts of composites: from the resource on.
_FROM_RESOURCE = "%resource."
_EXISTS = re.compile(r"(?P<path>[A-Za-z.]+)\.exists\(\) and (?P=path) != false\Z")

#: Types that search parameters hang on for all resources.
COMMON = frozenset({"Resource", "DomainResource"})


class UnsupportedPathError(Exception):
    """The expression goes beyond what path programs can say."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a path has arrived in the definitions."""

    #: Type whose elements come next, and the backbone path inside it.
    type: str
    path: str = ""
    #: Data type of what the path selects.
    code: str = ""
    steps: tuple[Json, ...] = ()
    target: str = ""
    targets: tuple[str, ...] = ()
    #: Value set of a required binding.
    binding: str = ""

    def program(self) -> Json:
        """Return the path program."""
        program: Json = {"steps": list(self.steps), "type": self.code}
        if self.target and self.targets != (self.target,):
            program["target"] = self.target
        if self.binding and self.code == "code":
            program["binding"] = self.binding
        return program


def compile_expression(types: dict[str, Json], base: str, expression: str) -> list[Json]:
    """Compile what `expression` says about resource type `base`.

    `types` are the compiled element facts. Raises UnsupportedPathError.
    """
    programs: list[Json] = []
    for path in _paths(base, expression):
        if exists := _EXISTS.match(path):
            found = _cursors(types, Cursor(base), exists["path"])
            programs += [one.program() | {"type": f"{one.code}.exists"} for one in found]
        else:
            programs += [one.program() for one in _cursors(types, Cursor(base), path)]
    return programs


def compile_parts(
    types: dict[str, Json], base: str, expression: str, parts: list[str]
) -> Iterator[tuple[Json, list[list[Json]]]]:
    """Compile a composite parameter: each thing it is about, with the programs of its parts.

    `parts` are the expressions of its components. Raises UnsupportedPathError.
    """
    for path in _paths(base, expression):
        for root in _cursors(types, Cursor(base), path):
            programs = [_part(types, base, root, one) for one in parts]
            yield {"steps": list(root.steps)}, programs


def _part(types: dict[str, Json], base: str, root: Cursor, expression: str) -> list[Json]:
    programs: list[Json] = []
    for one in expression.split("|"):
        path = one.strip()
        if path.startswith(_FROM_RESOURCE):
            found = _cursors(types, Cursor(base), f"{base}.{path.removeprefix(_FROM_RESOURCE)}")
            programs += [cursor.program() | {"resource": True} for cursor in found]
        else:
            start = replace(root, steps=())
            programs += [cursor.program() for cursor in _cursors(types, start, f"{base}.{path}")]
    return programs


def _paths(base: str, expression: str) -> Iterator[str]:
    """Go through the paths of a union that are about `base`."""
    for part in expression.split("|"):
        path = _AS_PREFIX.sub(r"\1.as(\2)", part.strip())
        if path.startswith("(") and path.endswith(")"):
            path = path[1:-1].strip()
        if path[:1].islower():
            path = f"{base}.{path}"
        if path.partition(".")[0] in {base, *COMMON}:
            yield path


def _cursors(types: dict[str, Json], start: Cursor, path: str) -> list[Cursor]:
    """Follow a path, whose first segment names where it starts."""
    cursors = [start]
    for segment in _DOT.split(path)[1:]:
        cursors = [after for before in cursors for after in _advance(types, before, segment)]
    if not cursors:
        raise UnsupportedPathError("no such element")
    return cursors


def _advance(types: dict[str, Json], cursor: Cursor, segment: str) -> Iterator[Cursor]:
    if member := _MEMBER.match(segment):
        yield from _member(types, cursor, member[1], member[2])
    elif wanted := _CALL_AS.match(segment):
        # Some published expressions write primitive types with a capital.
        if cursor.code in {wanted[1], wanted[1][:1].lower() + wanted[1][1:]}:
            yield cursor
    elif equal := _WHERE_EQUAL.match(segment):
        last = cursor.steps[-1] | {"where": [equal[1], equal[2]]}
        yield replace(cursor, steps=(*cursor.steps[:-1], last))
    elif resolve := _WHERE_RESOLVE.match(segment):
        yield replace(cursor, target=resolve[1])
    else:
        raise UnsupportedPathError("function outside path programs")


def _member(
    types: dict[str, Json], cursor: Cursor, name: str, index: str | None
) -> Iterator[Cursor]:
    path = f"{cursor.path}.{name}" if cursor.path else name
    for element in types.get(cursor.type, {"elements": []})["elements"]:
        if element["path"] == path:
            yield _arrive(types, cursor, element, _step(name, element, index))
        elif element["path"] == f"{path}[x]":
            for code in element["types"]:
                step = _step(name + capital(code), element, index)
                yield _arrive(types, cursor, element | {"types": [code]}, step)


def _step(name: str, element: Json, index: str | None) -> Json:
    step: Json = {"name": name}
    if element["max"] == "*":
        step["many"] = True
    if index is not None:
        step["index"] = int(index)
    return step


def _arrive(types: dict[str, Json], cursor: Cursor, element: Json, step: Json) -> Cursor:
    steps = (*cursor.steps, step)
    if "content" in element:
        type_name, _, path = element["content"].partition(".")
        return Cursor(type_name, path, "BackboneElement", steps)
    code = element["types"][0]
    targets = tuple(element.get("targets", ()))
    if _has_children(types[cursor.type], element["path"]):
        return Cursor(cursor.type, element["path"], code, steps)
    binding = element.get("binding", "")
    return Cursor(code, "", code, steps, targets=targets, binding=binding)


def _has_children(structure: dict[str, Any], path: str) -> bool:
    return any(one["path"].startswith(f"{path}.") for one in structure["elements"])
