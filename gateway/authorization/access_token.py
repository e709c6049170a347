"""Access tokens: those this gateway issues, and those of identity providers a region trusts.

RFC 9068 (JWT profile of access tokens), RFC 8705 section 3.1 (bound to a client certificate). Own
tokens carry a MAC under a key all processes of the gateway derive from the region's key: nobody
else has to verify them.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey

from gateway.authorization.claims import is_time
from gateway.authorization.scopes import Scope, read_scopes, write_scopes
from gateway.domain.time import SECOND, Instant
from profiles.issue import GatewayError, NotPermitted
from profiles.reading import read_json

#: Seconds clocks may differ.
LEEWAY = 60
#: Characters of a token that is looked at.
LONGEST = 8_000
_OWN = "HS256"
#: Algorithms of identity providers, with the key type each needs.
FOREIGN = {
    "RS256": "RSA",
    "RS384": "RSA",
    "RS512": "RSA",
    "PS256": "RSA",
    "PS384": "RSA",
    "PS512": "RSA",
    "ES256": "EC",
    "ES384": "EC",
    "ES512": "EC",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What an access token says."""

    #: Client id; "" where an identity provider names none.
    client: str
    #: Organization id, or what an identity provider says instead of it.
    organization: str
    scopes: tuple[Scope, ...]
    expires: Instant
    #: Thumbprint (RFC 8705: base64url of SHA-256) of the certificate it is bound to; "" for none.
    thumbprint: str = ""


def issue(key: bytes, grant: Grant, *, issuer: str, number: str, now: Instant) -> str:
    """Write an access token of this gateway; `number` becomes its `jti`."""
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": issuer,
        "sub": grant.client,
        "client_id": grant.client,
        "org": grant.organization,
        "scope": write_scopes(grant.scopes),
        "iat": now // SECOND,
        "exp": grant.expires // SECOND,
        "jti": number,
    }
    if grant.thumbprint:
        claims["cnf"] = {"x5t#S256": grant.thumbprint}
    return jwt.encode({"alg": _OWN, "typ": "at+jwt"}, claims, OctKey.import_key(key))


def issuer_of(token: str) -> str:
    """Return who a token claims to be from, "" for what is no signed token at all."""
    if len(token) > LONGEST or token.count(".") != 2:
        return ""
    try:
        claims = read_json(jws.extract_compact(token.encode("ascii")).payload)
    except (JoseError, GatewayError, ValueError):
        return ""
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    return issuer if isinstance(issuer, str) else ""


def read_own(token: str, key: bytes, *, issuer: str, now: Instant) -> Grant:
    """Verify a token of this gateway. Raises NotPermitted."""
    claims = _verified(token, OctKey.import_key(key), [_OWN])
    if claims.get("iss") != issuer or claims.get("aud") != issuer:
        raise _refused()
    return _grant(claims, str(claims.get("client_id", "")), str(claims.get("org", "")), now, 0)


def key_of(token: str) -> str:
    """Return the `kid` a token names, "" for none. Raises NotPermitted for what is no token."""
    try:
        kid = jws.extract_compact(token.encode("ascii")).headers().get("kid", "")
    except (JoseError, ValueError) as error:
        raise _refused() from error
    return kid if isinstance(kid, str) else ""


def read_foreign(
    token: str,
    keys: KeySet,
    *,
    issuer: str,
    audience: str,
    organization_claim: str,
    now: Instant,
) -> Grant:
    """Verify a token of an identity provider. Raises NotPermitted."""
    name = key_of(token)
    member = next((key for key in keys.keys if key.kid == name), None)
    if member is None:
        raise _refused()
    allowed = [one for one, kind in FOREIGN.items() if kind == member.key_type]
    claims = _verified(token, member, allowed)
    stated = claims.get("aud")
    if claims.get("iss") != issuer or audience not in (
        stated if isinstance(stated, list) else [stated]
    ):
        raise _refused()
    client = claims.get("client_id", claims.get("azp", ""))
    organization = claims.get(organization_claim, "")
    if not isinstance(client, str) or not isinstance(organization, str):
        raise _refused()
    return _grant(claims, client, organization, now, LEEWAY)


def _verified(token: str, key: Any, algorithms: list[str]) -> dict[str, Any]:
    try:
        return dict(jwt.decode(token, key, algorithms=algorithms).claims)
    except (JoseError, ValueError, TypeError) as error:
        raise _refused() from error


def _grant(
    claims: Mapping[str, Any], client: str, organization: str, now: Instant, leeway: int
) -> Grant:
    expires, begins = claims.get("exp"), claims.get("nbf", 0)
    second = now // SECOND
    if not is_time(expires) or not is_time(begins):
        raise _refused()
    if expires + leeway <= second or begins > second + LEEWAY:
        raise _refused()
    scope = claims.get("scope", "")
    bound = claims.get("cnf", {})
    if not isinstance(scope, str) or not isinstance(bound, dict):
        raise _refused()
    return Grant(
        client=client,
        organization=organization,
        scopes=read_scopes(scope),
        expires=int(expires + leeway) * SECOND,
        thumbprint=_binding(bound),
    )


def _binding(bound: Mapping[str, Any]) -> str:
    """The certificate a token is bound to; a binding that is not understood binds to nobody."""
    if not bound:
        return ""
    stated = bound.get("x5t#S256")
    return stated if isinstance(stated, str) and stated else "unknown"


def is_usable_with(grant: Grant, certificate: str) -> bool:
    """Whether a token may be used with a certificate (SHA-256 hex, "" for none)."""
    return not grant.thumbprint or (
        bool(certificate) and grant.thumbprint == thumbprint(certificate)
    )


def thumbprint(certificate: str) -> str:
    """Write a certificate's SHA-256 (hex) as RFC 8705 does (base64url)."""
    return urlsafe_b64encode(bytes.fromhex(certificate)).rstrip(b"=").decode()


def _refused() -> NotPermitted:
    return NotPermitted("The access token is not accepted.")
