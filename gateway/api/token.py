"""The token endpoint: a signed assertion in, a short-lived access token out.

SMART Backend Services (https://hl7.org/fhir/smart-app-launch/backend-services.html), RFC 6749
section 4.4, RFC 7523, RFC 8705 section 3. Every refusal of a client is `invalid_client`, whatever
was wrong with it; every token and every refusal leaves an audit event.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl
from uuid import uuid4

from joserfc.jwk import KeySet
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.api.auth import CERTIFICATE
from gateway.api.context import Context
from gateway.api.limits import read_body
from gateway.authorization import access_token, assertion
from gateway.authorization.access_token import Grant
from gateway.authorization.assertion import Claimed, Proved
from gateway.authorization.keys import read_key_set
from gateway.authorization.roles import granted
from gateway.authorization.scopes import narrowed, read_scopes, write_scopes
from gateway.domain.client import Client
from gateway.domain.time import SECOND
from gateway.evidence import audit_event
from gateway.evidence.event_class import EventClass
from gateway.evidence.parts import Outcome, Party, Result
from profiles.issue import NotConformant, NotPermitted

#: Where it lies, below the root of the gateway's address.
PATH = "/auth/token"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_FORM = "application/x-www-form-urlencoded"
_FORM_LIMIT = 32_000
#: `Cache-Control: no-store` goes with every answer of the gateway (`limits`).
_NO_STORE = {"Pragma": "no-cache"}


def token_url(base_url: str) -> str:
    """Return the address of the token endpoint, which is the audience of assertions."""
    return base_url.removesuffix("/fhir") + PATH


async def token(request: Request) -> Response:
    """`POST /auth/token`: the client credentials grant."""
    context = Context.of(request)
    peer = request.client.host if request.client else ""
    if context.failed.blocked(peer, context.gateway.now()):
        raise HTTPException(429, headers={"Retry-After": "60"})
    form = await _form(request, context)
    if form.get("grant_type") != "client_credentials":
        return _error(400, "unsupported_grant_type")
    if form.get("client_assertion_type") != _ASSERTION or "client_assertion" not in form:
        return _error(400, "invalid_request")
    stated: Claimed | None = None
    try:
        stated = assertion.claimed(form["client_assertion"])
        client, proved = await _authenticate(context, form["client_assertion"], stated)
        thumbprint = _bound(context, request, client)
        # Last, so that a refused assertion can still be used where it belongs.
        await _use(context, proved)
    except NotPermitted:
        context.failed.add(peer, context.gateway.now())
        known = stated is not None and stated.client in context.gateway.region().clients
        await _record(context, stated.client if stated and known else "", "invalid_client")
        return _error(401, "invalid_client")
    return await _issue(context, client, form.get("scope", ""), thumbprint)


async def _form(request: Request, context: Context) -> Mapping[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise HTTPException(415)
    body = await read_body(request, _FORM_LIMIT, context.gateway.options.body_timeout)
    try:
        pairs = parse_qsl(body.decode("ascii"), max_num_fields=20)
    except ValueError:
        raise HTTPException(400) from None
    if len(dict(pairs)) != len(pairs):  # RFC 6749 section 3.2: no parameter stands twice
        raise HTTPException(400)
    return dict(pairs)


async def _authenticate(context: Context, signed: str, stated: Claimed) -> tuple[Client, Proved]:
    """Verify an assertion with the keys registered for its client. Raises NotPermitted."""
    gateway = context.gateway
    client = gateway.region().clients.get(stated.client)
    if client is None or not client.signs or client.id in gateway.revoked():
        raise NotPermitted
    if stated.key_set and stated.key_set != client.jwks_url:
        raise NotPermitted
    keys = await _keys(context, client, stated.key)
    audience = token_url(gateway.options.base_url)
    return client, assertion.verify(signed, stated, keys, audience=audience, now=gateway.now())


async def _use(context: Context, proved: Proved) -> None:
    """Use an assertion up. Raises NotPermitted for one that was used before."""
    if not await context.gateway.use_assertion(proved.client, proved.jti, proved.until):
        raise NotPermitted


async def _keys(context: Context, client: Client, kid: str) -> KeySet:
    if client.jwks_url:
        return await context.credentials.key_sets.fetched(client.jwks_url, kid)
    try:
        return read_key_set(client.jwks)
    except NotConformant as error:
        raise NotPermitted from error


def _bound(context: Context, request: Request, client: Client) -> str:
    """Return the thumbprint of the certificate shown, "" for none; it has to be the client's."""
    shown = str(request.scope.get("state", {}).get(CERTIFICATE, ""))
    if not shown:
        return ""
    owner = context.gateway.region().organizations.get(client.organization)
    known = (*client.certificate_sha256, *(owner.certificate_sha256 if owner else ()))
    if known and shown not in known:
        raise NotPermitted
    return access_token.thumbprint(shown)


async def _issue(context: Context, client: Client, asked: str, thumbprint: str) -> Response:
    gateway = context.gateway
    scopes = narrowed(read_scopes(asked), granted(client.role, client.scopes))
    if not scopes:
        await _record(context, client.id, "invalid_scope")
        return _error(400, "invalid_scope")
    options, now = gateway.options, gateway.now()
    grant = Grant(
        client=client.id,
        organization=client.organization,
        scopes=scopes,
        expires=now + int(options.token_lifetime * SECOND),
        thumbprint=thumbprint,
    )
    made = access_token.issue(
        options.token_key, grant, issuer=options.base_url, number=str(uuid4()), now=now
    )
    await _record(context, client.id, "")
    answer = {
        "access_token": made,
        "token_type": "Bearer",
        "expires_in": int(options.token_lifetime),
        "scope": write_scopes(scopes),
    }
    return JSONResponse(answer, headers=_NO_STORE)


async def _record(context: Context, client: str, refused: str) -> None:
    """Keep who asked for a token; an unknown client is not named, since anybody can write one."""
    event = audit_event.administrative(
        context.gateway.stamp(),
        act="token",
        actor=Party(value=f"client/{client}" if client else "unknown"),
        result=Result(Outcome.SERIOUS_FAILURE, refused) if refused else audit_event.SUCCESS,
    )
    await context.gateway.audit([(EventClass.ADMINISTRATIVE, event)])


def _error(status: int, code: str) -> Response:
    """RFC 6749 section 5.2."""
    return JSONResponse({"error": code}, status_code=status, headers=_NO_STORE)
