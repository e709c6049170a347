"""What a Location says beyond its number → the other components of PL (chapter 2.A.53)."""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.session import V2
from mappers.hl7v2.write.writing import Writing
from mappers.trace import Text

_STATUS = frozenset({V2 + "0116", V2 + "0306"})


def about(w: Writing, reference: dict[str, Any] | None, number: str | None) -> dict[int, Any]:
    """Return components of PL by number; `number` is what is written as the place's own name.

    Carries what the component of a place implies: its mode, physical type and the place above.
    """
    target = w.source.resolve(reference)
    if target is None or target["resourceType"] != "Location":
        return {}
    w.carried(target.get("mode"), target.get("physicalType"), target.get("partOf"))
    if target.get("name") == number:
        w.carried(target["name"])
    parts: dict[int, Any] = {}
    status = target.get("operationalStatus", {})
    if status.get("system") in _STATUS:
        w.carried(status["system"])
        parts[5] = status.get("code")
    for kind in target.get("type", ()):
        for coding in kind.get("coding", ()):
            if coding.get("system") == V2 + "0305":
                w.carried(coding["system"])
                parts.setdefault(6, coding.get("code"))
    words = target.get("description")
    if isinstance(words, Text):
        parts[9] = words
    return parts
