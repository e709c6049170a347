"""What the gateway makes says which profile it follows: `meta.profile`.

https://hl7.org/fhir/R4/resource.html#Meta. One place for all formats: `mappers.translate` and
`mappers.convert` come by here. Nothing is claimed for what a FHIR sender handed in, for statements
that cannot stand alone, for deletions, and for types without a profile of ours (those are base R4).
"""

from __future__ import annotations

from typing import Any

from mappers.base import Action, Mapped
from profiles.gateway import PROFILES


def claim(mapped: Mapped) -> Mapped:
    """Let everything the gateway made of a message claim its profile; changed in place."""
    for change in mapped.changes:
        if not change.partial and change.action is not Action.DELETE:
            claim_for(change.resource)
    if mapped.provenance is not None:
        claim_for(mapped.provenance)
    return mapped


def claim_for(resource: dict[str, Any]) -> None:
    """Let one resource claim the profile of its type, if there is one."""
    canonical = PROFILES.get(resource["resourceType"])
    if canonical is not None:
        meta = resource.get("meta")
        stated = {"profile": [canonical]}
        resource["meta"] = stated if meta is None else {**stated, **meta}
