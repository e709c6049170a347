"""The answer in the form the caller wants: JSON or XML, pretty, a part of the elements.

https://hl7.org/fhir/R4/http.html#mime-type, https://hl7.org/fhir/R4/search.html#summary. Handlers
answer JSON; what wants nothing else goes out as they wrote it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.api.media import JSON, XML, wanted
from gateway.pipeline.documents import load
from profiles.issue import NotConformant
from profiles.reading import write_json
from profiles.reading.fhir_xml_writer import write_fhir_xml

Handler = Callable[[Request], Awaitable[Response]]
ErrorHandler = Callable[[Request, Exception], Awaitable[Response]]


def shaped(handler: Handler) -> Handler:
    """Return a handler whose answers have the form the caller wants."""

    async def shaping(request: Request) -> Response:
        return shape(request, await handler(request))

    return shaping


def shaped_error(handler: ErrorHandler) -> ErrorHandler:
    """Return an error handler whose answers have the form the caller wants, if there is one."""

    async def shaping(request: Request, error: Exception) -> Response:
        return shape(request, await handler(request, error))

    return shaping


def shape(request: Request, response: Response) -> Response:
    """Give a FHIR answer its form; others stay as they are."""
    if response.media_type != JSON or not response.body:
        return response
    try:
        form = wanted(request)
    except HTTPException:
        form = JSON
    pretty = request.query_params.get("_pretty") == "true"
    if form == JSON and not pretty:
        return response
    return _written(load(bytes(response.body)), response, form, pretty=pretty)


def _written(resource: dict[str, Any], response: Response, form: str, *, pretty: bool) -> Response:
    if form == XML:
        try:
            body = write_fhir_xml(resource, pretty=pretty)
        except NotConformant:
            # A former version from before a rule was kept: JSON is better than nothing.
            return response
    else:
        body = write_json(resource, pretty=pretty)
    made = Response(body, response.status_code, media_type=form)
    for name, value in response.headers.items():
        if name not in ("content-type", "content-length"):
            made.headers[name] = value
    return made
