"""Invariants in Python: those that stand on types of which every resource holds many.

Each gives what the published FHIRPath gives (a test compares them), or None where the values are
not as simple as most are: then the FHIRPath decides.
https://hl7.org/fhir/R4/datatypes.html, https://hl7.org/fhir/R4/domainresource.html.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Json = dict[str, Any]
Native = Callable[[Json], "bool | None"]

#: Lengths of a day and of a time of day up to its seconds, without and with a zone.
_DAY, _SECONDS = 10, 19


def _any(*names: str) -> Native:
    """At least one of the elements is there."""
    wanted = frozenset(names)
    return lambda value: not wanted.isdisjoint(value)


def _needs(name: str, other: str) -> Native:
    """The one element is not there without the other."""
    return lambda value: other in value or (name not in value and f"_{name}" not in value)


def _extension(value: Json) -> bool | None:
    """Either extensions or a value."""
    for name in value:
        if name.startswith(("value", "_value")):
            return "extension" not in value
    return "extension" in value


def _period(value: Json) -> bool | None:
    """The end is not before the start, as far as both are known to the same precision."""
    start, end = value.get("start"), value.get("end")
    if start is None or end is None:
        return True
    if not isinstance(start, str) or not isinstance(end, str):
        return None
    same = len(start) == len(end) and (len(start) <= _DAY or start[_SECONDS:] == end[_SECONDS:])
    return start <= end if same else None


def _narrated(value: Json) -> bool | None:
    text = value.get("text")
    return isinstance(text, dict) and "div" in text


#: Key → the invariant.
NATIVE: dict[str, Native] = {
    "ext-1": _extension,
    "per-1": _period,
    "cpt-2": _needs("value", "system"),
    "qty-3": _needs("code", "system"),
    "att-1": _needs("data", "contentType"),
    "pat-1": _any("name", "telecom", "address", "organization"),
    "dom-6": _narrated,
}
