"""`POST /inbound/{endpoint}`: HL7 v2 messages, FHIR Bundles and documents over HTTP.

Answers after the commit: HL7 v2 with its acknowledgement, FHIR with an OperationOutcome; the status
follows `gateway.errors`. HL7 v2 over HTTP: HAPI's `x-application/hl7-v2+er7` content type.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.api import outcome
from gateway.api.access import caller_of
from gateway.api.auth import Identity
from gateway.api.context import Context
from gateway.api.limits import read_body
from gateway.api.ports import Posted, Taken
from gateway.domain.region import Endpoint
from gateway.evidence import audit_event
from gateway.evidence.event_class import EventClass
from profiles.issue import Issue

ER7 = "x-application/hl7-v2+er7"
#: Content type → format.
FORMATS: dict[str, str] = {
    ER7: "hl7v2",
    "application/fhir+json": "fhir_r4",
    "application/json": "fhir_r4",
    "application/fhir+xml": "fhir_r4",
    "application/xml": "fhir_r4",
    "text/xml": "fhir_r4",
}
#: Connection types that this address serves.
CONNECTION_TYPES = frozenset({"http-inbound", "hl7-fhir-rest"})
#: Parts two acknowledgements of one answer (accept, then application) as frames do on MLLP.
_FRAME_BREAK = b"\x1c\r\x0b"
_KEY_LENGTH = 200


async def inbound(request: Request) -> Response:
    """Take one message or Bundle in."""
    context = Context.of(request)
    identity = context.identify_any(request)
    endpoint = _endpoint(context, request, identity)
    if endpoint is None:
        await _record_refusal(context, identity)
        raise HTTPException(403)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in FORMATS:
        raise HTTPException(415)
    options = context.gateway.options
    limit = min(endpoint.max_bytes, options.max_body)
    with context.held.room() as take:
        posted = Posted(
            endpoint=endpoint.id,
            organization=endpoint.organization,
            peer=identity.peer,
            certificate=identity.certificate,
            format=FORMATS[content_type],
            data=await read_body(request, limit, options.body_timeout, take),
            key=request.headers.get("idempotency-key", "")[:_KEY_LENGTH],
        )
        taken = await context.gateway.receive(posted)
    return _hl7v2(taken) if posted.format == "hl7v2" else _fhir(taken)


def _endpoint(context: Context, request: Request, identity: Identity) -> Endpoint | None:
    """Find the endpoint; one of another organization is refused like one that does not exist."""
    endpoint = context.gateway.region().endpoints.get(request.path_params["endpoint"])
    if (
        endpoint is None
        or endpoint.direction != "in"
        or endpoint.connection_type not in CONNECTION_TYPES
        or not _may_use(context, identity, endpoint)
    ):
        return None
    return endpoint


async def _record_refusal(context: Context, identity: Identity) -> None:
    event = audit_event.received(
        context.gateway.stamp(),
        message=audit_event.MessageFacts("", ""),
        sender=caller_of(identity).client,
        result=audit_event.Result(audit_event.Outcome.SERIOUS_FAILURE, "forbidden"),
    )
    await context.gateway.audit([(EventClass.RECEIVED, event)])


def _may_use(context: Context, identity: Identity, endpoint: Endpoint) -> bool:
    if context.gateway.options.authentication == "none" and not identity.organization:
        return True
    return identity.organization == endpoint.organization


def _hl7v2(taken: Taken) -> Response:
    """The application acknowledgement stands last; without one the OperationOutcome says why."""
    if not taken.answer and taken.status >= 400:
        return outcome.answer(taken.status, taken.issues)
    last = taken.answer.rpartition(_FRAME_BREAK)[2]
    return Response(last, status_code=taken.status, media_type=ER7)


def _fhir(taken: Taken) -> Response:
    if taken.status >= 400:
        status = 413 if any(one.code == "too-costly" for one in taken.issues) else taken.status
        return outcome.answer(status, taken.issues)
    sentence = "Stored." if taken.status == 200 else "Stored; it is processed later."
    notes = tuple(
        Issue(
            "warning" if one.severity == "error" else one.severity, one.code, one.text, one.location
        )
        for one in taken.issues
    )
    return outcome.accepted(taken.status, sentence, notes)
