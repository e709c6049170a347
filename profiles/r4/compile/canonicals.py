"""Canonical URLs of core: which library has a definition, and what it is."""

from __future__ import annotations

from collections.abc import Iterator

from profiles.r4.compile.definitions import Definitions, Json
from profiles.r4.compile.structures import STRUCTURES, structures_of
from profiles.r4.compile.terminology import TERMINOLOGY, terminology_of


def compile_canonicals(definitions: Definitions) -> dict[str, Json]:
    """Return {url: {"library", "resourceType", "id", "version", "kind"?, "type"?}}."""
    return {
        one["url"]: {"library": library}
        | {name: one[name] for name in ("resourceType", "id", "version") if name in one}
        | _structural(one)
        for library, one in _everything(definitions)
    }


def _everything(definitions: Definitions) -> Iterator[tuple[str, Json]]:
    for library in STRUCTURES:
        yield from ((library, one) for one in structures_of(definitions, library))
    for library in TERMINOLOGY:
        yield from ((library, one) for one in terminology_of(definitions, library))


def _structural(one: Json) -> Json:
    if one["resourceType"] != "StructureDefinition":
        return {}
    return {"kind": one["kind"], "type": one["type"]}
