"""What a caller may see: custody, storage and consent, in one place for every exit.

An institution sees what it handed in itself; what others handed in only where they share it
(`storage = "shared"`) and a consent decision permits. Everything else is as if it did not exist.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.api.auth import Identity
from gateway.api.credentials import ALL
from gateway.api.ports import Gateway, PatientConsents, Stored
from gateway.api.scoped import within
from gateway.consent import Decision, evaluate, filter_resources
from gateway.consent.request import Actor
from gateway.consent.request import Request as ConsentRequest
from gateway.domain.region import Organization, Region
from gateway.domain.time import SECOND, fhir_instant
from gateway.evidence.parts import Caller, Party
from gateway.pipeline.documents import load

#: Systems read on behalf of treatment; other purposes travel by route, not by read.
PURPOSE = "TREAT"


@dataclass(frozen=True, slots=True)
class Seen:
    """A resource a caller may see, as it may see it."""

    stored: Stored
    resource: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Question:
    """One patient's resources of one custodian are decided together; a Bundle for itself."""

    patient: int
    custodian: str
    bundle: int
    #: Versions of one resource are decided one by one: the how-manieth of it.
    turn: int


async def visible(
    gateway: Gateway, identity: Identity, found: Sequence[Stored], *, channel: str
) -> list[Seen]:
    """Return what of `found` the caller may see, in the same order.

    Several versions of one resource are judged each for itself. Consents are read even when
    nothing was found, so that hidden and missing cost the same.
    """
    found = [one for one in found if _in_scope(identity, one, channel)]
    foreign = {one.patient for one in found if one.organization != identity.organization}
    consents = await gateway.consents(sorted(foreign)) if foreign or not found else {}
    region = gateway.region()
    asked: dict[_Question, list[Stored]] = {}
    shown: dict[tuple[int, int], Seen] = {}
    turns: Counter[int] = Counter()
    for one in found:
        if one.organization == identity.organization:
            shown[one.number, one.version] = Seen(one, with_meta(one))
        elif _shared(region, one.organization):
            bundle = one.number if one.type == "Bundle" else 0
            question = _Question(one.patient, one.organization, bundle, turns[one.number])
            turns[one.number] += 1
            asked.setdefault(question, []).append(one)
    for question, group in asked.items():
        known = consents.get(question.patient, PatientConsents())
        request = _request(gateway, identity, question, group[0], known, channel)
        shown.update(_permitted(gateway, request, known, group))
    keys = [(one.number, one.version) for one in found]
    return [shown[key] for key in keys if key in shown]


def _in_scope(identity: Identity, one: Stored, channel: str) -> bool:
    if identity.scopes is ALL:
        return True
    resource = {"resourceType": one.type} if one.deleted else with_meta(one)
    return within(identity.scopes, resource, channel)


def caller_of(identity: Identity, request_id: str = "") -> Caller:
    """Name the caller for an audit event."""
    reference = f"Organization/{identity.organization}" if identity.organization else ""
    client = Party(
        reference=reference,
        value="" if reference else "anonymous",
        address=identity.peer,
        alternative=identity.client,
    )
    return Caller(client=client, purposes=(PURPOSE,), request_id=request_id)


def with_meta(stored: Stored) -> dict[str, Any]:
    """Read a stored body and add what the store knows: version and time."""
    if stored.resource is not None:
        return stored.resource
    resource = load(stored.body)
    meta = resource.get("meta", {})
    resource["meta"] = {
        **meta,
        "versionId": str(stored.version),
        "lastUpdated": fhir_instant(stored.updated_at),
    }
    return resource


def _permitted(
    gateway: Gateway, request: ConsentRequest, known: PatientConsents, group: Sequence[Stored]
) -> Iterable[tuple[tuple[int, int], Seen]]:
    resources = [with_meta(one) for one in group]
    decision = evaluate(known.consents, request, resources, gateway.policy())
    by_name = {(one.type, one.id): one for one in group}
    for resource in _kept(resources, decision):
        stored = by_name[resource["resourceType"], resource["id"]]
        yield (stored.number, stored.version), Seen(stored, resource)


def _kept(resources: list[dict[str, Any]], decision: Decision) -> list[dict[str, Any]]:
    """A Bundle nothing of which is visible would still tell that it exists."""
    if not decision.permits or not decision.visible:
        return []
    return filter_resources(resources, decision)


def custodians(region: Region, identity: Identity) -> frozenset[str]:
    """Return the organizations some of whose resources the caller may see."""
    shared = {one.id for one in region.organizations.values() if one.storage == "shared"}
    return frozenset({identity.organization, *shared})


def _shared(region: Region, organization: str) -> bool:
    custodian = region.organizations.get(organization)
    return custodian is not None and custodian.storage == "shared"


def _request(
    gateway: Gateway,
    identity: Identity,
    question: _Question,
    first: Stored,
    known: PatientConsents,
    channel: str,
) -> ConsentRequest:
    organizations = gateway.region().organizations
    return ConsentRequest(
        actor=_actor(identity.organization, organizations),
        purposes=(PURPOSE,),
        action="access",
        time=datetime.fromtimestamp(gateway.now() / SECOND, UTC),
        custodian=_actor(question.custodian, organizations),
        channel=channel,
        patient=f"Patient/{first.patient_id}" if first.patient_id else "",
        linked=(known.linked,) if len(known.linked) > 1 else (),
        birth_date=known.birth_date,
    )


def _actor(organization: str, organizations: Mapping[str, Organization]) -> Actor:
    known = organizations.get(organization)
    if known is None:
        return Actor()
    return Actor(
        reference=f"Organization/{known.id}",
        identifiers=known.identities(),
        display=known.name,
        kind=known.kind,
    )
