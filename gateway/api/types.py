"""The resource types of FHIR R4, from the compiled definitions."""

from __future__ import annotations

from functools import cache

from profiles.r4 import facts


@cache
def resource_types() -> tuple[str, ...]:
    """Return the concrete resource types, sorted."""
    types = facts("elements")["types"]
    return tuple(
        sorted(
            name
            for name, one in types.items()
            if one["kind"] == "resource" and not one.get("abstract")
        )
    )
