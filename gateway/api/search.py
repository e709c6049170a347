"""FHIR search interaction, GET and POST (https://hl7.org/fhir/R4/search.html).

Hidden resources take no part: pages are filled with what the caller may see, a total is given
only when everything the caller may see stands on the first page. Page links are sealed, so
they tell nothing about what was left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.api import cursor, outcome
from gateway.api.access import Seen, caller_of, visible
from gateway.api.auth import Identity
from gateway.api.context import Context, request_id
from gateway.api.limits import read_body
from gateway.api.types import resource_types
from gateway.evidence import audit_event
from gateway.evidence.event_class import EventClass
from profiles.issue import Issue, NotConformant, NotSupported, operation_outcome
from profiles.reading import write_json
from profiles.search import Criteria, parameters_of, parse_criteria

#: Parameters about the answer, not about the resources.
_CONTROL = frozenset({"_count", "_page", "_format", "_pretty"})
#: Hits read from the store at a time, and how often one request may read.
_BATCH = 200
_ROUNDS = 25
_FORM = "application/x-www-form-urlencoded"
_FORM_LIMIT = 64_000
#: Most parameters of one search.
_PARAMETERS = 64
_IGNORED = Issue(
    "warning",
    "not-supported",
    "Parameters that are not evaluated here were ignored; Prefer: handling=strict refuses them.",
)


@dataclass(frozen=True, slots=True)
class Question:
    """A search as understood."""

    criteria: Criteria
    #: The parameters that take part, as they go into links.
    used: tuple[tuple[str, str], ...]
    count: int
    after: int
    #: What was ignored, because the caller did not ask for strict handling.
    warnings: tuple[Issue, ...]


async def search(request: Request) -> Response:
    """`GET /fhir/{type}?…` and `POST /fhir/{type}/_search`."""
    context = Context.of(request)
    identity = context.identify(request)
    if request.path_params["type"] not in resource_types():
        return outcome.answer(404)
    pairs = await _pairs(request, context)
    try:
        question = _question(request, pairs, context, identity)
    except (NotSupported, NotConformant) as error:
        return outcome.answer(400, error.issues)
    seen, following = await _collect(context, identity, question)
    await _record(context, identity, request, pairs, seen)
    bundle = _bundle(context, identity, question, seen, following)
    return Response(write_json(bundle), media_type=outcome.JSON)


async def _pairs(request: Request, context: Context) -> list[tuple[str, str]]:
    query = request.scope["query_string"].decode("latin-1")
    if request.method == "POST":
        if request.headers.get("content-type", "").partition(";")[0].strip() != _FORM:
            raise HTTPException(415)
        body = await read_body(request, _FORM_LIMIT, context.gateway.options.body_timeout)
        query = "&".join(part for part in (query, body.decode("latin-1")) if part)
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=_PARAMETERS, errors="strict")
    except ValueError:
        raise HTTPException(400) from None


def _question(
    request: Request, pairs: Sequence[tuple[str, str]], context: Context, identity: Identity
) -> Question:
    type_ = request.path_params["type"]
    used, warnings = _known(type_, pairs, strict=_strict(request))
    criteria = parse_criteria(type_, parameters=used)
    control = {name: value for name, value in pairs if name in _CONTROL}
    count = _count(control.get("_count"), context.gateway.options.page)
    after = 0
    if "_page" in control:
        scope = _scope(identity, type_, used)
        after = cursor.open_(control["_page"], context.gateway.options.cursor_key, scope)
    return Question(criteria, tuple(used), count, after, tuple(warnings))


def _known(
    type_: str, pairs: Sequence[tuple[str, str]], *, strict: bool
) -> tuple[list[tuple[str, str]], list[Issue]]:
    """Keep the parameters that are evaluated; the others are an error or a warning."""
    used, warnings = [], []
    known = parameters_of(type_)
    for name, value in pairs:
        plain = name.partition(":")[0]
        if name in _CONTROL or not value:
            continue
        # Ignoring a chain or a modifier would widen the result, so leniency does not apply.
        if plain in known or "." in name or plain == "_has" or strict:
            used.append((name, value))
        else:
            warnings.append(_IGNORED)
    return used, warnings[:1]


def _strict(request: Request) -> bool:
    return "handling=strict" in request.headers.get("prefer", "").replace(" ", "").lower()


def _count(stated: str | None, most: int) -> int:
    if stated is None:
        return most
    if not stated.isdecimal() or len(stated) > 6:
        raise NotConformant("_count is a number.")
    return min(int(stated), most)


async def _collect(
    context: Context, identity: Identity, question: Question
) -> tuple[list[Seen], int]:
    """Fill one page with what the caller may see; also return where the next one starts, or 0."""
    seen: list[Seen] = []
    after = question.after
    for _ in range(_ROUNDS):
        batch = await context.gateway.search(question.criteria, after=after, limit=_BATCH)
        seen += await visible(context.gateway, identity, batch, channel="search")
        if len(seen) > question.count > 0:
            return seen[: question.count], seen[question.count - 1].stored.number
        if len(batch) < _BATCH:
            return seen, 0
        after = batch[-1].number
    return seen, after


async def _record(
    context: Context,
    identity: Identity,
    request: Request,
    pairs: Sequence[tuple[str, str]],
    seen: Sequence[Seen],
) -> None:
    """One event per patient among the results; committed before the first byte leaves."""
    query = f"{request.method} /fhir/{request.path_params['type']}?{urlencode(pairs)}"
    patients = sorted({one.stored.patient_id for one in seen}) or [""]
    events = [
        audit_event.search(
            context.gateway.stamp(),
            caller=caller_of(identity, request_id(request)),
            query=query,
            patient=patient,
        )
        for patient in patients
    ]
    await context.gateway.audit([(EventClass.SEARCH, event) for event in events])


def _bundle(
    context: Context, identity: Identity, question: Question, seen: Sequence[Seen], following: int
) -> dict[str, Any]:
    base = context.gateway.options.base_url
    type_ = question.criteria.resource_type
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
    if not following and not question.after:
        bundle["total"] = len(seen)
    bundle["link"] = [{"relation": "self", "url": _url(base, type_, question.used)}]
    if following:
        scope = _scope(identity, type_, question.used)
        page = cursor.seal(following, context.gateway.options.cursor_key, scope)
        more = (*question.used, ("_count", str(question.count)), ("_page", page))
        bundle["link"].append({"relation": "next", "url": _url(base, type_, more)})
    shown = seen if question.count else ()
    entries = [_match(base, one.resource) for one in shown]
    if question.warnings:
        entries.append(
            {"resource": operation_outcome(question.warnings), "search": {"mode": "outcome"}}
        )
    if entries:
        bundle["entry"] = entries
    return bundle


def _match(base: str, resource: dict[str, Any]) -> dict[str, Any]:
    return {
        "fullUrl": f"{base}/{resource['resourceType']}/{resource['id']}",
        "resource": resource,
        "search": {"mode": "match"},
    }


def _url(base: str, type_: str, pairs: Sequence[tuple[str, str]]) -> str:
    return f"{base}/{type_}?{urlencode(pairs)}" if pairs else f"{base}/{type_}"


def _scope(identity: Identity, type_: str, used: Sequence[tuple[str, str]]) -> bytes:
    """What a page link is good for: this caller and this search."""
    return f"{identity.organization}\n{type_}\n{urlencode(used)}".encode()
