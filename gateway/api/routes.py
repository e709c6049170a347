"""The addresses below `/fhir`: what each method does at each (https://hl7.org/fhir/R4/http.html)."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.api import (
    audit_events,
    capability,
    create,
    delete,
    everything,
    export,
    export_files,
    history,
    operations,
    patch,
    read,
    search,
    transaction,
    update,
)
from gateway.api.ports import Options
from gateway.api.shaped import Handler, shaped

#: Headers of answers that scripts in a browser may read.
_EXPOSED = ("ETag", "Last-Modified", "Location", "Content-Location", "Retry-After")
#: Headers scripts may send besides those that are always allowed.
_ALLOWED = (
    "Authorization",
    "Content-Type",
    "If-Match",
    "If-None-Match",
    "If-Modified-Since",
    "If-None-Exist",
    "Prefer",
    "X-Request-Id",
)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
#: Seconds a browser remembers what it may do.
_REMEMBERED = 600


def fhir_routes() -> tuple[Route, ...]:
    """Return every FHIR address; HEAD comes with GET."""
    return (
        _at("/fhir/metadata", GET=capability.metadata),
        _at("/fhir", GET=search.search, POST=transaction.transaction),
        _at("/fhir/", GET=search.search, POST=transaction.transaction),
        _at("/fhir/_search", POST=search.search),
        _at("/fhir/_history", GET=history.history),
        _at("/fhir/$export", GET=export.begin, POST=export.begin),
        _at("/fhir/Patient/$export", GET=export.begin, POST=export.begin),
        _at("/fhir/Group/{group}/$export", GET=export.begin, POST=export.begin),
        _at("/fhir/$export-status/{job}", GET=export.status, DELETE=export.end),
        _at("/fhir/$export-file/{job}/{type}", GET=export_files.fetch),
        _at("/fhir/${operation}", GET=operations.call, POST=operations.call),
        _at("/fhir/{type}/${operation}", GET=operations.call, POST=operations.call),
        _at("/fhir/AuditEvent", GET=audit_events.search),
        _at("/fhir/AuditEvent/_search", POST=audit_events.search),
        _at("/fhir/AuditEvent/{id}", GET=audit_events.read),
        _at(
            "/fhir/{type}",
            GET=search.search,
            POST=create.create,
            PUT=update.conditional_update,
            PATCH=patch.conditional_patch,
            DELETE=delete.conditional_delete,
        ),
        # A trailing slash is common, and means the same.
        _at("/fhir/{type}/", GET=search.search, POST=create.create),
        _at("/fhir/{type}/_search", POST=search.search),
        _at("/fhir/{type}/_history", GET=history.history),
        _at(
            "/fhir/{type}/{id}",
            GET=read.read,
            PUT=update.update,
            PATCH=patch.patch,
            DELETE=delete.delete,
        ),
        _at("/fhir/{compartment}/{owner}/{type}/_search", POST=search.search_compartment),
        _at("/fhir/{type}/{id}/_history", GET=history.history),
        _at("/fhir/{type}/{id}/_history/{version}", GET=read.vread),
        _at("/fhir/{type}/{id}/$everything", GET=everything.everything),
        _at("/fhir/{compartment}/{owner}/{type}", GET=search.search_compartment),
    )


def browsers(options: Options) -> tuple[Middleware, ...]:
    """Return what lets scripts of other origins call (CORS), where the region wants that."""
    if not options.origins:
        return ()
    return (
        Middleware(
            CORSMiddleware,
            allow_origins=options.origins,
            allow_methods=_METHODS,
            allow_headers=_ALLOWED,
            expose_headers=_EXPOSED,
            max_age=_REMEMBERED,
        ),
    )


def _at(path: str, **handlers: Handler) -> Route:
    """Serve several methods at one address; others are answered 405 with all of these."""
    made = {method: shaped(handler) for method, handler in handlers.items()}
    if "GET" in made:
        made["HEAD"] = made["GET"]

    async def serve(request: Request) -> Response:
        if request.method not in made:
            raise HTTPException(405, headers={"Allow": ", ".join(made)})
        return await made[request.method](request)

    # All methods: what this address does not take is not to be looked for at another one.
    return Route(path, serve, methods=list(_METHODS))
