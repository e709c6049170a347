"""FHIR create interaction, conditional as well.

https://hl7.org/fhir/R4/http.html#create, https://hl7.org/fhir/R4/http.html#ccreate.
"""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from gateway.api.writing import Call, conditional
from gateway.pipeline.rest.asked import Kind, Method
from profiles.issue import GatewayError

#: Parameters about the answer.
_FORM = frozenset({"_format", "_pretty", "_summary", "_elements"})


async def create(request: Request) -> Response:
    """`POST /fhir/{type}`; with a condition only where nothing of the caller's meets it."""
    call = Call.of(request)
    type_ = call.type(Method.POST)
    criteria = ""
    condition = _condition(request)
    if condition is not None:
        try:
            criteria = conditional(type_, condition.rpartition("?")[2])
        except GatewayError as error:
            return await call.refuse(Method.POST, type_, 400, error.issues)
    checked = await call.check(Kind.RESOURCE, type=type_, id=str(uuid4()))
    if checked.refused:
        return await call.refuse(Method.POST, type_, checked.refused, checked.issues)
    act = checked.acts[0]._replace(criteria=criteria)
    performed = await call.perform([act])
    return await call.answer(performed.done[0], checked.issues)


def _condition(request: Request) -> str | None:
    """Return If-None-Exist, or what some clients write into the address instead."""
    stated = request.headers.get("if-none-exist")
    if stated is not None:
        return stated
    pairs = [pair for pair in request.query_params.multi_items() if pair[0] not in _FORM]
    return urlencode(pairs) if pairs else None
