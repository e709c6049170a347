"""Clients: systems that call the FHIR interface with rights of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: What a client may do at most, whatever its scopes say; see `gateway.authorization.roles`.
ROLES = ("system", "practitioner", "agency", "auditor", "operator")
#: Everything an organization may see and do.
EVERYTHING = ("system/*.cruds",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One system of an organization; it acts for this organization and for no other."""

    id: str
    organization: str
    #: system, practitioner, agency, auditor or operator.
    role: str = "system"
    #: SMART v2 scopes it may ask for; what it asks for is cut down to these.
    scopes: tuple[str, ...] = EVERYTHING
    #: SHA-256 (hex) of bearer tokens it uses without asking for a token first.
    token_sha256: tuple[str, ...] = ()
    #: SHA-256 (hex) fingerprints of its client certificates.
    certificate_sha256: tuple[str, ...] = ()
    #: Its public keys as a JSON Web Key Set (RFC 7517); with them it asks for access tokens.
    jwks: Mapping[str, Any] = field(default_factory=dict)
    #: File in the configuration folder that `jwks` is read from.
    jwks_file: str = ""
    #: Address of the key set instead, where the client publishes it.
    jwks_url: str = ""

    @property
    def signs(self) -> bool:
        """Whether it proves itself with signed assertions."""
        return bool(self.jwks or self.jwks_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """An identity provider (Keycloak and the like) whose access tokens are accepted."""

    #: Its `iss`, exactly.
    url: str
    #: Address of its key set (JWKS).
    jwks_url: str
    #: What the `aud` of its tokens has to name; empty asks for the gateway's base_url.
    audience: str = ""
    #: Claim with the organization: its id here, or one of its identifiers as system|value.
    organization_claim: str = "organization"
    #: What its tokens let do at most: system, practitioner, agency, auditor or operator.
    role: str = "practitioner"
    #: SMART scopes its tokens are cut down to.
    scopes: tuple[str, ...] = EVERYTHING
