"""FHIR update interaction, conditional as well.

https://hl7.org/fhir/R4/http.html#update, https://hl7.org/fhir/R4/http.html#cond-update.
"""

from __future__ import annotations

from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from gateway.api.writing import Call, conditional
from gateway.pipeline.rest.asked import Kind, Method
from profiles.issue import GatewayError


async def update(request: Request) -> Response:
    """`PUT /fhir/{type}/{id}`: a new version, or a new resource where the region allows that."""
    call = Call.of(request)
    type_, id_ = call.type(Method.PUT), call.id()
    checked = await call.check(Kind.RESOURCE, type=type_, id=id_, named=id_)
    if checked.refused:
        return await call.refuse(Method.PUT, type_, checked.refused, checked.issues, id_)
    act = checked.acts[0]._replace(method=Method.PUT, version=call.if_match())
    performed = await call.perform([act])
    return await call.answer(performed.done[0], checked.issues)


async def conditional_update(request: Request) -> Response:
    """`PUT /fhir/{type}?…`: the one resource of the caller's that meets it, else a new one."""
    call = Call.of(request)
    type_ = call.type(Method.PUT)
    try:
        criteria = conditional(type_, request.url.query)
    except GatewayError as error:
        return await call.refuse(Method.PUT, type_, 400, error.issues)
    checked = await call.check(Kind.RESOURCE, type=type_, id=str(uuid4()))
    if checked.refused:
        return await call.refuse(Method.PUT, type_, checked.refused, checked.issues)
    act = checked.acts[0]._replace(method=Method.PUT, criteria=criteria, version=call.if_match())
    performed = await call.perform([act])
    return await call.answer(performed.done[0], checked.issues)
