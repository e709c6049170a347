"""What a caller shows to prove who it is: registered tokens, certificates, access tokens.

RFC 6750 (bearer tokens), RFC 8705 (certificates). Verified access tokens are remembered until they
expire, so that a busy caller costs one verification.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.authorization import access_token
from gateway.authorization.access_token import Grant
from gateway.authorization.roles import granted, limited
from gateway.authorization.scopes import Scope, narrowed
from gateway.domain.client import EVERYTHING, Issuer
from gateway.domain.region import Region
from gateway.domain.time import Instant
from gateway.endpoints.key_sets import KeySets
from profiles.issue import NotPermitted

#: What an organization's own token or certificate lets it do.
ALL = granted("system", EVERYTHING)
#: Access tokens remembered.
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Proof:
    """For whom one credential speaks."""

    organization: str
    #: Client id; "" for the organization as a whole.
    client: str = ""
    role: str = "system"
    scopes: tuple[Scope, ...] = ALL


@dataclass(slots=True)
class Credentials:
    """Judges credentials; remembers the access tokens it has verified."""

    #: Own key of access tokens, and the address tokens are issued by and for.
    key: bytes
    base_url: str
    issuers: Mapping[str, Issuer]
    key_sets: KeySets
    #: Clients an operator has revoked.
    revoked: Callable[[], frozenset[str]]
    _verified: dict[bytes, tuple[Grant, str]] = field(default_factory=dict)

    def prepare(self) -> None:
        """Have the issuers' keys fetched, so that the first token finds them; on the event loop."""
        for issuer in self.issuers.values():
            self.key_sets.present(issuer.jwks_url, "")

    def certificate(self, region: Region, digest: str) -> Proof | None:
        """Return for whom a client certificate (SHA-256, hexadecimal) speaks."""
        return self._registered(region, digest, "certificate_sha256")

    def token(self, region: Region, token: str, certificate: str, now: Instant) -> Proof | None:
        """Return for whom a bearer token speaks: a registered one, or an access token."""
        digest = hashlib.sha256(token.encode("latin-1", "replace"))
        known = self._registered(region, digest.hexdigest(), "token_sha256")
        return known or self.access_token(region, token, certificate, now)

    def access_token(
        self, region: Region, token: str, certificate: str, now: Instant
    ) -> Proof | None:
        """Return for whom an access token speaks; None for one that does not hold, or not here."""
        digest = hashlib.sha256(token.encode("latin-1", "replace")).digest()
        known = self._verified.get(digest)
        if known is None or known[0].expires <= now:
            self._verified.pop(digest, None)
            known = self._verify(token, now)
            if known is None:
                return None
            self._remember(digest, known)
        grant, issuer = known
        if not access_token.is_usable_with(grant, certificate):
            return None
        return self._of_issuer(region, grant, issuer) if issuer else self._own(region, grant)

    def _verify(self, token: str, now: Instant) -> tuple[Grant, str] | None:
        stated = access_token.issuer_of(token)
        try:
            if stated == self.base_url:
                own = access_token.read_own(token, self.key, issuer=self.base_url, now=now)
                return own, ""
            issuer = self.issuers.get(stated)
            if issuer is None:
                return None
            keys = self.key_sets.present(issuer.jwks_url, access_token.key_of(token))
            if keys is None:
                return None
            grant = access_token.read_foreign(
                token,
                keys,
                issuer=issuer.url,
                audience=issuer.audience or self.base_url,
                organization_claim=issuer.organization_claim,
                now=now,
            )
        except NotPermitted:
            return None
        return grant, issuer.url

    def _own(self, region: Region, grant: Grant) -> Proof | None:
        """What was granted, cut down to what the client may have by now."""
        client = region.clients.get(grant.client)
        if (
            client is None
            or client.id in self.revoked()
            or client.organization != grant.organization
        ):
            return None
        scopes = narrowed(grant.scopes, granted(client.role, client.scopes))
        return Proof(client.organization, client.id, client.role, scopes)

    def _of_issuer(self, region: Region, grant: Grant, name: str) -> Proof | None:
        issuer = self.issuers[name]
        named = [
            one.id
            for one in region.organizations.values()
            if grant.organization and grant.organization in (one.id, *one.identities())
        ]
        if len(named) != 1:
            return None
        stated = [
            Scope("system", one.type, one.letters, one.query)
            for one in grant.scopes
            if one.context != "patient"
        ]
        scopes = narrowed(limited(issuer.role, stated), granted(issuer.role, issuer.scopes))
        return Proof(named[0], grant.client, issuer.role, scopes)

    def _registered(self, region: Region, digest: str, kind: str) -> Proof | None:
        for organization in region.organizations.values():
            if digest in getattr(organization, kind):
                return Proof(organization.id)
        for client in region.clients.values():
            if digest in getattr(client, kind):
                if client.id in self.revoked():
                    return None
                scopes = granted(client.role, client.scopes)
                return Proof(client.organization, client.id, client.role, scopes)
        return None

    def _remember(self, digest: bytes, known: tuple[Grant, str]) -> None:
        if len(self._verified) >= _REMEMBERED:
            self._verified.pop(next(iter(self._verified)))
        self._verified[digest] = known


def agreed(proofs: Sequence[Proof | None]) -> Proof | None:
    """Return for whom all credentials together speak; None unless every one holds for the same.

    A client beside its organization's certificate is that client, with its narrower scopes.
    """
    held = [proof for proof in proofs if proof is not None]
    if not held or len(held) != len(proofs) or len({proof.organization for proof in held}) != 1:
        return None
    clients = {proof.client: proof for proof in held if proof.client}
    if len(clients) > 1:
        return None
    return next(iter(clients.values()), held[0])
