"""Narratives of what is stored without validation: scripts and the like are refused all the same.

https://hl7.org/fhir/R4/narrative.html#security
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from profiles.issue import Issue
from profiles.narrative import faults


def unsafe_narratives(value: Any, place: str = "") -> Iterator[Issue]:
    """Yield what is wrong with the narratives of a structurally valid resource."""
    if isinstance(value, list):
        for number, one in enumerate(value):
            yield from unsafe_narratives(one, f"{place}[{number}]")
    if not isinstance(value, dict):
        return
    here = place or str(value.get("resourceType", ""))
    div = value.get("div")
    if isinstance(div, str):
        for code, text in dict.fromkeys(faults(div)):
            yield Issue("error", code, text, f"{here}.div")
    for name, child in value.items():
        if isinstance(child, dict | list):
            yield from unsafe_narratives(child, f"{here}.{name}")
