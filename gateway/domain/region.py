"""The region: organizations, endpoints, routes, practitioners; what `gateway apply` registers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.domain.client import Client
from gateway.domain.folder import Folder
from gateway.domain.retry import Retry
from gateway.domain.time import DAY, SECOND

#: Identifier system of the registry's own organization ids; Consents may name actors with it.
REGISTRY_SYSTEM = "urn:region-gateway:organization"


@dataclass(frozen=True, slots=True)
class Identifier:
    """A business identifier, as FHIR Identifier.system and .value."""

    system: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """An institution of the region."""

    id: str
    name: str
    #: hospital, practice, social-agency, health-office, payer, laboratory, care-service, other.
    kind: str
    identifier: tuple[Identifier, ...] = ()
    #: transit: kept until delivered and retention ends; shared: readable with consent.
    storage: str = "transit"
    #: How long its messages are kept, in microseconds.
    retain: int = 90 * DAY
    #: SHA-256 (hex) of the bearer tokens its systems use.
    token_sha256: tuple[str, ...] = ()
    #: SHA-256 (hex) fingerprints of the client certificates its systems use.
    certificate_sha256: tuple[str, ...] = ()

    def identities(self) -> tuple[str, ...]:
        """Return every identifier as system|value, the registry's own first."""
        stated = (f"{one.system}|{one.value}" for one in self.identifier)
        return (f"{REGISTRY_SYSTEM}|{self.id}", *stated)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One wire to one system; `direction` says who speaks first."""

    id: str
    organization: str
    #: A name of CONNECTION_TYPES: hl7v2-mllp, hl7-fhir-rest, http-inbound, folder.
    connection_type: str
    #: in or out.
    direction: str
    #: Host and port to listen on (in).
    listen: str = ""
    #: Where to send to (out).
    address: str = ""
    #: Format spoken, where the connection type carries any: xdt, hl7v2, fhir_r4.
    format: str = ""
    #: The exchange folder (folder), see `endpoint.folder`.
    folder: Folder | None = None
    dialect: str = ""
    #: What its messages have to hold, instead of what the dialect says: `action` and `rules` as in
    #: `[profile]` of a dialect, or `file`, a TOML of the same or an HL7v2xConformanceProfile.
    message_profile: Mapping[str, Any] = field(default_factory=dict)
    #: on_processing or on_receipt (in).
    acknowledge: str = "on_processing"
    #: Reached only by routes that name it, never through its organization (out): for a second wire
    #: to the same institution.
    named_only: bool = False
    #: live, test (only to test endpoints) or shadow (everything but delivery).
    mode: str = "live"
    #: Networks that may connect (in), e.g. 10.20.0.5/32.
    peers: tuple[str, ...] = ()
    #: Accepted MSH-3 / MSH-4 (in); empty accepts any.
    sending_application: tuple[str, ...] = ()
    sending_facility: tuple[str, ...] = ()
    #: MSH-3…6 of what is sent (out).
    sender: tuple[str, str] = ("GATEWAY", "REGION")
    receiver: tuple[str, str] = ("", "")
    #: May an uncertain delivery be sent again? Every outgoing endpoint says so.
    idempotent: bool | None = None
    retry: Retry = field(default_factory=Retry)
    #: original or translated (out); "" chooses by the formats.
    form: str = ""
    #: conditional or put (hl7-fhir-rest).
    write: str = "conditional"
    #: Character set of what is sent (hl7v2-mllp), an MSH-18 value.
    charset: str = "UNICODE UTF-8"
    #: Seconds for a whole attempt, in microseconds.
    timeout: int = 30 * SECOND
    #: Parallel connections or requests to this destination.
    parallel: int = 4
    #: TLS files: ca, certificate, key (paths), client_certificate_required.
    tls: Mapping[str, Any] = field(default_factory=dict)
    #: File that holds the bearer token sent (out).
    token_file: str = ""
    #: Whether AR 207 is answered when the store is unavailable (in); default is no answer.
    answer_unavailable: bool = False
    #: Largest accepted frame or body in bytes (in).
    max_bytes: int = 50_000_000
    #: What becomes of content that breaks FHIR or a profile (in): none (not looked at), warn,
    #: quarantine or reject.
    validation: str = "none"
    #: Profiles (canonical URLs) that hold besides those the resources claim (in).
    profiles: tuple[str, ...] = ()
    #: What validation takes for an error besides (in): claim and profile (a profile claimed, or
    #: asked for by another, that is not at hand), extension (an unknown one), display (not the
    #: code system's), vitals (a vital sign that is not as core's profile of it asks).
    strict: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Which messages go where, why they may, and who answers for it."""

    id: str
    #: Incoming endpoints it listens to; empty means all.
    sources: tuple[str, ...] = ()
    #: FHIR search criteria, e.g. DocumentReference?type=http://loinc.org|18842-5.
    criteria: str
    #: Endpoint ids, organization ids, or places such as Patient.generalPractitioner.
    to: tuple[str, ...]
    purpose: str = "TREAT"
    legal_basis: str
    controller: str
    data_categories: tuple[str, ...] = ()
    #: Whether preliminary documents and results are sent.
    preliminary: bool = False
    #: How long a delivery waits for a consent, in microseconds.
    wait: int = 14 * DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Practitioner:
    """Resolves a practitioner named in a message to the organization that receives for them."""

    organization: str
    lanr: str = ""
    bsnr: str = ""
    name: str = ""
    #: The hospital's own numbers: assigner (organization id) and value.
    local: tuple[Identifier, ...] = ()


@dataclass(frozen=True, slots=True)
class Region:
    """One consistent picture of the registry, replaced whole when `apply` changed something."""

    revision: int = 0
    organizations: Mapping[str, Organization] = field(default_factory=dict)
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    routes: Mapping[str, Route] = field(default_factory=dict)
    practitioners: tuple[Practitioner, ...] = ()
    clients: Mapping[str, Client] = field(default_factory=dict)
    #: Dialect name → the TOML mapping it was read from.
    dialects: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: The [consent] policy mapping.
    policy: Mapping[str, Any] = field(default_factory=dict)

    def incoming(self) -> tuple[Endpoint, ...]:
        """Return the endpoints others send to."""
        return tuple(e for e in self.endpoints.values() if e.direction == "in")

    def outgoing_of(self, organization: str) -> tuple[Endpoint, ...]:
        """Return the endpoints an organization receives at, when routes name it alone."""
        return tuple(
            e
            for e in self.endpoints.values()
            if e.direction == "out" and e.organization == organization and not e.named_only
        )
