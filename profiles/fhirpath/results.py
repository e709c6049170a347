"""What callers get: plain values, and items with type and place.

Dates, times and decimals of the resource stay as they are written in its JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from profiles.fhirpath.functions.collections import type_info
from profiles.fhirpath.items import Items, Node, TypeInfo
from profiles.fhirpath.numbers import Long
from profiles.fhirpath.quantity import Quantity
from profiles.fhirpath.temporal import Temporal


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a result."""

    #: JSON value of an element, or the value itself; None for an element with extensions only.
    value: Any
    #: Type with namespace: `FHIR.HumanName`, `System.Boolean`; "" for data without definition.
    type: str
    #: Where an element stands (`Patient.name[0].given[1]`); "" for computed values.
    path: str


def plain(items: Items) -> list[Any]:
    """Return plain values; elements without a value (extensions only) are left out.

    Dates and times are texts, Quantities stay `Quantity`, type() gives namespace and name.
    """
    return [_plain(item) for item in items if item.__class__ is not Node or item.value is not None]


def _plain(item: Any) -> Any:
    if item.__class__ is Node:
        return item.value
    if isinstance(item, Temporal):
        return str(item)
    if item.__class__ is TypeInfo:
        return {"namespace": item.namespace, "name": item.name}
    return item


def described(items: Items) -> list[Item]:
    """Return items with type and place."""
    return [_described(item) for item in items]


def _described(item: Any) -> Item:
    info = type_info(item)
    name = f"{info.namespace}.{info.name}" if info.namespace else ""
    if item.__class__ is Node:
        return Item(item.value, name, item.path)
    return Item(_plain(item), name, "")


def as_json(value: Any) -> Any:
    """Return a plain value as JSON has it: a Quantity as an object, a Long as text."""
    if isinstance(value, Long):
        return str(int(value))
    if isinstance(value, Quantity):
        return {"value": value.value, "unit": value.unit} | (
            {} if value.kind == "calendar" else {"system": "http://unitsofmeasure.org"}
        )
    return value
