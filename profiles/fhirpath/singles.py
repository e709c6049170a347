"""Collections where one item is expected.

https://hl7.org/fhirpath/N1/#singleton-evaluation-of-collections. None stands for empty.
"""

from __future__ import annotations

from typing import Any

from profiles.fhirpath.errors import FHIRPathError
from profiles.fhirpath.items import Items, Node, system
from profiles.fhirpath.numbers import Long


def single(items: Items) -> Any:
    """Return the only item, None of an empty collection; raises FHIRPathError for several."""
    if len(items) > 1:
        raise FHIRPathError("a single item is expected where there are several")
    return items[0] if items else None


def value(items: Items) -> Any:
    """Return the System value of the only item; a node without value is None."""
    return system(single(items))


def truth(items: Items) -> bool | None:
    """Return the boolean a collection stands for: any single item but `false` is true."""
    item = single(items)
    if item is None or item is True or item is False:
        found: bool | None = item
        return found
    known = system(item)
    if known is True or known is False:
        return bool(known)
    return None if known is None and item.value is None else True


def text(items: Items, what: str) -> str | None:
    """Return a text; dates of a resource count as they are written."""
    item = single(items)
    if item is None or item.__class__ is str:
        written: str | None = item
        return written
    known = system(item)
    if known.__class__ is str:
        return str(known)
    if known is None and item.__class__ is Node:
        return None
    if item.__class__ is Node and item.value.__class__ is str:
        return str(item.value)
    raise FHIRPathError(f"{what} works on a String")


def whole_number(items: Items, what: str) -> int | None:
    """Return an Integer."""
    known = value(items)
    if known is None or known.__class__ is int or known.__class__ is Long:
        number: int | None = known
        return number
    raise FHIRPathError(f"{what} takes an Integer")
