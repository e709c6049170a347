"""FHIR delete interaction, conditional as well; the history stays.

https://hl7.org/fhir/R4/http.html#delete. What is already deleted is deleted again without a new
version. A hidden resource and a missing one give the same bytes.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from gateway.api import outcome
from gateway.api.writing import Call, conditional
from gateway.pipeline.rest.asked import Act, Done, Method
from profiles.issue import GatewayError


async def delete(request: Request) -> Response:
    """`DELETE /fhir/{type}/{id}`."""
    call = Call.of(request)
    act = Act(Method.DELETE, call.type(Method.DELETE), call.id(), version=call.if_match())
    performed = await call.perform([act])
    return _answer(performed.done[0])


async def conditional_delete(request: Request) -> Response:
    """`DELETE /fhir/{type}?…`: the one resource of the caller's that meets it, if there is one."""
    call = Call.of(request)
    type_ = call.type(Method.DELETE)
    try:
        criteria = conditional(type_, request.url.query)
    except GatewayError as error:
        return await call.refuse(Method.DELETE, type_, 400, error.issues)
    performed = await call.perform([Act(Method.DELETE, type_, "", criteria=criteria)])
    return _answer(performed.done[0])


def _answer(done: Done) -> Response:
    if done.status >= 400:
        return outcome.answer(done.status, done.issues)
    headers = {"ETag": f'W/"{done.version}"'} if done.version else {}
    return Response(status_code=204, headers=headers)
