"""What the HTTP interface needs from the rest of the gateway; `bootstrap` provides it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.consent import Policy
from gateway.domain.client import Issuer
from gateway.domain.region import Region
from gateway.domain.time import Instant
from gateway.evidence.event_class import EventClass
from gateway.evidence.parts import Stamp
from gateway.pipeline.rest.asked import Call, Check, Checked, Order, Performed
from gateway.store.audit_reading import Stretch
from gateway.store.exports import ExportJob
from gateway.store.history import Wanted
from gateway.store.hits import Query
from profiles.issue import Issue
from profiles.search import STANDARD, SearchParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Limits and names the interface keeps; durations in seconds."""

    name: str
    #: Address partners use, without a trailing slash, e.g. https://gw.example/fhir.
    base_url: str
    version: str
    #: token, mtls or none.
    authentication: str
    #: 32 bytes; seals the page links of searches.
    cursor_key: bytes
    #: 32 bytes; authenticates the access tokens of this gateway.
    token_key: bytes
    #: Seconds an access token is good for.
    token_lifetime: float = 300.0
    #: Identity providers whose access tokens are accepted.
    issuers: tuple[Issuer, ...] = ()
    #: Bytes; the largest body of any request.
    max_body: int = 20_000_000
    #: Bytes of bodies in work at a time.
    held: int = 256_000_000
    body_timeout: float = 30.0
    request_timeout: float = 120.0
    concurrency: int = 256
    failed_logins: int = 30
    page: int = 100
    #: What can be searched by: the standard's parameters and those of packages.
    parameters: SearchParameters = STANDARD
    #: What is done about errors in what callers write: "reject" or "none".
    validation: str = "reject"
    #: An update may create a resource with the id the caller names.
    create_on_update: bool = False
    #: Origins whose scripts may call (CORS); "*" stands for all.
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """One input a caller handed in, and who the caller proved to be."""

    endpoint: str
    organization: str
    peer: str
    certificate: str
    #: "hl7v2" or "fhir_r4".
    format: str
    data: bytes
    #: Idempotency-Key, where the caller sent one; HL7 v2 and Bundles name themselves.
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of an input."""

    #: HTTP status by `gateway.errors`.
    status: int
    #: The acknowledgement for HL7 v2; b"" for none.
    answer: bytes = b""
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One version of a stored resource."""

    #: Store number; grows with the order of first storing.
    number: int
    type: str
    id: str
    version: int
    #: Organization whose message made it.
    organization: str
    #: Store number and logical id of its Patient; 0 and "" for none.
    patient: int
    patient_id: str
    updated_at: Instant
    deleted: bool
    #: JSON bytes without meta.versionId and meta.lastUpdated.
    body: bytes
    #: The same as read and with both, where somebody has read it already; not to be changed.
    resource: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A confirmed hit of a search."""

    stored: Stored
    #: Where it stands in the order asked for (gateway.store.hits).
    position: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientConsents:
    """What is known about the consents of one patient."""

    #: Consent resources with meta.versionId, of all linked records.
    consents: tuple[Mapping[str, Any], ...] = ()
    #: "Patient/…" of all linked records, the patient's own included.
    linked: tuple[str, ...] = ()
    birth_date: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How the gateway is, for `/health` and `/metrics`: words and counts, never content."""

    #: True: messages can be taken in and stored.
    ready: bool
    #: Fixed words per part: ("store", "ok"), ("worklist", "older than 4h").
    parts: tuple[tuple[str, str], ...] = ()
    #: (metric, labels, value), e.g. ("messages", {"state": "routed"}, 17).
    counts: tuple[tuple[str, Mapping[str, str], float], ...] = field(default_factory=tuple)


class Gateway(Protocol):
    """The gateway as the HTTP interface sees it."""

    @property
    def options(self) -> Options:
        """Limits and names."""

    def now(self) -> Instant:
        """The present instant of the gateway's clock."""

    def region(self) -> Region:
        """The registry in force."""

    def policy(self) -> Policy:
        """The consent policy in force."""

    def revoked(self) -> frozenset[str]:
        """The clients an operator has revoked."""

    async def add_export(self, job: ExportJob) -> None:
        """Remember a bulk export; returns after the commit. Raises Unavailable."""

    async def export(self, job: str) -> ExportJob | None:
        """Return a bulk export that has not ended."""

    async def end_export(self, job: str) -> None:
        """Forget a bulk export; returns after the commit. Raises Unavailable."""

    async def audit_events(
        self, stretch: Stretch, limit: int
    ) -> Sequence[tuple[int, dict[str, Any]]]:
        """Read AuditEvents of a stretch of time: (leaf number, event)."""

    async def use_assertion(self, client: str, jti: str, until: Instant) -> bool:
        """Note that a signed assertion is used; False when it was before. Raises Unavailable."""

    async def receive(self, posted: Posted) -> Taken:
        """Take an input in: returns after the commit.

        Raises Unavailable when nothing could be stored.
        """

    async def find(self, type_: str, id_: str, version: int = 0) -> Stored | None:
        """Read one resource: the present version, or one version; None when there is none."""

    async def hits(
        self, query: Query, *, after: tuple[Any, ...], limit: int
    ) -> tuple[Sequence[Found], tuple[Any, ...]]:
        """Return confirmed hits behind `after`, at most `limit`, and where to go on; () is the end.

        Raises NotConformant for an order that costs too much.
        """

    async def named(self, names: Sequence[tuple[str, str]]) -> Sequence[Stored]:
        """Read present versions by (type, logical id); what is not there is left out."""

    async def consents(self, patients: Sequence[int]) -> Mapping[int, PatientConsents]:
        """Read the consents of patients. Raises Unavailable."""

    async def history(self, wanted: Wanted) -> Sequence[Stored]:
        """Read versions of one resource, of a type or of all, newest first."""

    async def check(self, asked: Check | Call) -> Checked:
        """Understand and validate what a caller sent. Raises Unavailable."""

    async def perform(self, order: Order) -> Performed:
        """Perform writes, all or none; returns after the commit. Raises Unavailable."""

    def stamp(self) -> Stamp:
        """Make id, time and observer of one audit event."""

    async def audit(self, events: Sequence[tuple[EventClass, dict[str, Any]]]) -> None:
        """Store audit events; returns after the commit. Raises Unavailable."""

    async def condition(self) -> Condition:
        """Say how the gateway is."""
