"""What every writing interaction needs: the body, the checks, the writer, the answer.

https://hl7.org/fhir/R4/http.html#create, https://hl7.org/fhir/R4/http.html#ops.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.api import outcome
from gateway.api.access import visible
from gateway.api.auth import Identity
from gateway.api.binary import is_raw, wrapped
from gateway.api.context import Context, request_id
from gateway.api.credentials import ALL
from gateway.api.limits import read_body
from gateway.api.media import is_xml
from gateway.api.ports import Stored
from gateway.api.scoped import authorize, may_write
from gateway.api.types import resource_types
from gateway.api.versions import headers_of
from gateway.evidence import write_event
from gateway.evidence.event_class import EventClass
from gateway.evidence.parts import Outcome, Result
from gateway.pipeline.documents import load
from gateway.pipeline.rest.asked import (
    NOT_CHANGED,
    NOT_WRITTEN,
    Act,
    Check,
    Checked,
    Done,
    Kind,
    Method,
    Order,
    Performed,
    Stated,
)
from gateway.pipeline.rest.evidence import caller
from profiles.issue import GatewayError, Issue
from profiles.reading import write_json
from profiles.search import parse_criteria

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}\Z")
_ETAG = re.compile(r'(?:W/)?"([1-9]\d{0,8})"\Z')
#: Rounds an order is given to the writer: each learns what may be seen, or meets another's write.
ROUNDS = 5
_LETTERS: Mapping[Method, str] = {
    Method.POST: "c",
    Method.PUT: "u",
    Method.PATCH: "u",
    Method.DELETE: "d",
    Method.GET: "s",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One request that writes."""

    context: Context
    request: Request
    identity: Identity

    @classmethod
    def of(cls, request: Request) -> Call:
        """Read who calls. Raises HTTPException 401, 403, 406 or 429."""
        context = Context.of(request)
        return cls(context, request, context.identify(request))

    @property
    def stated(self) -> Stated:
        """Who calls, for the writer and the evidence."""
        identity = self.identity
        return Stated(
            identity.organization, identity.peer, request_id(self.request), identity.client
        )

    def type(self, method: Method) -> str:
        """Return the type the address names. Raises HTTPException 404 or 405."""
        type_ = str(self.request.path_params["type"])
        if type_ not in resource_types():
            raise HTTPException(404)
        if type_ in NOT_WRITTEN or (type_ in NOT_CHANGED and method is not Method.POST):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        return type_

    def id(self) -> str:
        """Return the id the address names. Raises HTTPException 400."""
        id_ = str(self.request.path_params["id"])
        if not _ID.fullmatch(id_):
            raise HTTPException(400)
        return id_

    async def check(self, kind: Kind, *, type: str = "", id: str = "", named: str = "") -> Checked:  # noqa: A002 - FHIR's words
        """Read the body and let a worker check it. Raises HTTPException 408, 413, 415, 503."""
        options = self.context.gateway.options
        raw = is_raw(self.request, type)
        xml = False if raw else is_xml(self.request)
        with self.context.held.room() as take:
            data = await read_body(self.request, options.max_body, options.body_timeout, take)
            if raw:
                data = wrapped(self.request, data, id)
            return await self.context.gateway.check(
                Check(
                    kind=kind,
                    data=data,
                    xml=xml,
                    type=type,
                    id=id,
                    named=named,
                    validation=options.validation,
                    base=options.base_url,
                )
            )

    async def perform(
        self,
        acts: Sequence[Act],
        *,
        references: Mapping[str, str] | None = None,
        look: bool = False,
    ) -> Performed:
        """Let the writer perform acts, or only look at what they are about.

        Raises HTTPException 403 or 503, Unavailable.
        """
        for act in acts:
            authorize(self.identity.scopes, act.type, _LETTERS[act.method])
        # A condition is a search, and tells as much.
        for criteria in (*(act.criteria for act in acts if act.criteria), *(references or ())):
            authorize(self.identity.scopes, criteria.partition("?")[0], "s")
        sight: dict[tuple[str, str], bool] = {}
        for _ in range(ROUNDS):
            order = Order(
                acts=tuple(acts),
                caller=self.stated,
                references=references or {},
                sight=sight,
                create_on_update=self.context.gateway.options.create_on_update,
                may=self._may(),
                look=look,
            )
            performed = await self.context.gateway.perform(order)
            if not performed.unsure:
                return performed
            for name in performed.unsure:
                sight[name] = await self._sees(*name)
        raise HTTPException(503)

    def _may(self) -> Callable[[bytes, Method], bool] | None:
        """Return what a caller's scopes let it write; None where they limit nothing."""
        scopes = self.identity.scopes
        if scopes is ALL:
            return None
        return lambda body, method: may_write(scopes, load(body), _LETTERS[method])

    async def _sees(self, type_: str, id_: str) -> bool:
        stored = await self.context.gateway.find(type_, id_)
        found = [stored] if stored is not None else []
        seen = await visible(self.context.gateway, self.identity, found, channel="read")
        return bool(seen)

    async def refuse(
        self, method: Method, type_: str, status: int, issues: Sequence[Issue], id_: str = ""
    ) -> Response:
        """Answer what the writer never saw, with its evidence."""
        name: write_event.Interaction = _NAMES[method]
        event = write_event.written(
            self.context.gateway.stamp(),
            caller=caller(self.stated),
            target=f"{type_}/{id_}" if id_ else type_,
            interaction=name,
            result=Result(Outcome.MINOR_FAILURE, issues[0].code if issues else "invalid"),
        )
        await self.context.gateway.audit([(EventClass.WRITE, event)])
        return outcome.answer(status, issues)

    def if_match(self) -> int:
        """Return the version If-Match names: 0 none, -1 one no resource can have."""
        stated = self.request.headers.get("if-match")
        if stated is None or stated.strip() == "*":
            return 0
        found = _ETAG.fullmatch(stated.strip())
        return int(found[1]) if found is not None else -1

    async def stored(self, done: Done) -> Stored | None:
        """Return what was written, as the filter wants it."""
        if not done.updated_at:
            return await self.context.gateway.find(done.type, done.id, done.version)
        return Stored(
            number=done.number,
            type=done.type,
            id=done.id,
            version=done.version,
            organization=self.identity.organization,
            patient=done.patient,
            patient_id=done.patient_id,
            updated_at=done.updated_at,
            deleted=False,
            body=done.body,
        )

    async def answer(self, done: Done, issues: Sequence[Issue] = ()) -> Response:
        """Answer one act that was done or refused, as Prefer wants it."""
        if done.status >= 400:
            return outcome.answer(done.status, done.issues)
        stored = await self.stored(done)
        if stored is None:
            return outcome.answer(404)
        headers = headers_of(stored)
        if done.status == 201:
            base = self.context.gateway.options.base_url
            headers["Location"] = f"{base}/{done.type}/{done.id}/_history/{done.version}"
        preferred = preference(self.request, "return")
        if preferred == "OperationOutcome":
            return _told(done.status, headers, issues)
        found = [] if preferred == "minimal" else [stored]
        seen = await visible(self.context.gateway, self.identity, found, channel="read")
        if not seen:
            return Response(status_code=done.status, headers=headers)
        return Response(
            write_json(seen[0].resource), done.status, headers=headers, media_type=outcome.JSON
        )


