"""What the gateway makes says which profile it follows: `meta.profile`.

https://hl7.org/fhir/R4/resource.html#Meta. One place for all formats: `mappers.translate` and
`mappers.convert` come by here. Nothing is claimed for what a FHIR sender handed in, for statements
that cannot stand alone, for deletions, and for types without a profile of ours (those are base R4).
"""

from __future__ import annotations

from typing import Any

from mappers.base import Action, Mapped
from profiles.gateway import PROFILES

_DELETE = Action.DELETE
_profile_of = PROFILES.get


def claim(mapped: Mapped) -> Mapped:
    """Let everything the gateway made of a message claim its profile; changed in place."""
    for change in mapped.changes:
        canonical = _profile_of(change.type)
        if canonical is not None and not change.partial and change.action is not _DELETE:
            _claim(change.resource, canonical)
    if mapped.provenance is not None:
        _claim(mapped.provenance, PROFILES["Provenance"])
    return mapped


def _claim(resource: dict[str, Any], canonical: str) -> None:
    if "meta" in resource:
        resource["meta"] = {"profile": [canonical], **resource["meta"]}
    else:
        resource["meta"] = {"profile": [canonical]}
