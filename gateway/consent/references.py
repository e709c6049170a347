"""Compare and find FHIR references.

https://hl7.org/fhir/R4/references.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

#: A reference is compared by its relative form or by its identifier as "system|value".
Key = str


def relative(reference: str) -> str:
    """Give "Type/id" for a relative reference, without version; "" for any other form."""
    if ":" in reference or reference.startswith("#"):
        return ""
    parts = reference.split("/")
    if len(parts) == 2:
        return reference
    if len(parts) == 4 and parts[2] == "_history":
        return f"{parts[0]}/{parts[1]}"
    return ""


def tail(reference: str) -> str:
    """Give the "Type/id" an absolute URL ends with, or ""."""
    if "://" not in reference:
        return ""
    path = reference.split("/_history/", 1)[0].rsplit("/", 2)
    return f"{path[1]}/{path[2]}" if len(path) == 3 and path[1][:1].isupper() else ""


def identifier_key(identifier: object) -> Key:
    """Give "system|value" of an Identifier, or "" when one of them is missing."""
    if not isinstance(identifier, Mapping):
        return ""
    system, value = identifier.get("system"), identifier.get("value")
    if isinstance(system, str) and isinstance(value, str) and system and value:
        return f"{system}|{value}"
    return ""


def walk_references(value: Any) -> list[str]:
    """Give every literal reference and every attachment address inside a value."""
    found = []
    stack = [value]
    while stack:
        item = stack.pop()
        if type(item) is list:
            stack += item
        elif type(item) is dict:
            for name, inner in item.items():
                if type(inner) is dict or type(inner) is list:
                    stack.append(inner)
                elif type(inner) is str and (
                    name == "reference" or (name == "url" and "contentType" in item)
                ):
                    found.append(inner)
    return found


def at_path(resource: Mapping[str, Any], path: str) -> Iterator[Any]:
    """Yield the values at a dotted path, going through lists."""
    head, _, rest = path.partition(".")
    value = resource.get(head)
    for item in value if isinstance(value, list) else (value,):
        if item is None:
            continue
        if not rest:
            yield item
        elif isinstance(item, Mapping):
            yield from at_path(item, rest)


def without_all(resource: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """Copy a resource without the elements at paths like `name[0].family`, last ones first."""
    left = dict(resource)
    for path in sorted(paths, key=_position, reverse=True):
        left = without(left, path)
    return left


def _position(path: str) -> list[tuple[int, str]]:
    """Order paths as their elements stand: note[2] before note[10]."""
    return [(int(step), "") if step.isdigit() else (-1, step) for step in re.split(r"(\d+)", path)]


def without(value: Any, path: str) -> Any:
    """Copy a value without the element at a path like `name[0].family`."""
    head, _, rest = path.partition(".")
    name, bracket, index = head.partition("[")
    result = dict(value)
    if not rest:
        if not bracket:
            result.pop(name, None)
            result.pop(f"_{name}", None)
            return result
        position = int(index[:-1])
        for key in (name, f"_{name}"):
            if isinstance(result.get(key), list):
                result[key] = [v for i, v in enumerate(result[key]) if i != position]
                if not result[key]:
                    del result[key]
        return result
    key = name if name in result else f"_{name}"
    inner = result.get(key)
    if bracket and isinstance(inner, list):
        position = int(index[:-1])
        result[key] = [without(v, rest) if i == position else v for i, v in enumerate(inner)]
    elif isinstance(inner, Mapping):
        result[key] = without(inner, rest)
    return result
