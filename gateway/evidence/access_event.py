"""AuditEvents about access: decided, disclosed, read, search.

IHE BALP 1.1 (https://profiles.ihe.net/ITI/BALP): AuthZconsent, PrivacyDisclosure.Source,
PatientRead and PatientQuery are claimed only where the event has all they ask for. BALP allows
one patient per event; who has several makes one event each.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from gateway.evidence import codes
from gateway.evidence.codes import Code, coding
from gateway.evidence.parts import (
    SUCCESS,
    Caller,
    Outcome,
    Party,
    Result,
    Stamp,
    agent,
    details,
    event,
    object_entity,
    patient_entity,
    purpose_concepts,
)


class Decided(Protocol):
    """What an event keeps of a consent decision."""

    @property
    def outcome(self) -> str:
        """Permit, deny or redact."""

    @property
    def rule(self) -> str:
        """The decisive rule."""

    @property
    def reason(self) -> str:
        """Machine-readable reason."""

    @property
    def consents(self) -> Sequence[tuple[str, str]]:
        """(id, versionId) of the consents that counted."""

    @property
    def obligations(self) -> Sequence[str]:
        """What the enforcing side must do."""


@dataclass(frozen=True, slots=True)
class Asked:
    """For whom and what consent was asked."""

    #: Person or institution that would receive the data.
    recipient: Party
    #: Institution it belongs to.
    organization: Party
    #: System the data would go to, with its address.
    client: Party
    purposes: tuple[str, ...] = ()
    #: Ids of message, delivery and route, where there are any.
    message: str = ""
    delivery: str = ""
    route: str = ""


def decided(stamp: Stamp, *, patient: str, decision: Decided, asked: Asked) -> dict[str, Any]:
    """Consent was asked: who wanted the data, through which system, and what decided.

    A decision without any consent cannot be an AuthZ-Consent event, whose entities are closed.
    """
    detail = details(
        decision=decision.outcome,
        reason=decision.reason,
        obligation=decision.obligations,
        message=asked.message,
        delivery=asked.delivery,
        route=asked.route,
    )
    entities = [patient_entity(patient, detail)]
    entities += [_consent_entity(*consent) for consent in decision.consents]
    by_consent = bool(decision.consents)
    denied = decision.outcome == "deny"
    return event(
        stamp,
        (codes.SECURITY_ALERT, codes.AUTHZ_CONSENT if by_consent else codes.AUTHZ_ROLE),
        "E",
        Result(Outcome.SERIOUS_FAILURE if denied else Outcome.SUCCESS, decision.rule),
        agents=[
            agent(codes.APPLICATION, asked.client),
            _person(codes.RECIPIENT, asked.recipient, asked.purposes),
            _person(codes.PROVIDER, asked.organization),
            _person(codes.AUTHORIZER, stamp.observer),
        ],
        entities=entities,
        profile="IHE.BasicAudit.AuthZconsent" if by_consent and asked.client.address else "",
    )


def _person(role: Code, party: Party, purposes: Sequence[str] = ()) -> dict[str, Any]:
    """Agent that BALP wants without a network; only the recipient asks."""
    made: dict[str, Any] = {
        "type": codes.concept(role),
        "who": party.who(),
        "requestor": role is codes.RECIPIENT,
    }
    if purposes:
        made["purposeOfUse"] = purpose_concepts(purposes)
    return made


def _consent_entity(consent: str, version: str) -> dict[str, Any]:
    what = f"Consent/{consent}/_history/{version}" if version else f"Consent/{consent}"
    return {"what": {"reference": what}, "type": coding(codes.CONSENT)}


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What leaves for a partner, and on what ground."""

    delivery: str
    #: Institution and the address the bytes go to.
    recipient: Party
    #: Versions sent, "Type/id/_history/v".
    resources: tuple[str, ...]
    #: SHA-256 of the bytes sent, hexadecimal.
    sha256: str
    purposes: tuple[str, ...] = ()
    legal_basis: str = ""
    controller: Party | None = None
    #: Id of the `decided` event this rests on.
    decision: str = ""
    #: Elements the partner's format has no place for.
    left_out: int = 0


