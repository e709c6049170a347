"""Where a validator stands in a resource: cheap to make, written out only for an issue.

A place is the FHIRPath of a resource (a text) or a step below another place: `(above, name)` for a
single element, `(above, name, index)` for one of a list.
"""

from __future__ import annotations

from typing import Any

Place = str | tuple[Any, ...]


def written(place: Place) -> str:
    """Write a place as FHIRPath, e.g. `Patient.name[0].family`."""
    steps: list[str] = []
    while not isinstance(place, str):
        steps.append(f".{place[1]}[{place[2]}]" if len(place) == 3 else f".{place[1]}")
        place = place[0]
    return place + "".join(reversed(steps))
