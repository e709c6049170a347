"""FHIR batch and transaction interactions (https://hl7.org/fhir/R4/http.html#transaction).

A transaction's changes are performed together, all or none; its reads, and every entry of a batch,
are requests of their own with the same caller, rights and filter as if they came alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateway.api import outcome
from gateway.api.access import visible
from gateway.api.entry_request import ask
from gateway.api.limits import read_body
from gateway.api.media import is_xml
from gateway.api.writing import Call, check_criteria, preference
from gateway.domain.time import fhir_instant
from gateway.pipeline.rest.asked import (
    ORDER,
    Check,
    Checked,
    Done,
    Entry,
    Kind,
    Method,
)
from profiles.issue import GatewayError, operation_outcome
from profiles.reading import write_json

#: Entries of a batch asked at a time: writes that wait together commit together.
_TOGETHER = 32

Json = dict[str, Any]


async def transaction(request: Request) -> Response:
    """`POST /fhir` with a Bundle of type transaction or batch."""
    call = Call.of(request)
    options = call.context.gateway.options
    xml = is_xml(request)
    with call.context.held.room() as take:
        data = await read_body(request, options.max_body, options.body_timeout, take)
        asked = Check(
            kind=Kind.BUNDLE,
            data=data,
            xml=xml,
            validation=options.validation,
            base=options.base_url,
        )
        checked = await call.context.gateway.check(asked)
        if checked.refused:
            return await call.refuse(Method.POST, "Bundle", checked.refused, checked.issues)
        return await _answer(call, checked)


async def _answer(call: Call, checked: Checked) -> Response:
    answers: dict[int, Json] = {}
    if checked.acts:
        try:
            check_criteria([act.criteria for act in checked.acts], checked.references)
        except GatewayError as error:
            return await call.refuse(Method.POST, "Bundle", 400, error.issues)
        performed = await call.perform(checked.acts, references=checked.references)
        if performed.refused >= 0:
            return _refused(checked, performed.refused, performed.done[0])
        for position, done in zip(checked.positions, performed.done, strict=True):
            answers[position] = await _entry(call, done)
    answers |= await _ask_all(call, checked.entries)
    kind = "batch-response" if checked.batch else "transaction-response"
    bundle = {
        "resourceType": "Bundle",
        "type": kind,
        "entry": [answers[position] for position in sorted(answers)],
    }
    if not bundle["entry"]:
        del bundle["entry"]
    return Response(write_json(bundle), media_type=outcome.JSON)


def _refused(checked: Checked, act: int, done: Done) -> Response:
    """Answer with why nothing was done, naming the entry."""
    place = f"Bundle.entry[{checked.positions[act]}]"
    issues = [outcome.at(place, issue) for issue in done.issues]
    return outcome.answer(done.status, issues)


async def _entry(call: Call, done: Done) -> Json:
    response: Json = {"status": _status(done.status)}
    if not done.version:
        return {"response": response}
    name = f"{done.type}/{done.id}"
    response |= {
        "location": f"{name}/_history/{done.version}",
        "etag": f'W/"{done.version}"',
    }
    if done.updated_at:
        response["lastModified"] = fhir_instant(done.updated_at)
    if done.status == HTTPStatus.NO_CONTENT:
        return {"response": response}
    entry: Json = {"fullUrl": f"{call.context.gateway.options.base_url}/{name}"}
    if preference(call.request, "return") == "representation":
        stored = await call.stored(done)
        found = [] if stored is None else [stored]
        seen = await visible(call.context.gateway, call.identity, found, channel="read")
        if seen:
            entry["resource"] = seen[0].resource
    entry["response"] = response
    return entry


async def _ask_all(call: Call, entries: Mapping[int, Entry]) -> dict[int, Json]:
    """Ask for entries that are answered by themselves: deletions first, reads last."""
    answers: dict[int, Json] = {}
    for rank in sorted({ORDER[Method(entry.method)] for entry in entries.values()}):
        mine = [one for one in sorted(entries) if ORDER[Method(entries[one].method)] == rank]
        for start in range(0, len(mine), _TOGETHER):
            chosen = mine[start : start + _TOGETHER]
            made = await asyncio.gather(*(_asked(call, entries[one]) for one in chosen))
            answers |= dict(zip(chosen, made, strict=True))
    return answers


async def _asked(call: Call, entry: Entry) -> Json:
    reply = await ask(call.request, entry)
    response: Json = {"status": _status(reply.status)}
    for name in ("location", "etag"):
        if name in reply.headers:
            response[name] = reply.headers[name]
    made: Json = {}
    if reply.status >= HTTPStatus.BAD_REQUEST:
        response["outcome"] = reply.resource or operation_outcome(())
    elif reply.resource is not None:
        made["resource"] = reply.resource
        modified = reply.resource.get("meta", {}).get("lastUpdated")
        if modified and "id" in reply.resource:
            base = call.context.gateway.options.base_url
            made = {
                "fullUrl": f"{base}/{reply.resource['resourceType']}/{reply.resource['id']}",
                **made,
            }
            response["lastModified"] = modified
    made["response"] = response
    return made


def _status(status: int) -> str:
    return f"{status} {HTTPStatus(status).phrase}"
