"""The answer in the form the caller wants: JSON or XML, pretty, a part of the elements.

https://hl7.org/fhir/R4/http.html#mime-type, https://hl7.org/fhir/R4/search.html#summary. Handlers
answer JSON; what wants nothing else goes out as they wrote it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.api.elements import cut_of
from gateway.api.media import JSON, XML, wanted
from gateway.pipeline.documents import load
from profiles.issue import NotConformant
from profiles.reading import write_json
from profiles.reading.fhir_xml_writer import write_fhir_xml

#: Where a search by POST leaves its parameters in `request.state`.
FORM = "form"

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
    cut = cut_of(_asked(request))
    if form == JSON and not pretty and cut is None:
        return response
    resource = load(bytes(response.body))
    shown = resource if cut is None else cut(resource)
    return _written(shown, response, form, pretty=pretty)


def _asked(request: Request) -> Mapping[str, str]:
    """Return what is asked of an answer that shows resources; a search by POST left its form."""
    if request.method in ("GET", "HEAD"):
        return request.query_params
    form: Mapping[str, str] = getattr(request.state, FORM, {})
    return form


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
