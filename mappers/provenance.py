"""What every Provenance of a translation has in common (https://hl7.org/fhir/R4/provenance.html)."""

from __future__ import annotations

from typing import Any

from mappers.base import MAPPING_VERSION

#: Object identifier of SHA-256 (NIST), the system of a digest.
SHA_256 = "urn:oid:2.16.840.1.101.3.4.2.1"
#: Names the version of the mapping, as policy and as the software that translated.
MAPPING = f"urn:region-gateway:mapping:{MAPPING_VERSION}"
_AGENT_TYPE = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


def agent_type(code: str) -> dict[str, Any]:
    """What an agent did: "author", "enterer", "transmitter"."""
    return {"coding": [{"system": _AGENT_TYPE, "code": code}]}


#: Who translated: the mapping; the gateway puts its build in this place.
ASSEMBLER: dict[str, Any] = {
    "type": agent_type("assembler"),
    "who": {
        "type": "Device",
        "identifier": {"system": "urn:region-gateway:build", "value": MAPPING},
    },
}
#: Stands for an author the message does not name.
NOBODY = {"type": "Organization", "display": "unbekannt"}


def receiver(who: dict[str, Any]) -> dict[str, Any]:
    """The agent a message was addressed to."""
    return {"type": {"coding": [{"system": _PARTICIPATION, "code": "IRCP"}]}, "who": who}


def set_recorded(made: dict[str, Any], when: str | None) -> None:
    """State when the message was made; the element is required, so its absence is stated too."""
    if when is not None:
        made["recorded"] = when
    else:
        made["_recorded"] = {"extension": [{"url": _ABSENT, "valueCode": "unknown"}]}


def digest_entity(digest: str) -> dict[str, Any]:
    """The source by its SHA-256."""
    return {"role": "source", "what": {"identifier": {"system": SHA_256, "value": digest}}}
