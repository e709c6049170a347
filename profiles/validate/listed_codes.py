"""ValueSet, ConceptMap: the codes they list are those of the code systems they name.

https://hl7.org/fhir/R4/valueset.html#compositions, https://hl7.org/fhir/R4/conceptmap.html. Only a
warning: a value set may be written for a version of the code system that is not at hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from profiles.validate.codes import Codes
from profiles.validate.members import Item, Json
from profiles.validate.places import Place
from profiles.validate.run import Check, Run


class _Listed(NamedTuple):
    system: str
    version: str
    #: A concept with a code, perhaps with a display.
    concept: Json
    place: Place


def listed_codes_check(codes: Codes) -> Check:
    """Return what checks the codes that a ValueSet or ConceptMap lists."""

    def check(item: Item, run: Run) -> None:
        for one in _LISTS[item.type](item):
            code, display = one.concept.get("code"), one.concept.get("display")
            if not isinstance(code, str):
                continue
            shown = display if isinstance(display, str) else ""
            fault = codes.fault(one.system, code, version=one.version, display=shown)
            if fault == "unknown-code":
                text = f"the code system {one.system} does not define this code"
                run.report("warning", "code-invalid", text, (one.place, "code"))

    return check


def _numbered(holder: Any, name: str, place: Place) -> Iterator[tuple[Json, Place]]:
    listed = holder.get(name)
    for index, one in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(one, dict):
            yield one, (place, name, index)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _of_value_set(item: Item) -> Iterator[_Listed]:
    compose = item.value.get("compose")
    if not isinstance(compose, dict):
        return
    for name in ("include", "exclude"):
        for part, place in _numbered(compose, name, (item.place, "compose")):
            system, version = _text(part.get("system")), _text(part.get("version"))
            for concept, where in _numbered(part, "concept", place):
                if system:
                    yield _Listed(system, version, concept, where)


def _of_concept_map(item: Item) -> Iterator[_Listed]:
    for group, place in _numbered(item.value, "group", item.place):
        source, target = _text(group.get("source")), _text(group.get("target"))
        versions = _text(group.get("sourceVersion")), _text(group.get("targetVersion"))
        for element, where in _numbered(group, "element", place):
            if source:
                yield _Listed(source, versions[0], element, where)
            for one, below in _numbered(element, "target", where):
                if target:
                    yield _Listed(target, versions[1], one, below)


_LISTS = {"ValueSet": _of_value_set, "ConceptMap": _of_concept_map}
