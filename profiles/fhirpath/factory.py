"""%factory: FHIR elements made inside an expression (STU).

https://build.fhir.org/fhirpath.html#factory. Values are checked against the primitive types of
R4, so that nothing is made that R4 could not hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from profiles.fhirpath.context import Evaluation
from profiles.fhirpath.errors import FHIRPathError, FHIRPathSemanticError
from profiles.fhirpath.functions.conversion import FUNCTIONS as CONVERSIONS
from profiles.fhirpath.functions.conversion import to_text
from profiles.fhirpath.functions.function import Function
from profiles.fhirpath.items import Items, Node, Type, system_name
from profiles.fhirpath.model import fhir_type
from profiles.fhirpath.results import as_json
from profiles.fhirpath.singles import single, text, value
from profiles.fhirpath.temporal import Kind, Temporal, read_temporal
from profiles.r4 import facts

#: Complex type → its elements in the order of the arguments; `*` for those that repeat.
_ELEMENTS = {
    "Identifier": ("system", "value", "use", "type"),
    "HumanName": ("family", "given*", "prefix*", "suffix*", "text", "use"),
    "ContactPoint": ("system", "value", "use"),
    "Address": ("line*", "city", "state", "postalCode", "country", "use", "type"),
    "Quantity": ("system", "code", "value", "unit"),
    "Coding": ("system", "code", "display", "version"),
    "CodeableConcept": ("coding*", "text"),
}
_TEMPORAL: dict[str, Kind] = {
    "date": "Date",
    "dateTime": "DateTime",
    "instant": "DateTime",
    "time": "Time",
}
_NUMBERS = {"integer": "toInteger", "number": "toDecimal", "boolean": "toBoolean"}


def _known(name: str) -> Type:
    type_ = fhir_type(name)
    if type_ is None:
        raise FHIRPathSemanticError(f"there is no FHIR type {name}")
    return type_


def _refused(name: str) -> FHIRPathError:
    return FHIRPathError(f"the value is no {name}")


def _primitive(name: str) -> Callable[..., Items]:
    def call(
        evaluation: Evaluation, _items: Items, given: Items, extensions: Items | None = None
    ) -> Items:
        raw = _raw(evaluation, name, given)
        extra = {"extension": [one.value for one in extensions]} if extensions else None
        return [Node(raw, extra, _known(name), None, name)]

    return call


def _raw(evaluation: Evaluation, name: str, given: Items) -> Any:
    """Return the JSON value of a primitive; raises FHIRPathError when R4 does not allow it."""
    if not given:
        return None
    kind = facts("primitives")[name]["json"]
    if kind != "string":
        converted = CONVERSIONS[_NUMBERS[kind]].call(evaluation, given)
        if not converted or not _in_range(name, converted[0]):
            raise _refused(name)
        return converted[0]
    known = value(given)
    written = to_text(known) if isinstance(known, str | Temporal) else None
    if written is None or not _is_written(name, written):
        raise _refused(name)
    return written


def _in_range(name: str, number: Any) -> bool:
    known = facts("primitives")[name]
    return bool(known.get("min", number) <= number <= known.get("max", number))


def _is_written(name: str, written: str) -> bool:
    if name in _TEMPORAL:
        return read_temporal(_TEMPORAL[name], written) is not None
    if name == "base64Binary" and len("".join(written.split())) % 4:
        return False
    if name == "base64Binary":
        return bool(re.fullmatch(r"[0-9a-zA-Z+/=\s]+", written))
    if name == "code":
        return bool(written) and written == " ".join(written.split())
    return _pattern(name).fullmatch(written) is not None


@cache
def _pattern(name: str) -> re.Pattern[str]:
    # These patterns of the specification have no repeat inside another.
    return re.compile(facts("primitives")[name].get("regex", r"[\s\S]*"))


def _complex(name: str) -> Callable[..., Items]:
    def call(evaluation: Evaluation, _items: Items, *arguments: Items) -> Items:
        made: dict[str, Any] = {}
        for element, items in zip(_ELEMENTS[name], arguments, strict=False):
            _set(evaluation, (made, _known(name)), element, items)
        return [Node(made, None, _known(name), None, name)]

    return call


def _set(
    evaluation: Evaluation, target: tuple[dict[str, Any], Type], element: str, items: Items
) -> None:
    made, type_ = target
    name = element.rstrip("*")
    types = type_.elements().get(name)
    if types is None:
        raise FHIRPathSemanticError(f"{name} is no element of {type_.name}")
    values = [_json(evaluation, item, types[0]) for item in items]
    if element.endswith("*"):
        if values:
            made[name] = values
    elif items:
        single(items)
        made[name] = values[0]


def _json(evaluation: Evaluation, item: Any, type_: Type) -> Any:
    if type_.primitive:
        return _raw(evaluation, type_.name, [item])
    if item.__class__ is not Node or not item.type.is_a(type_):
        raise _refused(type_.name)
    return item.value


def _extension(_evaluation: Evaluation, _items: Items, url: Items, given: Items) -> Items:
    made: dict[str, Any] = {"url": text(url, "Extension()")}
    item = single(given)
    if item is not None:
        name = item.type.name if item.__class__ is Node else _fhir_name(item)
        made[f"value{name[:1].upper()}{name[1:]}"] = _value_of(item)
    return [Node(made, None, _known("Extension"), None, "Extension")]


def _fhir_name(known: Any) -> str:
    name = system_name(known)
    return name if name == "Quantity" else name[:1].lower() + name[1:]


def _value_of(item: Any) -> Any:
    if item.__class__ is Node:
        return item.value
    return as_json(str(item) if isinstance(item, Temporal) else item)


def _create(_evaluation: Evaluation, _items: Items, name: Items) -> Items:
    type_ = _known((text(name, "create()") or "").removeprefix("FHIR."))
    return [Node(None if type_.primitive else {}, None, type_, None, type_.name)]


def _with_extension(
    evaluation: Evaluation, items: Items, instance: Items, url: Items, given: Items
) -> Items:
    made = _extension(evaluation, items, url, given)[0].value
    return _changed(instance, lambda data: {"extension": [*data.get("extension", ()), made]})


def _with_property(
    _evaluation: Evaluation, _items: Items, instance: Items, name: Items, given: Items
) -> Items:
    element, item = text(name, "withProperty()"), single(given)
    if element is None:
        raise FHIRPathError("withProperty() needs a name")
    return _changed(instance, lambda _data: {element: _value_of(item)})


def _changed(instance: Items, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Items:
    """Copy an element with some members changed; of a primitive its id or extensions."""
    node = single(instance)
    if node.__class__ is not Node:
        raise FHIRPathError("an element is expected")
    if node.type.primitive:
        extra = {**(node.extra or {}), **change(node.extra or {})}
        return [Node(node.value, extra, node.type, None, node.type.name)]
    data = {**node.value, **change(node.value)}
    return [Node(data, None, node.type, None, node.type.name)]


@cache
def factory_functions() -> dict[str, Function]:
    """Return what %factory can make, by name."""
    return {
        **{name: Function(_primitive(name), 1, 2) for name in facts("primitives")},
        **{name: Function(_complex(name), 1, len(row)) for name, row in _ELEMENTS.items()},
        "Extension": Function(_extension, 2, 2),
        "create": Function(_create, 1, 1),
        "withExtension": Function(_with_extension, 3, 3),
        "withProperty": Function(_with_property, 3, 3),
    }
