"""FHIR read and vread interactions.

https://hl7.org/fhir/R4/http.html#read, https://hl7.org/fhir/R4/http.html#vread.
A hidden resource and a missing one give the same bytes.
"""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from gateway.api import binary, outcome
from gateway.api.access import Seen, caller_of, visible
from gateway.api.context import Context, request_id
from gateway.api.ports import Stored
from gateway.api.versions import headers_of, is_unmodified
from gateway.evidence import audit_event
from gateway.evidence.event_class import EventClass
from profiles.reading import write_json

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_VERSION = re.compile(r"[1-9]\d{0,8}")
_TYPE = re.compile(r"[A-Z][A-Za-z]{1,63}")


async def read(request: Request) -> Response:
    """`GET /fhir/{type}/{id}`: the present version."""
    return await _read(request, version=0)


async def vread(request: Request) -> Response:
    """`GET /fhir/{type}/{id}/_history/{version}`: one version."""
    version = request.path_params["version"]
    return await _read(request, version=int(version) if _VERSION.fullmatch(version) else -1)


async def _read(request: Request, *, version: int) -> Response:
    context = Context.of(request)
    identity = context.identify(request)
    stored = await _find(context, request, version)
    found = [stored] if stored is not None else []
    seen = await visible(context.gateway, identity, found, channel="read")
    result = audit_event.SUCCESS
    if not seen:
        result = audit_event.Result(audit_event.Outcome.MINOR_FAILURE, "not-found")
    event = audit_event.read(
        context.gateway.stamp(),
        caller=caller_of(identity, request_id(request)),
        target=_target(request, version),
        patient=stored.patient_id if stored is not None else "",
        interaction="vread" if version else "read",
        result=result,
    )
    await context.gateway.audit([(EventClass.READ, event)])
    return _answer(request, seen[0]) if seen else outcome.answer(404)


async def _find(context: Context, request: Request, version: int) -> Stored | None:
    type_, id_ = request.path_params["type"], request.path_params["id"]
    if version < 0 or not _TYPE.fullmatch(type_) or not _ID.fullmatch(id_):
        return None
    return await context.gateway.find(type_, id_, version)


def _target(request: Request, version: int) -> str:
    """What was asked for, unless it is no FHIR id at all."""
    type_, id_ = request.path_params["type"], request.path_params["id"]
    if not _TYPE.fullmatch(type_) or not _ID.fullmatch(id_):
        return "unknown"
    return f"{type_}/{id_}/_history/{version}" if version > 0 else f"{type_}/{id_}"


def _answer(request: Request, seen: Seen) -> Response:
    stored = seen.stored
    headers = headers_of(stored)
    if stored.deleted:
        return outcome.answer(410, headers=headers)
    if is_unmodified(request, stored):
        return Response(status_code=304, headers=headers)
    if stored.type == binary.TYPE and binary.wants_content(request):
        return binary.unwrapped(request, seen.resource, headers)
    return Response(write_json(seen.resource), media_type=outcome.JSON, headers=headers)
