"""One entry of a batch as a request of its own, through the same routes as if it came alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Scope

from gateway.api.media import JSON
from gateway.api.outcome import answer
from gateway.pipeline.documents import load
from gateway.pipeline.rest.asked import Entry

_PREFIX = "/fhir/"
#: Headers of the batch that hold for its entries.
_KEPT = frozenset({b"authorization", b"x-organization", b"x-request-id", b"prefer", b"host"})


@dataclass(frozen=True, slots=True)
class Reply:
    """What an entry was answered."""

    status: int
    headers: Mapping[str, str]
    #: The JSON body; None for none.
    resource: dict[str, Any] | None


async def ask(outer: Request, entry: Entry) -> Reply:
    """Ask for one entry in the name of the caller of the batch."""
    started: list[Message] = []
    body = bytearray()

    async def receive() -> Message:
        return {"type": "http.request", "body": entry.body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            started.append(message)
        else:
            body.extend(message.get("body", b""))

    try:
        await outer.app.router(_scope(outer, entry), receive, send)
    except HTTPException as error:
        # What no route takes.
        response = answer(error.status_code)
        return Reply(error.status_code, {}, load(bytes(response.body)))
    headers = {name.decode(): value.decode("latin-1") for name, value in started[0]["headers"]}
    return Reply(started[0]["status"], headers, load(bytes(body)) if body else None)


def _scope(outer: Request, entry: Entry) -> Scope:
    path, _, query = entry.url.partition("?")
    headers = [(name, value) for name, value in outer.scope["headers"] if name in _KEPT]
    headers += [
        (name.encode(), value.encode("latin-1", "replace")) for name, value in entry.headers
    ]
    headers += [
        (b"accept", JSON.encode()),
        (b"content-type", entry.media.encode()),
        (b"content-length", str(len(entry.body)).encode()),
    ]
    return {
        **outer.scope,
        "method": entry.method,
        "path": _PREFIX + unquote(path),
        "raw_path": (_PREFIX + path).encode(),
        "query_string": query.encode(),
        "headers": headers,
        "path_params": {},
    }
