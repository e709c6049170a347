"""Who calls: bearer token, access token, client certificate, or nobody in particular on loopback.

Tokens are registered as SHA-256, so the registry holds no secret; certificates by the SHA-256 of
their DER form. `credentials` judges what is shown, here it is decided who calls.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.requests import Request

from gateway.api.credentials import ALL, Credentials, Proof, agreed
from gateway.authorization.scopes import Scope
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
    #: Client id; "" for the organization as a whole.
    client: str = ""
    #: What kind of caller it is, see `gateway.authorization.roles`.
    role: str = "system"
    #: What it may do at most.
    scopes: tuple[Scope, ...] = ALL


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
    request: Request,
    region: Region,
    authentication: str,
    failed: FailedLogins,
    credentials: Credentials,
    now: Instant,
) -> Identity:
    """Return who calls. Raises HTTPException 401, or 429 after too many failures."""
    peer = request.client.host if request.client else ""
    certificate = str(request.scope.get("state", {}).get(CERTIFICATE, ""))
    if authentication == "none":
        return Identity(_claimed(request, region), peer, certificate)
    if failed.blocked(peer, now):
        raise HTTPException(429, headers={"Retry-After": "60"})
    proofs = _proofs(request, region, authentication, credentials, certificate, now)
    proof = agreed(proofs)
    if proof is None:
        failed.add(peer, now)
        raise HTTPException(401, headers={"WWW-Authenticate": 'Bearer realm="gateway"'})
    return Identity(proof.organization, peer, certificate, proof.client, proof.role, proof.scopes)


def _proofs(
    request: Request,
    region: Region,
    authentication: str,
    credentials: Credentials,
    certificate: str,
    now: Instant,
) -> list[Proof | None]:
    """Judge every credential shown; each has to hold."""
    found: list[Proof | None] = []
    if certificate:
        owner = credentials.certificate(region, certificate)
        # A certificate nobody registered proves nothing, but a token may be bound to it.
        if owner is not None or authentication == "mtls":
            found.append(owner)
    if authentication == "mtls":
        return found
    stated = request.headers.get("authorization")
    if stated is not None:
        scheme, _, token = stated.partition(" ")
        judge = credentials.access_token if authentication == "smart" else credentials.token
        token = token.strip() if scheme.lower() == "bearer" else ""
        found.append(judge(region, token, certificate, now) if token else None)
    return found


def _claimed(request: Request, region: Region) -> str:
    named = request.headers.get(ORGANIZATION_HEADER, "")
    return named if named in region.organizations else ""
