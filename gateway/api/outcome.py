"""OperationOutcome answers: the one place where the HTTP interface renders errors.

https://hl7.org/fhir/R4/http.html#status-codes, https://hl7.org/fhir/R4/operationoutcome.html.
Texts are fixed; nothing of the request is repeated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import uuid4

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.domain.log import log
from gateway.errors import rendering
from profiles.issue import GatewayError, Issue, operation_outcome
from profiles.reading import write_json

JSON = "application/fhir+json"
#: Seconds after which a caller may try again what was not possible now.
RETRY_AFTER = "5"

#: HTTP status → issue type and fixed sentence, for answers without an exception of ours.
STATUS: dict[int, tuple[str, str]] = {
    400: ("structure", "The request is not well-formed."),
    401: ("login", "Say who you are: a bearer token or a client certificate of this region."),
    403: ("forbidden", "This caller may not do this."),
    404: ("not-found", "There is no such resource here."),
    405: ("not-supported", "This address does not take this method."),
    406: (
        "not-supported",
        "This interface answers FHIR 4.0 as JSON or XML.",
    ),
    408: ("timeout", "The request did not arrive in time."),
    409: ("conflict", "The resource was changed by somebody else at the same time."),
    410: ("deleted", "The resource is deleted."),
    412: ("conflict", "A condition of the request does not hold."),
    413: ("too-costly", "The body is larger than this gateway takes."),
    415: ("not-supported", "This address does not take this content type."),
    422: ("processing", "The content cannot be processed."),
    429: ("throttled", "Too many failed attempts; wait before the next."),
    500: ("exception", "Something unexpected happened here."),
    503: ("transient", "The gateway cannot take this now; try again."),
    504: ("timeout", "The request took too long."),
}


def answer(
    status: int, issues: Sequence[Issue] = (), *, headers: Mapping[str, str] | None = None
) -> Response:
    """Make an OperationOutcome response; without issues the status speaks for itself."""
    code, sentence = STATUS.get(status, STATUS[500])
    stated = tuple(issues) or (Issue("error", code, sentence),)
    sent = dict(headers or {})
    if status in (429, 503):
        sent.setdefault("Retry-After", RETRY_AFTER)
    return Response(
        write_json(operation_outcome(stated)), status_code=status, headers=sent, media_type=JSON
    )


def at(place: str, issue: Issue) -> Issue:
    """Return an issue that says where it belongs: an entry of a Bundle."""
    return replace(issue, location=place)


def note(sentence: str) -> Issue:
    """Make the issue of something that went well."""
    return Issue("information", "informational", sentence)


def accepted(status: int, sentence: str, issues: Sequence[Issue] = ()) -> Response:
    """Make the OperationOutcome of something that was done."""
    return answer(status, (Issue("information", "informational", sentence), *issues))


async def on_gateway_error(_request: Request, error: Exception) -> Response:
    """Render an error of the gateway's own tree."""
    if not isinstance(error, GatewayError):
        return unexpected(error)
    return answer(rendering(error).http, error.issues)


async def on_http_exception(_request: Request, error: Exception) -> Response:
    """Render what routing refuses (404, 405) and what handlers raise as HTTPException."""
    if not isinstance(error, HTTPException):
        return unexpected(error)
    return answer(error.status_code, headers=error.headers)


def unexpected(error: Exception) -> Response:
    """Render a fault of ours: an id leads from the answer to the log line, nothing else does."""
    number = str(uuid4())
    log("api").error("request_failed", error_id=number, error=type(error).__name__)
    return answer(500, (Issue("fatal", "exception", f"{STATUS[500][1]} Error {number}"),))
