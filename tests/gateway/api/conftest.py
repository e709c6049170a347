"""An HTTP interface over a gateway in memory: real consent decisions, real audit events."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import httpx
import pytest

from gateway.api.access import with_meta
from gateway.api.app import create_app
from gateway.api.ports import (
    Condition,
    Found,
    Options,
    PatientConsents,
    Posted,
    Stored,
    Taken,
)
from gateway.consent import Policy
from gateway.domain.region import Endpoint, Organization, Region
from gateway.domain.time import Instant, fhir_instant
from gateway.evidence.event_class import EventClass
from gateway.evidence.parts import Party, Stamp
from gateway.store.hits import Query
from profiles.issue import GatewayError
from profiles.reading import write_json
from profiles.search import place, ranks

NOW = 1_767_225_600_000_000

PATIENT = {
    "resourceType": "Patient",
    "id": "6f1c6b8e-0000-4000-8000-000000000001",
    "name": [{"family": "Müller", "given": ["Anna"]}],
    "birthDate": "1961-04-12",
}
CONSENT = {
    "resourceType": "Consent",
    "id": "c1",
    "meta": {"versionId": "1"},
    "status": "active",
    "scope": {
        "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/consentscope",
                "code": "patient-privacy",
            }
        ]
    },
    "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
    "patient": {"reference": f"Patient/{PATIENT['id']}"},
    "dateTime": "2025-11-01",
    "policy": [{"uri": "https://region.example/policies/1"}],
    "provision": {
        "type": "permit",
        "actor": [
            {
                "role": {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
                            "code": "IRCP",
                        }
                    ]
                },
                "reference": {"reference": "Organization/praxis"},
            }
        ],
        "purpose": [
            {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "TREAT"}
        ],
    },
}


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def region(*, storage: str = "shared") -> Region:
    organizations = {
        "klinikum": Organization(
            id="klinikum",
            name="Klinikum",
            kind="hospital",
            storage=storage,
            token_sha256=(sha256("token-klinikum"),),
            certificate_sha256=("ab" * 32,),
        ),
        "praxis": Organization(
            id="praxis", name="Praxis", kind="practice", token_sha256=(sha256("token-praxis"),)
        ),
        "agentur": Organization(
            id="agentur",
            name="Agentur",
            kind="social-agency",
            token_sha256=(sha256("token-agentur"),),
        ),
    }
    endpoints = {
        "klinikum-http": Endpoint(
            id="klinikum-http",
            organization="klinikum",
            connection_type="http-inbound",
            direction="in",
            max_bytes=1_000,
        ),
        "klinikum-mllp": Endpoint(
            id="klinikum-mllp",
            organization="klinikum",
            connection_type="hl7v2-mllp",
            direction="in",
            listen="127.0.0.1:2575",
        ),
    }
    return Region(organizations=organizations, endpoints=endpoints)


@dataclass
class MemoryGateway:
    """The port of the HTTP interface over lists."""

    options: Options
    registry: Region = field(default_factory=region)
    resources: list[Stored] = field(default_factory=list)
    known: dict[int, PatientConsents] = field(default_factory=dict)
    events: list[tuple[EventClass, dict[str, Any]]] = field(default_factory=list)
    posted: list[Posted] = field(default_factory=list)
    answer: Taken | GatewayError = field(default_factory=lambda: Taken(status=200, answer=b"MSA"))
    audit_failure: GatewayError | None = None
    failure: Exception | None = None
    clock: Instant = NOW
    patient: Mapping[str, Any] = field(default_factory=lambda: PATIENT)
    revoked_clients: set[str] = field(default_factory=set)
    assertions: set[tuple[str, str]] = field(default_factory=set)

    def now(self) -> Instant:
        return self.clock

    def region(self) -> Region:
        return self.registry

    def policy(self) -> Policy:
        return Policy()

    def revoked(self) -> frozenset[str]:
        return frozenset(self.revoked_clients)

    async def use_assertion(self, client: str, jti: str, until: Instant) -> bool:
        known = (client, jti) in self.assertions
        self.assertions.add((client, jti))
        return not known

    async def receive(self, posted: Posted) -> Taken:
        self.posted.append(posted)
        if isinstance(self.answer, GatewayError):
            raise self.answer
        return self.answer

    async def find(self, type_: str, id_: str, version: int = 0) -> Stored | None:
        if self.failure is not None:
            raise self.failure
        for one in self.resources:
            if (one.type, one.id) == (type_, id_) and version in (0, one.version):
                return one
        return None

    async def hits(
        self, query: Query, *, after: tuple[Any, ...], limit: int
    ) -> tuple[Sequence[Found], tuple[Any, ...]]:
        found = []
        for one in self.resources:
            resource = with_meta(one)
            shown = query.organizations is None or one.organization in query.organizations
            if shown and not one.deleted and any(c.matches(resource) for c in query.criteria):
                position = (*ranks(resource, query.order), one.number)
                found.append(Found(stored=one, position=position))
        found.sort(key=lambda one: self._place(one.position, query))
        if after:
            found = [
                one for one in found if self._place(one.position, query) > self._place(after, query)
            ]
        following = found[limit - 1].position if len(found) > limit else ()
        return found[:limit], following

    @staticmethod
    def _place(position: tuple[Any, ...], query: Query) -> Any:
        *found, number = position
        return place(tuple(found), number, query.order)

    async def named(self, names: Sequence[tuple[str, str]]) -> Sequence[Stored]:
        return [one for one in self.resources if (one.type, one.id) in names and not one.deleted]

    async def consents(self, patients: Sequence[int]) -> Mapping[int, PatientConsents]:
        return {number: self.known[number] for number in patients if number in self.known}

    def stamp(self) -> Stamp:
        return Stamp(
            id=str(UUID(int=len(self.events))),
            recorded=fhir_instant(self.clock),
            observer=Party(reference="Device/gateway", address="https://gw.example/fhir"),
        )

    async def audit(self, events: Sequence[tuple[EventClass, dict[str, Any]]]) -> None:
        if self.audit_failure is not None:
            raise self.audit_failure
        self.events.extend(events)

    async def condition(self) -> Condition:
        return Condition(
            ready=True,
            parts=(("store", "ok"),),
            counts=(
                ("messages", {"state": "routed"}, 3),
                ("messages", {"state": "unrouted"}, 1),
                ("worklist_oldest_seconds", {}, 12.5),
            ),
        )

    # what tests put in ----------------------------------------------------------
    def store(
        self, resource: dict[str, Any], *, organization: str = "klinikum", patient: int = 1
    ) -> Stored:
        stored = Stored(
            number=len(self.resources) + 1,
            type=resource["resourceType"],
            id=resource["id"],
            version=1,
            organization=organization,
            patient=patient,
            patient_id=PATIENT["id"] if patient else "",
            updated_at=NOW,
            deleted=False,
            body=write_json(resource),
        )
        self.resources.append(stored)
        return stored

    def permit(self, patient: int = 1) -> None:
        self.known[patient] = PatientConsents(
            consents=(CONSENT,), linked=(f"Patient/{PATIENT['id']}",), birth_date="1961-04-12"
        )


def options(**changes: Any) -> Options:
    made = Options(
        name="Region Beispiel",
        base_url="https://gw.example/fhir",
        version="0.1.0",
        authentication="token",
        cursor_key=b"k" * 32,
        token_key=b"t" * 32,
        page=10,
    )
    return replace(made, **changes)


@pytest.fixture
def gateway() -> MemoryGateway:
    return MemoryGateway(options())


class Client:
    """One caller over ASGI, without a socket."""

    def __init__(self, gateway: MemoryGateway, headers: dict[str, str], peer: str) -> None:
        self.app = create_app(gateway)
        self.headers = headers
        self.peer = peer

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        return asyncio.run(self._request(method, path, **more))

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)

    async def _request(self, method: str, path: str, **more: Any) -> httpx.Response:
        transport = httpx.ASGITransport(
            self.app, raise_app_exceptions=False, client=(self.peer, 40_000)
        )
        headers = {**self.headers, **more.pop("headers", {})}
        async with httpx.AsyncClient(transport=transport, base_url="http://gw.example") as client:
            return await client.request(method, path, headers=headers, **more)


@pytest.fixture
def connect(gateway: MemoryGateway) -> Callable[..., Client]:
    """Make a client: `connect("praxis")` sends that organization's token."""

    def make(organization: str = "", *, peer: str = "10.1.2.3", **headers: str) -> Client:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if organization:
            named.setdefault("authorization", f"Bearer token-{organization}")
        return Client(gateway, named, peer)

    return make
