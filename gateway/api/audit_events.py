"""AuditEvents for auditors: read and search, newest first.

Only clients with the role auditor see them, and they see all of the region: the log belongs to no
institution. Every look at the log is an event of the log. https://hl7.org/fhir/R4/auditevent.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from gateway.api import cursor, outcome
from gateway.api.access import caller_of
from gateway.api.auth import Identity
from gateway.api.context import Context, request_id
from gateway.api.form import pairs_of
from gateway.api.media import wanted
from gateway.api.scoped import authorize, within
from gateway.domain.time import MILLISECOND, SECOND
from gateway.evidence import audit_event
from gateway.evidence.event_class import EventClass
from gateway.store.audit_reading import Stretch
from profiles.issue import NotConformant, NotSupported
from profiles.reading import write_json
from profiles.search import Condition, Criteria, DateValue, parse_criteria

TYPE = "AuditEvent"
#: Interactions the CapabilityStatement names for this type.
INTERACTIONS = ("read", "search-type")
#: Events looked at in one step, and steps of one request; then a link leads on.
_STEP, _STEPS = 500, 20
_CONTROL = frozenset({"_count", "_page", "_sort", "_format", "_pretty"})
_ORDERS = {"-date": True, "date": False}
_UUID7 = 7
#: How far the instant in an event's id may be from the one it is filed under.
_CLOSE = 10 * SECOND


@dataclass(frozen=True, slots=True)
class _Question:
    criteria: Criteria
    used: tuple[tuple[str, str], ...]
    stretch: Stretch
    count: int


async def read(request: Request) -> Response:
    """`GET /fhir/AuditEvent/{id}`."""
    context, identity = _caller(request)
    id_ = request.path_params["id"]
    found = await _find(context, id_) if _may_see(identity) else None
    if found is not None and not within(identity.scopes, found, "read"):
        found = None
    event = audit_event.read(
        context.gateway.stamp(),
        caller=caller_of(identity, request_id(request)),
        target=f"{TYPE}/{id_}" if _recorded_at(id_) else "unknown",
        result=audit_event.SUCCESS
        if found is not None
        else audit_event.Result(audit_event.Outcome.MINOR_FAILURE, "not-found"),
    )
    await context.gateway.audit([(EventClass.READ, event)])
    if found is None:
        return outcome.answer(404)
    return Response(write_json(found), media_type=outcome.JSON)


async def search(request: Request) -> Response:
    """`GET /fhir/AuditEvent?…` and `POST /fhir/AuditEvent/_search`."""
    context, identity = _caller(request)
    pairs = await pairs_of(request, context)
    try:
        question = _question(pairs, context, identity)
    except (NotSupported, NotConformant) as error:
        return outcome.answer(400, error.issues)
    found: list[dict[str, Any]] = []
    following = -1
    if _may_see(identity):
        found, following = await _collect(context, identity, question)
    event = audit_event.search(
        context.gateway.stamp(),
        caller=caller_of(identity, request_id(request)),
        query=f"{request.method} /fhir/{TYPE}?{urlencode(pairs)}",
    )
    await context.gateway.audit([(EventClass.SEARCH, event)])
    bundle = _bundle(context, identity, question, found, following)
    return Response(write_json(bundle), media_type=outcome.JSON)


def _caller(request: Request) -> tuple[Context, Identity]:
    context = Context.of(request)
    identity = context.identify_any(request)
    authorize(identity.scopes, TYPE, "r" if "id" in request.path_params else "s")
    wanted(request)
    return context, identity


def _may_see(identity: Identity) -> bool:
    """Whether there are events for this caller at all; for others there are none."""
    return identity.role == "auditor"


async def _find(context: Context, id_: str) -> dict[str, Any] | None:
    """Find an event by its id, which tells when it was recorded."""
    at = _recorded_at(id_)
    if not at:
        return None
    # Recorded when it is committed, a moment after its id was made.
    stretch = Stretch(at - _CLOSE, at + _CLOSE)
    while True:
        step = await context.gateway.audit_events(stretch, _STEP)
        for _, event in step:
            if event["id"] == id_:
                return event
        if len(step) < _STEP:
            return None
        stretch = replace(stretch, after=step[-1][0])


def _recorded_at(id_: str) -> int:
    """The millisecond in a UUID of version 7 (RFC 9562 section 5.7), 0 for any other id."""
    try:
        found = UUID(id_)
    except ValueError:
        return 0
    return (found.int >> 80) * MILLISECOND if found.version == _UUID7 and str(found) == id_ else 0


def _question(pairs: Sequence[tuple[str, str]], context: Context, identity: Identity) -> _Question:
    used = tuple((name, value) for name, value in pairs if name not in _CONTROL and value)
    control = {name: value for name, value in pairs if name in _CONTROL}
    order = control.get("_sort", "-date")
    if order not in _ORDERS:
        raise NotSupported("AuditEvents are sorted by date or -date.")
    count = control.get("_count", str(context.gateway.options.page))
    if not count.isdecimal() or len(count) > 6:
        raise NotConformant("_count is a number.")
    criteria = parse_criteria(TYPE, parameters=used)
    stretch = replace(_stretch(criteria), newest_first=_ORDERS[order])
    if "_page" in control:
        scope = _scope(identity, used, order)
        after = cursor.open_(control["_page"], context.gateway.options.cursor_key, scope)
        stretch = replace(stretch, after=after)
    return _Question(criteria, used, stretch, min(int(count), context.gateway.options.page))


def _stretch(criteria: Criteria) -> Stretch:
    """The time every condition on `date` leaves open; what it means exactly is matched later."""
    found = Stretch()
    for condition in criteria.conditions:
        if not isinstance(condition, Condition) or condition.name != "date":
            continue
        if condition.modifier or len(condition.values) != 1:
            continue
        value = condition.values[0]
        if not isinstance(value, DateValue):
            continue
        if value.prefix in ("eq", "gt", "ge", "sa"):
            found = replace(found, low=max(found.low, value.low))
        if value.prefix in ("eq", "lt", "le", "eb"):
            found = replace(found, high=min(found.high, value.high))
    return found


async def _collect(
    context: Context, identity: Identity, question: _Question
) -> tuple[list[dict[str, Any]], int]:
    """Fill one page; also return the leaf after which the next one starts, or -1."""
    found: list[dict[str, Any]] = []
    stretch = question.stretch
    for _ in range(_STEPS):
        step = await context.gateway.audit_events(stretch, _STEP)
        for number, event in step:
            if not question.criteria.matches(event) or not within(identity.scopes, event, "search"):
                continue
            found.append(event)
            if len(found) >= max(question.count, 1):
                return found, number
        if len(step) < _STEP:
            return found, -1
        stretch = replace(stretch, after=step[-1][0])
    return found, stretch.after if stretch.after is not None else -1


def _bundle(
    context: Context,
    identity: Identity,
    question: _Question,
    found: Sequence[dict[str, Any]],
    following: int,
) -> dict[str, Any]:
    options = context.gateway.options
    address = f"{options.base_url}/{TYPE}"
    order = "-date" if question.stretch.newest_first else "date"
    own = (*question.used, ("_sort", order))
    links = [{"relation": "self", "url": f"{address}?{urlencode(own)}"}]
    if following >= 0:
        page = cursor.seal(following, options.cursor_key, _scope(identity, question.used, order))
        more = urlencode((*own, ("_count", str(question.count)), ("_page", page)))
        links.append({"relation": "next", "url": f"{address}?{more}"})
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "link": links}
    entries = [
        {
            "fullUrl": f"{address}/{event['id']}",
            "resource": event,
            "search": {"mode": "match"},
        }
        for event in (found if question.count else ())
    ]
    if entries:
        bundle["entry"] = entries
    return bundle


def _scope(identity: Identity, used: Sequence[tuple[str, str]], order: str) -> bytes:
    return (
        f"{identity.organization}\n{identity.client}\n{TYPE}\n{order}\n{urlencode(used)}".encode()
    )
