"""The files of a bulk export: NDJSON, read, decided and audited while they are fetched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway.api import outcome
from gateway.api.access import Seen, caller_of
from gateway.api.auth import Identity
from gateway.api.collecting import Asker, page
from gateway.api.context import Context, request_id
from gateway.api.export_job import Wish, known
from gateway.evidence import audit_event
from gateway.evidence.event_class import EventClass
from gateway.store.exports import ExportJob
from gateway.store.hits import Query
from profiles.reading import write_json
from profiles.search import parse_criteria

NDJSON = "application/fhir+ndjson"
#: Resources of one step.
_STEP = 200


async def fetch(request: Request) -> Response:
    """`GET /$export-file/{job}/{type}`."""
    context, identity, job, wish = await known(request)
    type_ = request.path_params["type"]
    if type_ not in wish.types:
        return outcome.answer(404)
    lines = _lines(context, identity, job, wish, type_, request_id(request))
    return StreamingResponse(lines, media_type=NDJSON)


async def holds_any(
    context: Context, identity: Identity, job: ExportJob, wish: Wish, type_: str
) -> bool:
    """Say whether a file would have a line."""
    async for found in _steps(context, identity, job, wish, type_, step=1):
        if found:
            return True
    return False


async def _lines(
    context: Context,
    identity: Identity,
    job: ExportJob,
    wish: Wish,
    type_: str,
    correlation: str,
) -> AsyncIterator[bytes]:
    """Yield the resources of each step after its audit events are committed."""
    async for found in _steps(context, identity, job, wish, type_, step=_STEP):
        if not found:
            continue
        events = [
            audit_event.search(
                context.gateway.stamp(),
                caller=caller_of(identity, correlation),
                query=f"GET /fhir/$export-file/{job.id}/{type_}",
                patient=patient,
            )
            for patient in sorted({one.stored.patient_id for one in found})
        ]
        await context.gateway.audit([(EventClass.SEARCH, event) for event in events])
        yield b"".join(write_json(one.resource) + b"\n" for one in found)


async def _steps(
    context: Context, identity: Identity, job: ExportJob, wish: Wish, type_: str, *, step: int
) -> AsyncIterator[list[Seen]]:
    asker = Asker(context.gateway, identity)
    query = _query(asker, wish, type_)
    after: tuple[Any, ...] = ()
    while True:
        found = await page(asker, query, after=after, count=step)
        yield [one for one in found.seen if _belongs(job, wish, one)]
        if not found.following:
            return
        after = found.following


def _query(asker: Asker, wish: Wish, type_: str) -> Query:
    filters = [one for one in wish.filters if one.partition("?")[0] == type_]
    return asker.query([parse_criteria(one) for one in filters or [f"{type_}?"]])


def _belongs(job: ExportJob, wish: Wish, one: Seen) -> bool:
    """Whether it is of the time and of the patients the export is about."""
    stored = one.stored
    if not wish.since <= stored.updated_at <= job.at:
        return False
    if wish.patients:
        return bool(stored.patient_id) and stored.patient_id in wish.patients
    return not wish.level or bool(stored.patient_id)
