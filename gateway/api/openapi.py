"""The OpenAPI document of everything that is served, `GET /openapi.json`.

https://spec.openapis.org/oas/v3.1.0. Made from the routes; what is done where FHIR defines it, the
CapabilityStatement says more exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.api.context import Context
from gateway.api.export_files import NDJSON
from gateway.api.media import JSON, XML
from gateway.api.types import resource_types

VERSION = "3.1.0"
_PARAMETER = re.compile(r"\{(\w+)\}")
_FORM = "application/x-www-form-urlencoded"
_ER7 = "x-application/hl7-v2+er7"
_PLAIN = "application/json"

#: Schema of each part of an address that varies.
_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "id": {"type": "string", "pattern": r"^[A-Za-z0-9\-.]{1,64}$"},
    "version": {"type": "string", "pattern": r"^[1-9][0-9]{0,8}$"},
    "job": {"type": "string", "pattern": r"^[A-Za-z0-9_\-]{1,64}$"},
}
_NAME: Mapping[str, Any] = {"type": "string", "pattern": r"^[A-Za-z0-9\-.]{1,64}$"}
#: Media types of bodies, by address and method; others below /fhir are FHIR.
_BODIES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("/auth/token", "POST"): (_FORM,),
    ("/inbound/{endpoint}", "POST"): (_ER7, JSON, XML),
    ("/fhir/${operation}", "POST"): (JSON, _ER7, "text/plain"),
}
_PATCHES = ("application/json-patch+json", "application/xml-patch+xml", JSON)
#: Media types of answers, by address; others below /fhir are FHIR.
_ANSWERS: Mapping[str, tuple[str, ...]] = {
    "/openapi.json": (_PLAIN,),
    "/auth/token": (_PLAIN, JSON),
    "/fhir/.well-known/smart-configuration": (_PLAIN, JSON),
    "/fhir/$export-status/{job}": (_PLAIN, JSON),
    "/fhir/$export-file/{job}/{type}": (NDJSON, JSON),
    "/inbound/{endpoint}": (_ER7, JSON),
    "/health/live": (_PLAIN,),
    "/health/ready": (_PLAIN, JSON),
    "/metrics": ("text/plain", JSON),
}


async def document(request: Request) -> Response:
    """`GET /openapi.json`; open to everybody, as the CapabilityStatement is."""
    options = Context.of(request).gateway.options
    routes = [one for one in request.app.routes if isinstance(one, Route)]
    return JSONResponse(describe(routes, title=options.name, version=options.version))


def describe(routes: Iterable[Route], *, title: str, version: str) -> dict[str, Any]:
    """Write the document of some routes."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        methods = sorted((route.methods or set()) - {"HEAD"})
        paths[route.path] = {method.lower(): _operation(route.path, method) for method in methods}
    return {
        "openapi": VERSION,
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "certificate": {"type": "mutualTLS"},
            }
        },
        "security": [{"bearer": []}, {"certificate": []}],
    }


def _operation(path: str, method: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": f"{method} {path}",
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": _schema(name)}
            for name in _PARAMETER.findall(path)
        ],
        "responses": {
            "default": {
                "description": "The answer; faults below /fhir and /inbound are OperationOutcomes.",
                "content": {media: _content(media) for media in _answers(path)},
            }
        },
    }
    if method in ("POST", "PUT", "PATCH"):
        bodies = _PATCHES if method == "PATCH" else _BODIES.get((path, method), _fhir(path))
        made["requestBody"] = {"content": {media: _content(media) for media in bodies}}
    return made


def _schema(name: str) -> Mapping[str, Any]:
    if name == "type":
        return {"type": "string", "enum": list(resource_types())}
    return _SCHEMAS.get(name, _NAME)


def _fhir(path: str) -> tuple[str, ...]:
    return (_FORM,) if path.endswith("/_search") else (JSON, XML)


def _answers(path: str) -> tuple[str, ...]:
    return _ANSWERS.get(path, (JSON, XML))


def _content(media: str) -> dict[str, Any]:
    """A resource where it is one; no schema where the content has a grammar of its own."""
    if media in (_PLAIN, _FORM):
        return {"schema": {"type": "object"}}
    if media == JSON:
        return {"schema": {"type": "object", "required": ["resourceType"]}}
    return {"schema": {"type": "string"}}
