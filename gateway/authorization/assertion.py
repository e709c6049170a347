"""Client assertions: how a client proves itself at the token endpoint.

https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html, RFC 7523. What speaks
against an assertion is never told in detail: the answer is `invalid_client`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from gateway.authorization.claims import is_time
from gateway.authorization.keys import ALGORITHMS
from gateway.domain.time import SECOND, Instant
from profiles.issue import GatewayError, NotPermitted
from profiles.reading import read_json

#: Seconds an assertion may live at most (SMART 2.2: five minutes), and clocks may differ.
LIFETIME, LEEWAY = 300, 60
#: Characters; a key and its claims stay far below.
LONGEST = 8_000
#: Header members that are understood; `crit` and embedded keys are not.
_HEADER = frozenset({"alg", "typ", "kid", "jku"})


@dataclass(frozen=True, slots=True)
class Claimed:
    """What an assertion says before anything is proved."""

    #: Client id.
    client: str
    algorithm: str
    key: str
    #: Address of the key set, where the header names one.
    key_set: str


@dataclass(frozen=True, slots=True)
class Proved:
    """A verified assertion."""

    client: str
    #: Its single use has to be noted until `until`.
    jti: str
    until: Instant


def claimed(assertion: str) -> Claimed:
    """Read who an assertion claims to be from. Raises NotPermitted for what none can look like."""
    if len(assertion) > LONGEST or assertion.count(".") != 2:
        raise _refused()
    try:
        opened = jws.extract_compact(assertion.encode("ascii"))
        claims = read_json(opened.payload)
    except (JoseError, GatewayError, ValueError) as error:
        raise _refused() from error
    header = opened.headers()
    if not isinstance(claims, dict) or not header.keys() <= _HEADER:
        raise _refused()
    names = (claims.get("iss"), header.get("alg"), header.get("kid"), header.get("jku", ""))
    if not all(isinstance(name, str) for name in names) or header["alg"] not in ALGORITHMS:
        raise _refused()
    return Claimed(*(str(name) for name in names))


def verify(assertion: str, stated: Claimed, keys: KeySet, *, audience: str, now: Instant) -> Proved:
    """Verify signature and claims with the client's own keys. Raises NotPermitted."""
    member = next((key for key in keys.keys if key.kid == stated.key), None)
    if member is None or member.key_type != ALGORITHMS[stated.algorithm]:
        raise _refused()
    try:
        claims = jwt.decode(assertion, member, algorithms=[stated.algorithm]).claims
    except (JoseError, ValueError) as error:
        raise _refused() from error
    second = now // SECOND
    if claims.get("iss") != stated.client or claims.get("sub") != stated.client:
        raise _refused()
    if not _for(claims.get("aud"), audience) or not _in_time(claims, second):
        raise _refused()
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= 255:
        raise _refused()
    return Proved(stated.client, jti, (int(claims["exp"]) + LEEWAY) * SECOND)


def _for(stated: Any, audience: str) -> bool:
    return stated == audience or (isinstance(stated, list) and stated == [audience])


def _in_time(claims: dict[str, Any], second: int) -> bool:
    expires, issued, begins = (claims.get(name) for name in ("exp", "iat", "nbf"))
    if not is_time(expires) or not second - LEEWAY < expires <= second + LIFETIME + LEEWAY:
        return False
    return all(one is None or (is_time(one) and one <= second + LEEWAY) for one in (issued, begins))


def _refused() -> NotPermitted:
    return NotPermitted("The client could not be authenticated.")
