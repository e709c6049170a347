"""Systems of codes, identifiers and units: they are absolute URIs.

https://hl7.org/fhir/R4/datatypes.html#Identifier, https://hl7.org/fhir/R4/terminologies.html#system
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from profiles.issue import Issue
from profiles.validate.urls import is_absolute

_USUAL = ("http://", "https://", "urn:", "#")
#: URNs whose beginning was forgotten.
_BARE = ("oid:", "uuid:")


def system_issues(value: dict[str, Any], place: str) -> Iterable[Issue]:
    """Coding, Identifier, Quantity: the system is absolute, and a URN is written as one.

    A fragment may name a code system that the resource contains.
    """
    system = value.get("system")
    if not isinstance(system, str) or system.startswith(_USUAL):
        return ()
    return _faults(system, place)


def _faults(system: str, place: str) -> Iterator[Issue]:
    if system.startswith(_BARE):
        text = "the system lacks the urn: that its form asks for"
        yield Issue("error", "value", text, f"{place}.system")
    elif not is_absolute(system):
        text = "the system is an absolute URI, not a local one"
        yield Issue("error", "value", text, f"{place}.system")
