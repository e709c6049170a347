"""FHIR search interaction, GET and POST (https://hl7.org/fhir/R4/search.html).

Of a type, of everything, of a compartment. Hidden resources take no part: pages are filled with
what the caller may see, and so are chains, includes, orders and totals. Page links are sealed, so
they tell nothing about what was left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from gateway.api import outcome
from gateway.api.access import Seen, caller_of
from gateway.api.collecting import Asker, Late, Page, number_of, page, too_costly
from gateway.api.compartment import compartments, types_in
from gateway.api.context import Context, request_id
from gateway.api.form import pairs_of
from gateway.api.including import NOT_ALL, included
from gateway.api.inclusion import Inclusion
from gateway.api.linked import resolved
from gateway.api.question import Place, Question, address, next_address, read_question
from gateway.api.types import resource_types
from gateway.evidence import audit_event
from gateway.evidence.event_class import EventClass
from profiles.issue import Issue, NotConformant, NotSupported, operation_outcome
from profiles.reading import write_json
from profiles.search import Criteria

_UNCOUNTED = Issue("warning", "too-costly", "Too many resources to count; narrow the search.")


async def search(request: Request) -> Response:
    """`GET /fhir/{type}?…`, `POST /fhir/{type}/_search`, and both without a type."""
    type_ = request.path_params.get("type", "")
    if type_ and type_ not in resource_types():
        Context.of(request).identify(request)
        return outcome.answer(404)
    return await _searched(request, Place(type_))


async def search_compartment(request: Request) -> Response:
    """`GET /fhir/Patient/{id}/{type}?…`, `*` for all types of the compartment."""
    values = request.path_params
    type_ = "" if values["type"] == "*" else values["type"]
    compartment = values["compartment"]
    known = compartment in compartments() and type_ in {"", *types_in(compartment)}
    if not known:
        Context.of(request).identify_any(request)
        return outcome.answer(404)
    return await _searched(request, Place(type_, compartment, values["owner"]))


async def _searched(request: Request, place: Place) -> Response:
    context = Context.of(request)
    identity = context.identify(request)
    asker = Asker(context.gateway, identity)
    return await answered(request, asker, place, await pairs_of(request, context))


async def answered(
    request: Request,
    asker: Asker,
    place: Place,
    pairs: Sequence[tuple[str, str]],
    always: tuple[Inclusion, ...] = (),
) -> Response:
    """Answer a search; `always` comes along whatever the caller wants to have included."""
    try:
        question = await read_question(
            asker.gateway, asker.identity, place, pairs, strict=_strict(request)
        )
        criteria, late = await _resolved(asker, question)
        question = replace(question, criteria=criteria, includes=(*question.includes, *always))
        found, total, warnings = await _found(asker, question, late)
        brought, whole = await included(asker, found.seen, question.includes)
    except (NotSupported, NotConformant) as error:
        return outcome.answer(400, error.issues)
    if not whole:
        warnings = (*warnings, NOT_ALL)
    await _record(asker, request, place, pairs, [*found.seen, *brought])
    bundle = _bundle(asker, question, found, brought, total, (*question.warnings, *warnings))
    return Response(write_json(bundle), media_type=outcome.JSON)


def _strict(request: Request) -> bool:
    return "handling=strict" in request.headers.get("prefer", "").replace(" ", "").lower()


async def _resolved(asker: Asker, question: Question) -> tuple[tuple[Criteria, ...], Late]:
    """Follow chains. Raises NotConformant where that costs too much."""
    found = [await resolved(asker, one) for one in question.criteria]
    if len(found) > 1 and any(late for _, late in found):
        raise too_costly("A chain of a search over several types leads to too many resources.")
    return tuple(criteria for criteria, _ in found), found[0][1] if found else ()


async def _found(
    asker: Asker, question: Question, late: Late
) -> tuple[Page, int | None, tuple[Issue, ...]]:
    """Return a page, the total where it is known and wanted, and what is to be said about it."""
    query = asker.query(question.criteria, question.order)
    if question.counting:
        total = await number_of(asker, replace(query, order=()), late=late)
        if total is None:
            raise too_costly(_UNCOUNTED.text)
        return Page([], ()), total, ()
    found = await page(asker, query, after=question.after, count=question.count, late=late)
    if question.total == "none":
        return found, None, ()
    if not found.following and not question.after:
        return found, len(found.seen), ()
    if not question.total:
        return found, None, ()
    total = await number_of(asker, replace(query, order=()), late=late)
    return found, total, (_UNCOUNTED,) if total is None else ()


async def _record(
    asker: Asker,
    request: Request,
    place: Place,
    pairs: Sequence[tuple[str, str]],
    seen: Sequence[Seen],
) -> None:
    """One event per patient among the results; committed before the first byte leaves."""
    path = f"/fhir/{place.path}" if place.path else "/fhir"
    query = f"{request.method} {path}?{urlencode(pairs)}"
    patients = sorted({one.stored.patient_id for one in seen}) or [""]
    events = [
        audit_event.search(
            asker.gateway.stamp(),
            caller=caller_of(asker.identity, request_id(request)),
            query=query,
            patient=patient,
        )
        for patient in patients
    ]
    await asker.gateway.audit([(EventClass.SEARCH, event) for event in events])


def _bundle(
    asker: Asker,
    question: Question,
    found: Page,
    brought: Sequence[Seen],
    total: int | None,
    warnings: Sequence[Issue],
) -> dict[str, Any]:
    base = asker.gateway.options.base_url
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
    if total is not None:
        bundle["total"] = total
    own = address(base, question.place, question.used)
    bundle["link"] = [{"relation": "self", "url": own}]
    if found.following:
        following = next_address(asker.gateway, asker.identity, question, found.following)
        bundle["link"].append({"relation": "next", "url": following})
    entries = [_entry(base, one.resource, "match") for one in found.seen]
    entries += [_entry(base, one.resource, "include") for one in brought]
    if warnings:
        entries.append(
            {"resource": operation_outcome(tuple(warnings)), "search": {"mode": "outcome"}}
        )
    if entries:
        bundle["entry"] = entries
    return bundle


def _entry(base: str, resource: dict[str, Any], mode: str) -> dict[str, Any]:
    return {
        "fullUrl": f"{base}/{resource['resourceType']}/{resource['id']}",
        "resource": resource,
        "search": {"mode": mode},
    }
