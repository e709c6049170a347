"""Criteria: what the definition of an element says of its value, as discriminators ask it.

https://hl7.org/fhir/R4/profiling.html#discriminator: fixed values and patterns, its own or those of
what is below it.
"""

from __future__ import annotations

from collections.abc import Callable

from profiles.snapshot.elements import Element
from profiles.validate.members import Item, Members, items_of, members_of
from profiles.validate.values import Test, equal_to, fitting


def criterion(element: Element) -> Callable[[Item], bool] | None:
    """Return what an element's definition says of its value; None when it says nothing."""
    if (fixed := element.fixed) is not None:
        return _of_value(equal_to(fixed.value))
    if (pattern := element.pattern) is not None:
        return _of_value(fitting(pattern.value))
    below = [
        (members_of(child), child.name.removesuffix("[x]"), test)
        for child in element.children
        if child.max != 0 and (test := criterion(child)) is not None
    ]
    parts = [test for part in element.slices if part.min and (test := criterion(part))]
    if below or parts:
        return lambda item: (
            _has_all(item, below) and (not parts or any(test(item) for test in parts))
        )
    return None


def _of_value(test: Test) -> Callable[[Item], bool]:
    return lambda item: test(item.value)


def _has_all(item: Item, below: list[tuple[Members, str, Callable[[Item], bool]]]) -> bool:
    if not below:
        return True
    holder = item.below
    return holder is not None and all(
        any(test(one) for one in items_of(holder, members, shown, item.place))
        for members, shown, test in below
    )
