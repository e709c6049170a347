"""Vorsatzwort: the particle a German surname begins with ("von der Heide")."""

from __future__ import annotations

from mappers.codes import SHARED, table


def own_prefix(surname: str) -> str:
    """Return the Vorsatzwort a surname begins with ("von der"), "" when there is none."""
    head, blank, _ = surname.partition(" ")
    if not blank or not head[0].islower():
        return ""
    known = table(SHARED, "vorsatzwort")
    words = surname.split(" ")
    for count in range(min(3, len(words) - 1), 0, -1):
        candidate = " ".join(words[:count])
        if candidate.lower() in known:
            return candidate
    return ""
