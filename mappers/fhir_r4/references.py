"""References inside resources: find them, rewrite them.

https://hl7.org/fhir/R4/references.html#literal, bundle.html#references.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

#: Elements that name the Patient a resource belongs to, in order of preference (R4 compartment).
SUBJECT_ELEMENTS = ("subject", "patient", "beneficiary", "for", "individual", "candidate")

Rewrite = Callable[[dict[str, Any]], None]


def references(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every Reference object below a value, outermost first."""
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value
        for child in value.values():
            if isinstance(child, dict | list):
                yield from references(child)
    elif isinstance(value, list):
        for child in value:
            if isinstance(child, dict | list):
                yield from references(child)


def attachments(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every Attachment object with a url below a value."""
    if isinstance(value, dict):
        if isinstance(value.get("url"), str) and "contentType" in value:
            yield value
        for child in value.values():
            yield from attachments(child)
    elif isinstance(value, list):
        for child in value:
            yield from attachments(child)


def type_and_id(reference: str) -> tuple[str, str] | None:
    """Split the last two parts of a literal reference, version left out; None when it has none."""
    path = reference.split("/_history/", 1)[0].split("#", 1)[0].split("?", 1)[0]
    parts = path.split("/")
    if len(parts) < 2 or not parts[-2][:1].isupper() or not parts[-1]:
        return None
    return parts[-2], parts[-1]
