"""Compare and find FHIR references.

https://hl7.org/fhir/R4/references.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
