"""Elements and attributes of FHIR types in XML: https://hl7.org/fhir/R4/xml.html.

What is a list, a number or a boolean in JSON is not visible in XML, nor is the order in which
elements stand visible in JSON; the compiled R4 definitions say both.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from profiles.r4 import facts

_ID = frozenset({"id"})


class Member(NamedTuple):
    """One element a type may hold."""

    #: Name in FHIRPath: `value` of `valueQuantity`.
    shown: str
    #: Type of the value, or the backbone element (`Patient.contact`).
    type: str
    many: bool
    #: Place in the order of elements.
    rank: int


@cache
def members(type_name: str) -> dict[str, Member]:
    """Return the elements of a type or backbone element (`Patient.contact`) by names in XML."""
    found = dict(_all(type_name))
    for attribute in attributes(type_name):
        found.pop(attribute, None)
    return found


@cache
def attributes(type_name: str) -> frozenset[str]:
    """Return the attributes of a type: an id, but for resources; a value, for primitives."""
    if type_name in facts("primitives"):
        return frozenset({"id", "value"})
    if is_resource(type_name):
        return frozenset()
    return frozenset({"id", "url"}) if type_name == "Extension" else _ID


def is_resource(type_name: str) -> bool:
    """Say whether this is a resource type of FHIR R4, abstract ones included."""
    found = facts("elements")["types"].get(type_name)
    return found is not None and found["kind"] == "resource"


def _all(type_name: str) -> Iterator[tuple[str, Member]]:
    if type_name == "Element" or type_name in facts("primitives"):
        yield "extension", Member("extension", "Extension", many=True, rank=0)
        return
    owner, _, path = type_name.partition(".")
    elements = facts("elements")["types"][owner]["elements"]
    parents = {one["path"].rpartition(".")[0] for one in elements}
    for rank, element in enumerate(elements):
        above, _, leaf = element["path"].rpartition(".")
        if above == path:
            yield from _named(owner, element, leaf, rank, parents)


def _named(
    owner: str, element: dict[str, Any], leaf: str, rank: int, parents: set[str]
) -> Iterator[tuple[str, Member]]:
    many = element["max"] == "*"
    stem = leaf.removesuffix("[x]")
    if "content" in element:
        yield leaf, Member(leaf, element["content"], many, rank)
    elif element["path"] in parents:
        yield leaf, Member(leaf, f"{owner}.{element['path']}", many, rank)
    elif stem == leaf:
        yield leaf, Member(leaf, element["types"][0], many, rank)
    else:
        for code in element["types"]:
            yield stem + code[0].upper() + code[1:], Member(stem, code, many, rank)
