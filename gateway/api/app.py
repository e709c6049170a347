"""The application: every address, once."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route

from gateway.api import health, inbound, openapi, outcome, smart, token
from gateway.api.auth import FailedLogins
from gateway.api.context import Context
from gateway.api.credentials import Credentials
from gateway.api.limits import Bounded, Held
from gateway.api.metrics import Counted, Metrics
from gateway.api.ports import Gateway
from gateway.api.routes import browsers, fhir_routes
from gateway.api.shaped import shaped_error
from gateway.endpoints.key_sets import KeySets
from profiles.issue import GatewayError

#: Every address the gateway serves; HEAD comes with GET.
ROUTES = (
    Route("/fhir/.well-known/smart-configuration", smart.configuration, methods=["GET"]),
    Route(token.PATH, token.token, methods=["POST"]),
    *fhir_routes(),
    Route("/inbound/{endpoint}", inbound.inbound, methods=["POST"]),
    Route("/openapi.json", openapi.document, methods=["GET"]),
    Route("/health/live", health.live, methods=["GET"]),
    Route("/health/ready", health.ready, methods=["GET"]),
    Route("/metrics", health.metrics, methods=["GET"]),
)

#: Bytes from which an answer is compressed for who takes gzip, and how hard.
_WORTH = 1_400
_LEVEL = 4


def create_app(gateway: Gateway) -> Starlette:
    """Make the ASGI application of one gateway."""
    metrics = Metrics()
    options = gateway.options
    app = Starlette(
        routes=list(ROUTES),
        middleware=[
            *browsers(options),
            Middleware(GZipMiddleware, minimum_size=_WORTH, compresslevel=_LEVEL),
            Middleware(Counted, metrics=metrics),
            Middleware(Bounded, seconds=options.request_timeout, at_once=options.concurrency),
        ],
        exception_handlers={
            HTTPException: shaped_error(outcome.on_http_exception),
            GatewayError: shaped_error(outcome.on_gateway_error),
        },
    )
    app.router.redirect_slashes = False
    credentials = Credentials(
        key=options.token_key,
        base_url=options.base_url,
        issuers={issuer.url: issuer for issuer in options.issuers},
        key_sets=KeySets(),
        revoked=gateway.revoked,
    )
    app.state.context = Context(
        gateway, FailedLogins(options.failed_logins), Held(options.held), credentials
    )
    app.state.metrics = metrics
    return app
