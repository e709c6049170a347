"""FHIR history interaction: of one resource, of a type, of all.

https://hl7.org/fhir/R4/http.html#history. Newest first; every entry passes the same filter as a
read. Page links are sealed, so they tell nothing about what was left out.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import Response

from gateway.api import cursor, outcome
from gateway.api.access import Seen, caller_of, visible
from gateway.api.auth import Identity
from gateway.api.context import Context, request_id
from gateway.api.ports import Stored
from gateway.api.types import resource_types
from gateway.api.writing import preference
from gateway.domain.time import Instant, fhir_instant
from gateway.evidence import audit_event
from gateway.evidence.event_class import EventClass
from gateway.store.history import Place, Wanted
from profiles.issue import GatewayError, NotConformant, NotSupported
from profiles.reading import write_json

#: Versions read from the store at a time, and how often one request may read.
_BATCH = 200
_ROUNDS = 25
_KNOWN = frozenset({"_count", "_since", "_page", "_format", "_pretty"})
_PLACE = struct.Struct(">qqi")


async def history(request: Request) -> Response:
    """`GET /fhir/_history`, `/fhir/{type}/_history`, `/fhir/{type}/{id}/_history`."""
    context = Context.of(request)
    identity = context.identify(request)
    type_, id_ = request.path_params.get("type", ""), request.path_params.get("id", "")
    if type_ and type_ not in resource_types():
        return outcome.answer(404)
    pairs = dict(parse_qsl(request.url.query, keep_blank_values=True))
    try:
        if preference(request, "handling") == "strict" and not pairs.keys() <= _KNOWN:
            raise NotSupported("A parameter of the history is not evaluated here.")
        wanted, count = _wanted(context, identity, request, pairs)
    except GatewayError as error:
        return outcome.answer(400, error.issues)
    number = await _number(context, identity, type_, id_) if id_ else 0
    if number < 0:
        await _record(context, identity, request, [])
        return outcome.answer(404)
    seen, following = await _collect(context, identity, type_, number, wanted, count)
    await _record(context, identity, request, seen)
    bundle = _bundle(context, identity, request, pairs, seen, following)
    return Response(write_json(bundle), media_type=outcome.JSON)


def _wanted(
    context: Context, identity: Identity, request: Request, pairs: Mapping[str, str]
) -> tuple[Wanted, int]:
    count = _count(pairs.get("_count"), context.gateway.options.page)
    after: Place | None = None
    if "_page" in pairs:
        scope = _scope(identity, request, pairs)
        raw = cursor.open_bytes(pairs["_page"], context.gateway.options.cursor_key, scope)
        after = _PLACE.unpack(raw)
    since = _since(pairs["_since"]) if "_since" in pairs else 0
    return Wanted(since=since, after=after), count


def _count(stated: str | None, most: int) -> int:
    if stated is None:
        return most
    if not stated.isdecimal() or len(stated) > 6:
        raise NotConformant("_count is a number.")
    return min(int(stated), most)


def _since(stated: str) -> Instant:
    try:
        moment = datetime.fromisoformat(stated.replace(" ", "+"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise NotConformant("_since is an instant: date, time and zone.")
    return int(moment.astimezone(UTC).timestamp() * 1_000_000)


async def _number(context: Context, identity: Identity, type_: str, id_: str) -> int:
    """Return the store number of a resource the caller may see; -1 for none."""
    stored = await context.gateway.find(type_, id_)
    found = [stored] if stored is not None else []
    seen = await visible(context.gateway, identity, found, channel="history")
    return seen[0].stored.number if seen else -1


async def _collect(
    context: Context, identity: Identity, type_: str, number: int, wanted: Wanted, count: int
) -> tuple[list[Seen], Place | None]:
    """Fill one page; also return where the next one starts."""
    seen: list[Seen] = []
    after = wanted.after
    for _ in range(_ROUNDS):
        batch = await context.gateway.history(
            Wanted(type=type_, number=number, since=wanted.since, after=after, limit=_BATCH)
        )
        seen += await visible(context.gateway, identity, batch, channel="history")
        if len(seen) > count > 0:
            return seen[:count], _place(seen[count - 1].stored)
        if len(batch) < _BATCH:
            return seen, None
        after = _place(batch[-1])
    return seen, after


def _place(stored: Stored) -> Place:
    return stored.updated_at, stored.number, stored.version


async def _record(
    context: Context, identity: Identity, request: Request, seen: Sequence[Seen]
) -> None:
    """One event per patient among the versions; committed before the first byte leaves."""
    patients = sorted({one.stored.patient_id for one in seen}) or [""]
    events = [
        audit_event.search(
            context.gateway.stamp(),
            caller=caller_of(identity, request_id(request)),
            query=f"{request.method} {request.url.path}?{request.url.query}",
            patient=patient,
            interaction="history",
        )
        for patient in patients
    ]
    await context.gateway.audit([(EventClass.SEARCH, event) for event in events])


def _bundle(
    context: Context,
    identity: Identity,
    request: Request,
    pairs: Mapping[str, str],
    seen: Sequence[Seen],
    following: Place | None,
) -> dict[str, Any]:
    base = context.gateway.options.base_url
    address = f"{base}{request.url.path.removeprefix('/fhir')}"
    own = {name: value for name, value in pairs.items() if name in ("_since", "_count")}
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "history"}
    if following is None and "_page" not in pairs:
        bundle["total"] = len(seen)
    bundle["link"] = [{"relation": "self", "url": _url(address, own)}]
    if following is not None:
        scope = _scope(identity, request, pairs)
        key = context.gateway.options.cursor_key
        page = cursor.seal_bytes(_PLACE.pack(*following), key, scope)
        bundle["link"].append({"relation": "next", "url": _url(address, {**own, "_page": page})})
    if seen and pairs.get("_count") != "0":
        bundle["entry"] = [_entry(base, one) for one in seen]
    return bundle


def _entry(base: str, seen: Seen) -> dict[str, Any]:
    stored = seen.stored
    name = f"{stored.type}/{stored.id}"
    method, status = "PUT", "200"
    if stored.deleted:
        method, status = "DELETE", "204"
    elif stored.version == 1:
        method, status = "POST", "201"
    entry: dict[str, Any] = {"fullUrl": f"{base}/{name}"}
    if not stored.deleted:
        entry["resource"] = seen.resource
    entry["request"] = {"method": method, "url": stored.type if method == "POST" else name}
    entry["response"] = {
        "status": status,
        "etag": f'W/"{stored.version}"',
        "lastModified": fhir_instant(stored.updated_at),
    }
    return entry


def _url(address: str, pairs: Mapping[str, str]) -> str:
    return f"{address}?{urlencode(pairs)}" if pairs else address


def _scope(identity: Identity, request: Request, pairs: Mapping[str, str]) -> bytes:
    """What a page link is good for: this caller and this history."""
    since = pairs.get("_since", "")
    return f"history\n{identity.organization}\n{request.url.path}\n{since}".encode()
