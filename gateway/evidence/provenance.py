"""Provenance of a translated message (https://hl7.org/fhir/R4/provenance.html).

Names every version the message made, the original bytes by SHA-256, and the build and mapping
version that did it, so that an auditor can repeat the translation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.evidence import codes
from gateway.evidence.codes import concept
from profiles.gateway import PROFILES

#: Elements taken over from what the message says of itself.
STATED = ("language", "recorded", "occurredDateTime", "occurredPeriod", "reason", "location")


def for_message(
    *,
    id: str,  # noqa: A002 - the element's name
    targets: Sequence[tuple[str, str, str]],
    source_sha256: str,
    message_id: str,
    recorded: str,
    organization: str,
    mapping_version: str,
    build: str,
) -> dict[str, Any]:
    """Provenance for the (type, id, versionId) targets of one message.

    `organization` is the sender's logical id ("" when it is not registered). ValueError without
    targets, which FHIR does not allow.
    """
    if not targets:
        raise ValueError("Provenance needs at least one target")
    agents = [
        {
            "type": concept(codes.ASSEMBLER),
            "who": {"type": "Device", "identifier": {"system": codes.BUILD, "value": build}},
        }
    ]
    if organization:
        agents.append(
            {
                "type": concept(codes.AUTHOR),
                "who": {"reference": f"Organization/{organization}"},
            }
        )
    return {
        "resourceType": "Provenance",
        "id": id,
        "meta": {"profile": [PROFILES["Provenance"]]},
        "target": [
            {"reference": f"{kind}/{name}/_history/{version}"} for kind, name, version in targets
        ],
        "recorded": recorded,
        # The plan the translation followed is the version of the mapping.
        "policy": [f"{codes.MAPPING}:{mapping_version}"],
        "activity": concept(codes.TRANSFORM),
        "agent": agents,
        "entity": [
            _original({"system": codes.MESSAGE, "value": message_id}),
            _original({"system": codes.SHA256, "value": source_sha256}),
        ],
    }


def for_interaction(
    *,
    id: str,  # noqa: A002 - the element's name
    targets: Sequence[tuple[str, str, str]],
    recorded: str,
    organization: str,
    operation: str,
    build: str,
) -> dict[str, Any]:
    """Provenance for the (type, id, versionId) targets a caller of the FHIR interface wrote.

    `operation` is CREATE, UPDATE or DELETE (v3-DataOperation). `organization` is the caller's
    logical id; "" when nobody has to say who calls, then the gateway's build stands for it.
    """
    who: dict[str, Any] = {"reference": f"Organization/{organization}"}
    if not organization:
        who = {"type": "Device", "identifier": {"system": codes.BUILD, "value": build}}
    return {
        "resourceType": "Provenance",
        "id": id,
        "meta": {"profile": [PROFILES["Provenance"]]},
        "target": [
            {"reference": f"{kind}/{name}/_history/{version}"} for kind, name, version in targets
        ],
        "recorded": recorded,
        "activity": concept((codes.DATA_OPERATION, operation, operation.lower())),
        "agent": [{"type": concept(codes.AUTHOR), "who": who}],
    }


def with_statement(made: dict[str, Any], stated: Mapping[str, Any]) -> dict[str, Any]:
    """Add what the message says of itself: a Provenance without targets.

    When it was recorded and occurred, its event, who entered it. Its digest is named already.
    """
    for name in STATED:
        if name in stated:
            made[name] = stated[name]
    made["meta"] = {**stated.get("meta", {}), **made["meta"]}
    own, event = made["activity"]["coding"], stated.get("activity", {})
    made["activity"] = {**event, "coding": [*own, *event.get("coding", ())]}
    made["policy"] += [uri for uri in stated.get("policy", ()) if uri not in made["policy"]]
    # The build stands for the mapping it holds.
    made["agent"] += [agent for agent in stated.get("agent", ()) if not _is_assembler(agent)]
    digest = made["entity"][1]["what"]["identifier"]["value"]
    made["entity"] += [
        entity for entity in stated.get("entity", ()) if _value(entity["what"]) != digest
    ]
    return made


def _is_assembler(agent: Mapping[str, Any]) -> bool:
    _, code, _ = codes.ASSEMBLER
    return any(coding.get("code") == code for coding in agent.get("type", {}).get("coding", ()))


def _value(what: Mapping[str, Any]) -> object:
    return what.get("identifier", {}).get("value")


def _original(identifier: dict[str, str]) -> dict[str, Any]:
    return {"role": "source", "what": {"type": "Binary", "identifier": identifier}}
