"""The application: every address, once."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from gateway.api import capability, health, inbound, outcome, read, search, smart, token
from gateway.api.auth import FailedLogins
from gateway.api.context import Context
from gateway.api.credentials import Credentials
from gateway.api.limits import Bounded, Held
from gateway.api.metrics import Counted, Metrics
from gateway.api.ports import Gateway
from gateway.endpoints.key_sets import KeySets
from profiles.issue import GatewayError

#: Every address the gateway serves; HEAD comes with GET.
ROUTES = (
    Route("/fhir/metadata", capability.metadata, methods=["GET"]),
    Route("/fhir/.well-known/smart-configuration", smart.configuration, methods=["GET"]),
    Route(token.PATH, token.token, methods=["POST"]),
    Route("/fhir", transaction.transaction, methods=["POST"]),
    Route("/fhir/", transaction.transaction, methods=["POST"]),
    Route("/fhir/_history", history.history, methods=["GET"]),
    Route("/fhir/{type}", search.search, methods=["GET"]),
    Route("/fhir/{type}", create.create, methods=["POST"]),
    Route("/fhir/{type}", update.conditional_update, methods=["PUT"]),
    Route("/fhir/{type}", patch.conditional_patch, methods=["PATCH"]),
    Route("/fhir/{type}", delete.conditional_delete, methods=["DELETE"]),
    Route("/fhir/{type}/_search", search.search, methods=["POST"]),
    Route("/fhir/{type}/_history", history.history, methods=["GET"]),
    Route("/fhir/{type}/{id}", read.read, methods=["GET"]),
    Route("/fhir/{type}/{id}", update.update, methods=["PUT"]),
    Route("/fhir/{type}/{id}", patch.patch, methods=["PATCH"]),
    Route("/fhir/{type}/{id}", delete.delete, methods=["DELETE"]),
    Route("/fhir/{type}/{id}/_history", history.history, methods=["GET"]),
    Route("/fhir/{type}/{id}/_history/{version}", read.vread, methods=["GET"]),
    Route("/inbound/{endpoint}", inbound.inbound, methods=["POST"]),
    Route("/health/live", health.live, methods=["GET"]),
    Route("/health/ready", health.ready, methods=["GET"]),
    Route("/metrics", health.metrics, methods=["GET"]),
)


def create_app(gateway: Gateway) -> Starlette:
    """Make the ASGI application of one gateway."""
    metrics = Metrics()
    options = gateway.options
    app = Starlette(
        routes=list(ROUTES),
        middleware=[
            Middleware(Counted, metrics=metrics),
            Middleware(Bounded, seconds=options.request_timeout, at_once=options.concurrency),
        ],
        exception_handlers={
            HTTPException: outcome.on_http_exception,
            GatewayError: outcome.on_gateway_error,
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
