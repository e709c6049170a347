"""What the gateway makes says which profile it follows: `meta.profile`.

https://hl7.org/fhir/R4/resource.html#Meta. One place for all formats: `mappers.translate` and
`mappers.convert` come by here, and so does what serialises its resources itself before. Nothing is
claimed for what a FHIR sender handed in, for statements that cannot stand alone, for deletions, and
for types without a profile of ours (those are base R4).
"""

from __future__ import annotations

from typing import Any

from mappers.base import Action, Mapped
from profiles.gateway import PROFILES

_profile_of = PROFILES.get


def claim(mapped: Mapped) -> Mapped:
    """Let everything the gateway made of a message claim its profile; changed in place."""
    for change in mapped.changes:
        if may_claim(change.action, partial=change.partial):
            add_claim(change.resource)
    if mapped.provenance is not None:
        add_claim(mapped.provenance)
    return mapped


def may_claim(action: Action, *, partial: bool) -> bool:
    """Tell whether what is stated is a whole resource."""
    return not partial and action is not Action.DELETE


def add_claim(resource: dict[str, Any]) -> None:
    """Let a resource claim the profile of its type; changed in place."""
    canonical = _profile_of(resource["resourceType"])
    if canonical is None:
        return
    if "meta" in resource:
        resource["meta"] = {"profile": [canonical], **resource["meta"]}
    else:
        resource["meta"] = {"profile": [canonical]}
