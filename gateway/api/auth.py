"""Who calls: bearer token, client certificate, or nobody in particular on loopback.

Tokens are registered as SHA-256, so the registry holds no secret; certificates by the SHA-256 of
their DER form. RFC 6750 (bearer tokens), RFC 8705 section 3 (certificate fingerprints).
"""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.requests import Request

from gateway.domain.region import Region
from gateway.domain.time import SECOND, Instant

#: Where `api.server` leaves the certificate's fingerprint.
CERTIFICATE = "gateway.certificate"
#: With `authentication = "none"` a caller on loopback may say which organization it stands for.
ORGANIZATION_HEADER = "x-organization"
#: Peers whose failures are remembered; beyond that the oldest are forgotten.
_PEERS = 10_000


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller and what it proved."""

    #: Organization id; "" only with `authentication = "none"`.
    organization: str
    #: Network address.
    peer: str
    #: SHA-256 of the client certificate; "" without one.
    certificate: str = ""


@dataclass(slots=True)
class FailedLogins:
    """Counts failures per address in a sliding minute, so that guessing is slow."""

    allowed: int
    _failures: dict[str, deque[Instant]] = field(default_factory=dict)

    def blocked(self, peer: str, now: Instant) -> bool:
        """Say whether this address has failed too often within the last minute."""
        failures = self._failures.get(peer)
        if failures is None:
            return False
        while failures and failures[0] < now - 60 * SECOND:
            failures.popleft()
        return len(failures) >= self.allowed

    def add(self, peer: str, now: Instant) -> None:
        """Remember a failure."""
        if len(self._failures) >= _PEERS and peer not in self._failures:
            self._failures.pop(next(iter(self._failures)))
        self._failures.setdefault(peer, deque(maxlen=self.allowed)).append(now)


def identify(
    request: Request, region: Region, authentication: str, failed: FailedLogins, now: Instant
) -> Identity:
    """Return who calls. Raises HTTPException 401, or 429 after too many failures."""
    peer = request.client.host if request.client else ""
    certificate = str(request.scope.get("state", {}).get(CERTIFICATE, ""))
    if authentication == "none":
        return Identity(_claimed(request, region), peer, certificate)
    if failed.blocked(peer, now):
        raise HTTPException(429, headers={"Retry-After": "60"})
    found = _organizations(request, region, authentication, certificate)
    if len(found) != 1 or "" in found:
        failed.add(peer, now)
        raise HTTPException(401, headers={"WWW-Authenticate": 'Bearer realm="gateway"'})
    return Identity(found.pop(), peer, certificate)


def _organizations(
    request: Request, region: Region, authentication: str, certificate: str
) -> set[str]:
    """Every proof offered has to hold, for one organization; "" marks one that fails."""
    found: set[str] = set()
    if certificate:
        owner = _owner(region, certificate, "certificate_sha256")
        if owner or authentication == "mtls":
            found.add(owner)
    if authentication == "mtls":
        return found
    stated = request.headers.get("authorization")
    if stated is not None:
        scheme, _, token = stated.partition(" ")
        digest = hashlib.sha256(token.strip().encode("latin-1", "replace")).hexdigest()
        found.add(
            _owner(region, digest, "token_sha256") if scheme.lower() == "bearer" and token else ""
        )
    return found


def _owner(region: Region, digest: str, kind: str) -> str:
    for organization in region.organizations.values():
        if digest in getattr(organization, kind):
            return organization.id
    return ""


def _claimed(request: Request, region: Region) -> str:
    named = request.headers.get(ORGANIZATION_HEADER, "")
    return named if named in region.organizations else ""