def disclosed(stamp: Stamp, *, patient: str, disclosure: Disclosure) -> dict[str, Any]:
    """Data leave for a partner: what, to whom, why, and the hash of the bytes."""
    recipient = disclosure.recipient
    agents = [
        agent(codes.SOURCE_ROLE, stamp.observer, requestor=True),
        agent(codes.DESTINATION_ROLE, recipient),
    ]
    if disclosure.controller is not None:
        agents.append(agent(codes.CUSTODIAN, disclosure.controller))
    sent = object_entity(codes.ROLE_JOB, Party(system=codes.DELIVERY, value=disclosure.delivery))
    sent["detail"] = details(
        sha256=disclosure.sha256,
        legal_basis=disclosure.legal_basis,
        decision=disclosure.decision,
        left_out=disclosure.left_out or "",
    )
    entities = [patient_entity(patient), sent]
    entities += [
        object_entity(codes.ROLE_DOMAIN_RESOURCE, Party(what)) for what in disclosure.resources
    ]
    complete = bool(stamp.observer.address and recipient.address)
    made = event(
        stamp,
        (codes.EXPORT, codes.DISCLOSE),
        "R",
        SUCCESS,
        agents=agents,
        entities=entities,
        profile="IHE.BasicAudit.PrivacyDisclosure.Source" if complete else "",
    )
    if disclosure.purposes:
        made["purposeOfEvent"] = purpose_concepts(disclosure.purposes)
    return made


def read(
    stamp: Stamp,
    *,
    caller: Caller,
    target: str,
    patient: str = "",
    interaction: Literal["read", "vread"] = "read",
    result: Result = SUCCESS,
) -> dict[str, Any]:
    """One resource ("Type/id" or "Type/id/_history/v") was asked for over REST."""
    return event(
        stamp,
        (codes.REST, (codes.INTERACTION, interaction, interaction)),
        "R",
        result,
        agents=rest_agents(caller, stamp.observer, codes.DESTINATION_ROLE, codes.SOURCE_ROLE),
        entities=rest_entities(
            object_entity(codes.ROLE_DOMAIN_RESOURCE, Party(target)), patient, caller
        ),
        profile=rest_profile("Read", patient, result, caller, stamp.observer),
    )


def search(
    stamp: Stamp,
    *,
    caller: Caller,
    query: str,
    patient: str = "",
    interaction: Literal["search", "history"] = "search",
    result: Result = SUCCESS,
) -> dict[str, Any]:
    """A search was run or a history read; the raw query ("GET …") is kept, its results are not.

    One event per patient among the results, one without patient when there is none.
    """
    asked: dict[str, Any] = {
        "type": coding(codes.SYSTEM_OBJECT),
        "role": coding(codes.ROLE_QUERY),
        "query": b64encode(query.encode()).decode("ascii"),
    }
    return event(
        stamp,
        (codes.REST, (codes.INTERACTION, interaction, interaction)),
        "E",
        result,
        agents=rest_agents(caller, stamp.observer, codes.SOURCE_ROLE, codes.DESTINATION_ROLE),
        entities=rest_entities(asked, patient, caller),
        profile=(
            rest_profile("Query", patient, result, caller, stamp.observer)
            if interaction == "search"
            else ""
        ),
    )


def rest_agents(
    caller: Caller, server: Party, client_role: Code, server_role: Code
) -> list[dict[str, Any]]:
    """Agents of an interaction over REST: the client, this server, the person behind it."""
    # Without a user the client asks for itself; a purpose belongs to whoever asks.
    alone = caller.user is None
    agents = [
        agent(
            client_role,
            caller.client,
            requestor=alone,
            purposes=caller.purposes if alone else (),
        ),
        agent(server_role, server),
    ]
    if caller.user is not None:
        agents.append(_person(codes.RECIPIENT, caller.user, caller.purposes))
    return agents


def rest_entities(first: dict[str, Any], patient: str, caller: Caller) -> list[dict[str, Any]]:
    """Entities of an interaction over REST: what was asked for, the patient, the request."""
    entities = [first]
    if patient:
        entities.append(patient_entity(patient))
    if caller.request_id:
        entities.append(
            {
                "what": {"identifier": {"value": caller.request_id}},
                "type": coding(codes.REQUEST_ID),
            }
        )
    return entities


def rest_profile(name: str, patient: str, result: Result, caller: Caller, server: Party) -> str:
    """BALP describes successful interactions between two systems with known addresses."""
    known = caller.client.address and server.address
    if result.outcome is not Outcome.SUCCESS or not known:
        return ""
    return f"IHE.BasicAudit.{'Patient' if patient else ''}{name}"
