"""AuditEvents about writes over REST: create, update, patch, delete.

IHE BALP 1.1 (https://profiles.ihe.net/ITI/BALP): Create, Update and Delete with their patient
variants; patches are no pattern of its own there and are recorded with the same parts.
"""

from __future__ import annotations

from typing import Any, Literal

from gateway.evidence import codes
from gateway.evidence.access_event import rest_agents, rest_entities, rest_profile
from gateway.evidence.parts import SUCCESS, Caller, Party, Result, Stamp, event, object_entity

Interaction = Literal["create", "update", "patch", "delete"]
#: Interaction → AuditEvent.action, and the pattern it follows.
_KINDS: dict[Interaction, tuple[str, str]] = {
    "create": ("C", "Create"),
    "update": ("U", "Update"),
    "patch": ("U", ""),
    "delete": ("D", "Delete"),
}


def written(
    stamp: Stamp,
    *,
    caller: Caller,
    target: str,
    patient: str = "",
    interaction: Interaction = "create",
    result: Result = SUCCESS,
) -> dict[str, Any]:
    """One resource ("Type", "Type/id" or "Type/id/_history/v") was to be written over REST."""
    action, pattern = _KINDS[interaction]
    roles = (codes.SOURCE_ROLE, codes.DESTINATION_ROLE)
    if interaction == "delete":
        roles = (codes.APPLICATION, codes.CUSTODIAN_ROLE)
    return event(
        stamp,
        (codes.REST, (codes.INTERACTION, interaction, interaction)),
        action,
        result,
        agents=rest_agents(caller, stamp.observer, *roles),
        entities=rest_entities(
            object_entity(codes.ROLE_DOMAIN_RESOURCE, Party(target)), patient, caller
        ),
        profile=rest_profile(pattern, patient, result, caller, stamp.observer) if pattern else "",
    )
