"""Slices told apart by where their items stand in the list (discriminator type `position`).

https://hl7.org/fhir/codesystem-discriminator-type.html: every slice but the last has as many items
as it may have. The type is younger than R4; profiles for R4 use it all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from profiles.snapshot.elements import Element

if TYPE_CHECKING:
    from profiles.validate.discriminators import Belongs
    from profiles.validate.members import Item
    from profiles.validate.run import Run


def by_position(part: Element, slices: Sequence[Element]) -> Belongs | None:
    """Return what tells the items of a slice; None where a slice before it is open-ended."""
    first = 0
    for one in slices:
        if one is part:
            break
        if one.max is None:
            return None
        first += one.max
    end = None if part.max is None else first + part.max

    def belongs(item: Item, _run: Run) -> bool:
        at = item.place[2] if not isinstance(item.place, str) and len(item.place) == 3 else 0
        return bool(first <= at and (end is None or at < end))

    return belongs
