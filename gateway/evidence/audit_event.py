"""Builders for AuditEvents, one per class of event (https://hl7.org/fhir/R4/auditevent.html).

Pure: ids and times come with the stamp. Identifiers only: no names, no contents, no partner's
or sender's text. Events about access stand in `access_event` and are offered here as well, so
that callers know one module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gateway.evidence import codes
from gateway.evidence.access_event import (
    Asked,
    Decided,
    Disclosure,
    decided,
    disclosed,
    read,
    search,
)
from gateway.evidence.codes import LIFECYCLE, coding
from gateway.evidence.parts import (
    SUCCESS,
    Caller,
    MessageFacts,
    Outcome,
    Party,
    Result,
    Stamp,
    agent,
    details,
    event,
    message_entity,
    object_entity,
    patient_entity,
)

__all__ = [
    "SUCCESS",
    "Account",
    "Asked",
    "Caller",
    "Decided",
    "DeliveryFacts",
    "Disclosure",
    "MessageFacts",
    "Outcome",
    "Party",
    "Result",
    "Stamp",
    "administrative",
    "decided",
    "delivery_state",
    "disclosed",
    "erased_ranges",
    "identity",
    "read",
    "received",
    "search",
    "tombstone",
    "translated",
]


def received(
    stamp: Stamp,
    *,
    message: MessageFacts,
    sender: Party,
    patients: Sequence[str] = (),
    result: Result = SUCCESS,
) -> dict[str, Any]:
    """A message arrived; the reason is the error class when it was refused."""
    return event(
        stamp,
        (codes.IMPORT, codes.RECEIVE),
        "C",
        result,
        agents=[
            agent(codes.SOURCE_ROLE, sender, requestor=True),
            agent(codes.DESTINATION_ROLE, stamp.observer),
        ],
        entities=[message_entity(message), *map(patient_entity, patients)],
    )


@dataclass(frozen=True, slots=True)
class Account:
    """Loss account of a translation, in numbers of non-empty source fields."""

    mapping_version: str
    fields: int = 0
    mapped: int = 0
    ignored: int = 0


def translated(
    stamp: Stamp,
    *,
    message: MessageFacts,
    account: Account,
    patients: Sequence[str] = (),
    result: Result = SUCCESS,
) -> dict[str, Any]:
    """A message was translated, with its loss account."""
    entity = message_entity(
        message,
        mapping_version=account.mapping_version,
        fields=account.fields,
        mapped=account.mapped,
        ignored=account.ignored,
        unmapped=account.fields - account.mapped - account.ignored,
    )
    return event(
        stamp,
        (codes.IMPORT, codes.TRANSFORM),
        "E",
        result,
        agents=[agent(codes.APPLICATION, stamp.observer, requestor=True)],
        entities=[entity, *map(patient_entity, patients)],
    )


@dataclass(frozen=True, slots=True)
class DeliveryFacts:
    """The delivery an event is about."""

    id: str
    #: The state it has now.
    state: str
    recipient: Party
    #: Number of the attempt; 0 before the first.
    attempt: int = 0
    #: SHA-256 of the partner's answer, hexadecimal.
    answer_sha256: str = ""


def delivery_state(
    stamp: Stamp,
    *,
    delivery: DeliveryFacts,
    patients: Sequence[str] = (),
    result: Result = SUCCESS,
) -> dict[str, Any]:
    """A delivery changed its state; the reason is the error class, never a partner's text."""
    entity = object_entity(codes.ROLE_JOB, Party(system=codes.DELIVERY, value=delivery.id))
    entity["detail"] = details(
        state=delivery.state, attempt=delivery.attempt, answer_sha256=delivery.answer_sha256
    )
    return event(
        stamp,
        (codes.EXPORT, codes.TRANSMIT),
        "U",
        result,
        agents=[
            agent(codes.SOURCE_ROLE, stamp.observer, requestor=True),
            agent(codes.DESTINATION_ROLE, delivery.recipient),
        ],
        entities=[entity, *map(patient_entity, patients)],
    )


def identity(
    stamp: Stamp,
    *,
    act: Literal["link", "unlink", "merge", "unmerge"],
    patients: tuple[str, str],
    rule: str,
    actor: Party | None = None,
    message: str = "",
) -> dict[str, Any]:
    """Two patient records were linked or merged, or that was undone.

    For merges the surviving record comes first. Without `actor` a rule of the gateway did it.
    """
    subtype = (LIFECYCLE, act, f"{act.capitalize()} Record Lifecycle Event")
    return event(
        stamp,
        (codes.PATIENT_RECORD, subtype),
        "U",
        Result(reason=rule),
        agents=[agent(codes.APPLICATION, actor or stamp.observer, requestor=True)],
        entities=[
            patient_entity(patients[0], details(message=message)),
            patient_entity(patients[1]),
        ],
    )


def administrative(
    stamp: Stamp,
    *,
    act: str,
    actor: Party,
    objects: Sequence[Party] = (),
    detail: Mapping[str, str | int] | None = None,
    result: Result = SUCCESS,
) -> dict[str, Any]:
    """A person or rule administered the gateway: `act` is a code such as "apply" or "retry".

    `detail` belongs to the first object.
    """
    entities = [object_entity(codes.ROLE_SECURITY_RESOURCE, one) for one in objects]
    if entities and detail:
        entities[0]["detail"] = details(**detail)
    return event(
        stamp,
        (codes.APPLICATION_ACTIVITY, (codes.ACT, act, "")),
        "E",
        result,
        agents=[agent(codes.APPLICATION, actor, requestor=True)],
        entities=entities,
    )


def tombstone(
    stamp: Stamp, *, ranges: Sequence[tuple[int, int]], legal_basis: str, authorizer: Party
) -> dict[str, Any]:
    """Events were erased: first and last leaf number of each range, inclusive."""
    erased: dict[str, Any] = {
        "type": coding(codes.SYSTEM_OBJECT),
        "role": coding(codes.ROLE_SECURITY_RESOURCE),
        "detail": details(
            leaves=[f"{first}-{last}" for first, last in ranges], legal_basis=legal_basis
        ),
    }
    return event(
        stamp,
        (codes.AUDIT_LOG_USED, codes.DESTROY),
        "D",
        SUCCESS,
        agents=[agent(codes.APPLICATION, authorizer, requestor=True)],
        entities=[erased],
    )


def erased_ranges(event: Mapping[str, Any]) -> tuple[tuple[int, int], ...]:
    """Read the leaf ranges out of a `tombstone`; ValueError when they are malformed."""
    ranges = []
    for entity in event.get("entity", ()):
        for detail in entity.get("detail", ()):
            if detail["type"] == "leaves":
                first, _, last = detail["valueString"].partition("-")
                ranges.append((int(first), int(last)))
    return tuple(ranges)