_NAMES: Mapping[Method, write_event.Interaction] = {
    Method.POST: "create",
    Method.PUT: "update",
    Method.PATCH: "patch",
    Method.DELETE: "delete",
}


def preference(request: Request, name: str) -> str:
    """Return what Prefer says about a name; "" for nothing (RFC 7240)."""
    for part in request.headers.get("prefer", "").replace(";", ",").split(","):
        key, _, value = part.partition("=")
        if key.strip().lower() == name:
            return value.strip().strip('"')
    return ""


def conditional(type_: str, query: str) -> str:
    """Return `Type?query` where it is a search that names something. Raises GatewayError."""
    criteria = f"{type_}?{query}"
    parsed = parse_criteria(criteria)
    if not parsed.conditions:
        raise GatewayError("The condition names nothing that is searched for.")
    return criteria


def check_criteria(criteria: Iterable[str], references: Iterable[str]) -> None:
    """Refuse conditions of a transaction that cannot be searched. Raises GatewayError."""
    for one in (*filter(None, criteria), *references):
        type_, _, query = one.partition("?")
        conditional(type_, query)


def _told(status: int, headers: dict[str, str], issues: Sequence[Issue]) -> Response:
    told = outcome.accepted(status, "Stored.", issues)
    told.headers.update(headers)
    return told
