"""Building blocks of an AuditEvent: who, where, what (https://hl7.org/fhir/R4/auditevent.html).

The minimal pattern of IHE BALP: identifiers and references, never names, never contents.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gateway.evidence import codes
from gateway.evidence.codes import Code, coding, concept
from profiles.gateway import PROFILES


class Outcome(StrEnum):
    """AuditEvent.outcome."""

    SUCCESS = "0"
    MINOR_FAILURE = "4"
    SERIOUS_FAILURE = "8"
    MAJOR_FAILURE = "12"


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody or something that took part; never by name.

    Either `reference` ("Organization/…", "Device/…", "Practitioner/…") or an identifier.
    """

    reference: str = ""
    system: str = ""
    value: str = ""
    #: Where it was reached: URL, IP address or host name; "" unknown.
    address: str = ""
    #: Which of its systems it was: the id of a client; "" for none in particular.
    alternative: str = ""

    def who(self) -> dict[str, Any]:
        """Reference for agent.who and source.observer."""
        if self.reference:
            return {"reference": self.reference}
        if self.system:
            return {"identifier": {"system": self.system, "value": self.value}}
        return {"identifier": {"value": self.value}}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks over REST."""

    #: The system that connected, with its address.
    client: Party
    #: The person behind it, when there is one.
    user: Party | None = None
    purposes: tuple[str, ...] = ()
    #: X-Request-Id, for correlation only.
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What every event has: its id, when it was recorded, and who observed it."""

    #: Logical id of the event, a UUID.
    id: str
    #: Instant with zone, e.g. "2026-11-03T09:15:00.000Z".
    recorded: str
    #: This gateway, with its own address.
    observer: Party
    #: Logical location of the gateway ("" not stated).
    site: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """How it ended; `reason` is a rule, state or error class, never patient data."""

    outcome: Outcome = Outcome.SUCCESS
    reason: str = ""


SUCCESS = Result()


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """The message an event is about."""

    id: str
    #: SHA-256 of the original bytes, hexadecimal.
    sha256: str
    #: "ADT^A01", "Bundle/transaction" …
    type: str = ""


def network(address: str) -> dict[str, str]:
    """AuditEvent.agent.network: 5 = URI, 2 = IP address, 1 = host name."""
    if "://" in address:
        kind = "5"
    elif ":" in address or address.replace(".", "").isdigit():
        kind = "2"
    else:
        kind = "1"
    return {"address": address, "type": kind}


def agent(
    role: Code, party: Party, *, requestor: bool = False, purposes: Sequence[str] = ()
) -> dict[str, Any]:
    """One agent; its address is recorded when it is known."""
    made: dict[str, Any] = {
        "type": concept(role),
        "who": party.who(),
        "requestor": requestor,
    }
    if party.alternative:
        made["altId"] = party.alternative
    if party.address:
        made["network"] = network(party.address)
    if purposes:
        made["purposeOfUse"] = purpose_concepts(purposes)
    return made


def purpose_concepts(purposes: Iterable[str]) -> list[dict[str, Any]]:
    """Purposes of use (v3 ActReason codes) as CodeableConcepts."""
    return [{"coding": [{"system": codes.PURPOSE, "code": purpose}]} for purpose in purposes]


def details(**values: str | int | Sequence[str]) -> list[dict[str, str]]:
    """Entity details; a sequence repeats its type, empty texts are left out."""
    made = []
    for name, value in values.items():
        kind = name.replace("_", "-")
        several = (str(value),) if isinstance(value, str | int) else value
        made += [{"type": kind, "valueString": text} for text in several if text]
    return made


def patient_entity(patient: str, detail: Sequence[dict[str, str]] = ()) -> dict[str, Any]:
    """The patient, by logical id."""
    made: dict[str, Any] = {
        "what": {"reference": f"Patient/{patient}"},
        "type": coding(codes.PERSON),
        "role": coding(codes.ROLE_PATIENT),
    }
    if detail:
        made["detail"] = list(detail)
    return made


def message_entity(message: MessageFacts, **more: str | int | Sequence[str]) -> dict[str, Any]:
    """The original message, by id and SHA-256."""
    return {
        "what": {"identifier": {"system": codes.MESSAGE, "value": message.id}},
        "type": coding(codes.SYSTEM_OBJECT),
        "role": coding(codes.ROLE_JOB),
        "detail": details(sha256=message.sha256, message_type=message.type, **more),
    }


def object_entity(role: Code, thing: Party) -> dict[str, Any]:
    """Any other object, by reference or identifier."""
    return {
        "what": thing.who(),
        "type": coding(codes.SYSTEM_OBJECT),
        "role": coding(role),
    }


def event(
    stamp: Stamp,
    kind: tuple[Code, Code],
    action: str,
    result: Result,
    *,
    agents: list[dict[str, Any]],
    entities: list[dict[str, Any]],
    profile: str = "",
) -> dict[str, Any]:
    """Put an AuditEvent together; `kind` is type and subtype, `profile` the BALP pattern it has."""
    source: dict[str, Any] = {
        "observer": stamp.observer.who(),
        "type": [coding(codes.APPLICATION_SERVER)],
    }
    if stamp.site:
        source["site"] = stamp.site
    claimed = [PROFILES["AuditEvent"]]
    if profile:
        claimed.append(f"{codes.BALP}/StructureDefinition/{profile}")
    made: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": stamp.id,
        "meta": {"profile": claimed},
        "type": coding(kind[0]),
        "subtype": [coding(kind[1])],
        "action": action,
        "recorded": stamp.recorded,
        "outcome": result.outcome.value,
        "agent": agents,
        "source": source,
    }
    if result.reason:
        made["outcomeDesc"] = result.reason
    if entities:
        made["entity"] = entities
    return made
