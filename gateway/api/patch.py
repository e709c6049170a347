"""FHIR patch interaction: JSON Patch, XML Patch, FHIRPath Patch, merge patch; conditional too.

https://hl7.org/fhir/R4/http.html#patch. The patch is applied to the version that is present, in a
worker; the writer takes the outcome only while that version is still the present one.
"""

from __future__ import annotations

from dataclasses import replace

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.api import outcome
from gateway.api.limits import read_body
from gateway.api.media import is_xml
from gateway.api.writing import ROUNDS, Call, conditional
from gateway.pipeline.rest.asked import Act, Check, Done, Kind, Method
from profiles.issue import GatewayError

#: Content type → kind of patch; FHIR content is a FHIRPath patch.
_KINDS = {
    "application/json-patch+json": Kind.JSON_PATCH,
    "application/merge-patch+json": Kind.MERGE_PATCH,
    "application/json": Kind.ANY_PATCH,
    "application/xml-patch+xml": Kind.XML_PATCH,
}


async def patch(request: Request) -> Response:
    """`PATCH /fhir/{type}/{id}`."""
    call = Call.of(request)
    return await _patched(call, call.type(Method.PATCH), call.id(), "")


async def conditional_patch(request: Request) -> Response:
    """`PATCH /fhir/{type}?…`: the one resource of the caller's that meets it."""
    call = Call.of(request)
    type_ = call.type(Method.PATCH)
    try:
        criteria = conditional(type_, request.url.query)
    except GatewayError as error:
        return await call.refuse(Method.PATCH, type_, 400, error.issues)
    return await _patched(call, type_, "", criteria)


async def _patched(call: Call, type_: str, id_: str, criteria: str) -> Response:
    """Apply the patch to the present version until nobody else comes in between."""
    match = call.if_match()
    act = Act(Method.PATCH, type_, id_, criteria=criteria, version=match)
    options = call.context.gateway.options
    kind, xml = _kind(call.request)
    with call.context.held.room() as take:
        data = await read_body(call.request, options.max_body, options.body_timeout, take)
        asked = Check(
            kind=kind,
            data=data,
            xml=xml,
            type=type_,
            validation=options.validation,
            base=options.base_url,
        )
        for _ in range(ROUNDS):
            done = (await call.perform([act], look=True)).done[0]
            if done.status >= 400:
                return outcome.answer(done.status, done.issues)
            answer = await _attempt(call, act, asked, done)
            if answer is not None and (answer.status_code != 412 or match):
                return answer
    return await call.refuse(Method.PATCH, type_, 409, (), id_)


async def _attempt(call: Call, act: Act, asked: Check, present: Done) -> Response | None:
    """Patch one version; None where it is no longer there."""
    stored = await call.context.gateway.find(present.type, present.id, present.version)
    if stored is None:
        return None
    if stored.deleted:
        return await call.refuse(Method.PATCH, act.type, 410, (), stored.id)
    checked = await call.context.gateway.check(replace(asked, id=stored.id, current=stored.body))
    if checked.refused:
        return await call.refuse(Method.PATCH, act.type, checked.refused, checked.issues, stored.id)
    made = checked.acts[0]._replace(
        method=Method.PATCH, criteria=act.criteria, version=present.version
    )
    performed = await call.perform([made])
    return await call.answer(performed.done[0], checked.issues)


def _kind(request: Request) -> tuple[Kind, bool]:
    """Return the kind of patch, and whether a FHIRPath patch is XML. Raises HTTPException 415."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media in _KINDS:
        return _KINDS[media], media.endswith("+xml")
    try:
        return Kind.FHIRPATH_PATCH, is_xml(request)
    except HTTPException:
        raise HTTPException(415, headers={"Accept-Patch": ", ".join(_KINDS)}) from None
