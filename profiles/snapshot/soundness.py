"""Is a StructureDefinition shaped so that it can be worked with?

https://hl7.org/fhir/R4/structuredefinition.html. Packages come from strangers: what is read here
has its members of the right kind, and neither depth nor number of elements is absurd.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from profiles.issue import Issue, NotConformant
from profiles.snapshot.tree import Json

#: Elements of one StructureDefinition, given or generated; the largest known have some 2,000.
MOST_ELEMENTS = 30_000
_DEEPEST = 64
Test = Callable[[Any], bool]


def check_structure(structure: Json, place: str) -> None:
    """Raise NotConformant when a StructureDefinition is not shaped like one; `place` names it."""
    for member, test in _STRUCTURE.items():
        if member in structure and not test(structure[member]):
            _refuse(place, f"{member} is not what FHIR says")
    for view in ("differential", "snapshot"):
        held = structure.get(view, {})
        elements = held.get("element", []) if isinstance(held, dict) else None
        if not isinstance(elements, list) or not all(isinstance(one, dict) for one in elements):
            _refuse(place, f"{view} is not what FHIR says")
            return
        if len(elements) > MOST_ELEMENTS:
            too_large(place)
        for element in elements:
            _check_element(element, place)


def too_large(place: str) -> None:
    """Raise NotConformant for a snapshot beyond every measure."""
    _refuse(place, "there are too many elements", code="too-costly")


def _check_element(element: Json, place: str) -> None:
    path = element.get("path")
    if not isinstance(path, str) or not path:
        _refuse(place, "an element has no path")
        return
    if path.count(".") >= _DEEPEST:
        _refuse(place, "an element is nested too deeply", code="too-costly")
    for member, test in _ELEMENT.items():
        if member in element and not test(element[member]):
            _refuse(place, f"{member} of an element is not what FHIR says")


def _refuse(place: str, text: str, *, code: str = "structure") -> None:
    whole = f"{place}: {text}"
    raise NotConformant(whole, issues=(Issue("error", code, whole),))


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _texts(value: Any) -> bool:
    # null stands for a value that has only an extension.
    return isinstance(value, list) and all(one is None or isinstance(one, str) for one in value)


def _object(**members: Test) -> Test:
    def test(value: Any) -> bool:
        return isinstance(value, dict) and all(
            is_right(value[name]) for name, is_right in members.items() if name in value
        )

    return test


def _objects(**members: Test) -> Test:
    one = _object(**members)
    return lambda value: isinstance(value, list) and all(one(part) for part in value)


def _anything(_value: Any) -> bool:
    return True


_EXTENSIONS = _objects(url=_text)
_STRUCTURE: dict[str, Test] = {
    "url": _text,
    "version": _text,
    "name": _text,
    "kind": _text,
    "type": _text,
    "baseDefinition": _text,
    "derivation": _text,
    "context": _objects(type=_text, expression=_text),
    "contextInvariant": _texts,
}
_ELEMENT: dict[str, Test] = {
    "id": _text,
    "sliceName": _text,
    "min": _count,
    "max": _text,
    "maxLength": _count,
    "contentReference": _text,
    "base": _object(path=_text),
    "slicing": _object(
        discriminator=_objects(type=_text, path=_text), rules=_text, ordered=_anything
    ),
    "type": _objects(
        code=_text,
        profile=_texts,
        targetProfile=_texts,
        aggregation=_texts,
        versioning=_text,
        extension=_EXTENSIONS,
    ),
    "constraint": _objects(key=_text, severity=_text, human=_text, expression=_text),
    "extension": _EXTENSIONS,
    "binding": _object(strength=_text, valueSet=_text, extension=_EXTENSIONS),
}
