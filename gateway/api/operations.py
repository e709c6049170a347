"""Operations: `$validate`, `$convert` and those of terminology, each run in a worker process.

https://hl7.org/fhir/R4/operations.html. None of them reads what the region has stored, so nothing
is disclosed; who calls still has to be known. GET takes simple parameters, POST Parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.api import outcome
from gateway.api.context import Context
from gateway.api.limits import read_body
from gateway.api.media import is_xml, wanted
from gateway.api.types import resource_types
from gateway.domain.time import fhir_instant
from gateway.pipeline.rest.asked import Call
from gateway.pipeline.rest.operations import OPERATIONS

_DEFINITION = "http://hl7.org/fhir/OperationDefinition"
#: Level of an operation → the type its definition is named after.
_DEFINED: Mapping[str, str] = {"": "Resource", "*": "Resource"}
#: Types whose operations change nothing and take simple parameters: GET is enough.
_SAFE = frozenset({"CodeSystem", "ConceptMap", "ValueSet"})
#: Most parameters of a query.
_PARAMETERS = 64


async def call(request: Request) -> Response:
    """`GET` and `POST /fhir/{type}/${operation}`, `POST /fhir/${operation}`."""
    context = Context.of(request)
    context.identify_any(request)
    wanted(request)
    type_ = request.path_params.get("type", "")
    key = _key(type_, request.path_params["operation"])
    if key is None:
        return outcome.answer(404)
    if request.method in ("GET", "HEAD") and key[0] not in _SAFE:
        raise HTTPException(405, headers={"Allow": "POST"})
    return await _run(context, request, type_, key)


async def _run(context: Context, request: Request, type_: str, key: tuple[str, str]) -> Response:
    gateway, options = context.gateway, context.gateway.options
    with context.held.room() as take:
        data, xml = b"", False
        if request.method == "POST":
            # What is converted may be anything; everything else is FHIR.
            xml = key != ("", "convert") and is_xml(request)
            data = await read_body(request, options.max_body, options.body_timeout, take)
        found = await gateway.check(
            Call(
                type=type_,
                key=key,
                query=_query(request),
                data=data,
                xml=xml,
                time=fhir_instant(gateway.now()),
            )
        )
    if found.refused:
        return outcome.answer(found.refused, found.issues)
    return Response(found.answer, media_type=outcome.JSON)


def _key(type_: str, name: str) -> tuple[str, str] | None:
    """Find an operation: of the type itself before those of every type."""
    if type_ and type_ not in resource_types():
        return None
    levels = (type_, "*") if type_ else ("",)
    return next(((level, name) for level in levels if (level, name) in OPERATIONS), None)


def _query(request: Request) -> tuple[tuple[str, str], ...]:
    text = request.scope["query_string"].decode("latin-1")
    try:
        return tuple(
            parse_qsl(text, keep_blank_values=True, max_num_fields=_PARAMETERS, errors="strict")
        )
    except ValueError:
        raise HTTPException(400) from None


def described(type_: str) -> list[dict[str, Any]]:
    """Return the operations of a type ("" for the system) for the CapabilityStatement."""
    return [
        {"name": name, "definition": f"{_DEFINITION}/{_DEFINED.get(level, level)}-{name}"}
        for level, name in OPERATIONS
        if level == type_ or (level == "*" and type_)
    ]
