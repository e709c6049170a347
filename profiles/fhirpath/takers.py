"""How element names take their values out of JSON objects.

https://hl7.org/fhir/R4/json.html#primitive: a primitive has its value under its name and its id
and extensions under the name with `_`; lists of both run in parallel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from profiles.fhirpath.items import Items, Node, Take, Type


def extra_of(extra: Any) -> dict[str, Any] | None:
    """Return id and extensions of a primitive, when they are a JSON object."""
    return extra if extra.__class__ is dict else None


def append_list(value: Any, extra: Any, type_: Type, node: Node, name: str, out: Items) -> None:
    """Append a list of primitives with its parallel list of ids and extensions."""
    values = value if value.__class__ is list else [] if value is None else [value]
    extras = extra if extra.__class__ is list else []
    for index in range(max(len(values), len(extras))):
        one = values[index] if index < len(values) else None
        more = extra_of(extras[index]) if index < len(extras) else None
        if one is not None or more is not None:
            out.append(Node(one, more, type_, node, name, index))


def append_complex(value: Any, type_: Type, node: Node, name: str, out: Items) -> None:
    """Append an object or a list of them; what is no object is not taken."""
    if value.__class__ is list:
        for index, one in enumerate(value):
            if one.__class__ is dict:
                out.append(Node(one, None, type_, node, name, index))
    elif value.__class__ is dict:
        out.append(Node(value, None, type_, node, name))


def complex_taker(name: str, json: str, type_: Type) -> Take:
    """Take an element of a complex type."""

    def take(node: Node, out: Items) -> None:
        value = node.value.get(json)
        if value.__class__ is list:
            for index, one in enumerate(value):
                if one.__class__ is dict:
                    out.append(Node(one, None, type_, node, name, index))
        elif value.__class__ is dict:
            out.append(Node(value, None, type_, node, name))

    return take


def primitive_taker(name: str, json: str, type_: Type) -> Take:
    """Take an element of a primitive type."""
    under = f"_{json}"

    def take(node: Node, out: Items) -> None:
        data = node.value
        value, extra = data.get(json), data.get(under)
        if value.__class__ is list or extra.__class__ is list:
            append_list(value, extra, type_, node, name, out)
        elif value is not None or extra.__class__ is dict:
            out.append(Node(value, extra_of(extra), type_, node, name))

    return take


def resource_taker(name: str, json: str, resource_type: Callable[[Any], Type]) -> Take:
    """Take resources; each names its own type."""

    def take(node: Node, out: Items) -> None:
        value = node.value.get(json)
        if value.__class__ is list:
            for index, one in enumerate(value):
                if one.__class__ is dict:
                    out.append(Node(one, None, resource_type(one), node, name, index))
        elif value.__class__ is dict:
            out.append(Node(value, None, resource_type(value), node, name))

    return take


def choice_taker(takers: dict[str, Take]) -> Take:
    """Take whichever of the JSON names is there; a choice may have 50 of them."""

    def take(node: Node, out: Items) -> None:
        for key in node.value:
            one = takers.get(key)
            if one is not None and not (key[0] == "_" and key[1:] in node.value):
                one(node, out)

    return take
