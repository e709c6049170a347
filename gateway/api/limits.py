"""Limits that hold before anything is parsed: time, size, number of requests at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.outcome import answer, unexpected

#: Sent with every answer: nothing is cached, nothing is guessed.
_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)


#: Takes so many bytes of what may be held. Raises HTTPException 503 when there is no room.
Take = Callable[[int], None]


class Held:
    """Bytes of bodies in work at a time; who does not fit is asked to come again."""

    def __init__(self, limit: int) -> None:
        """Allow `limit` bytes; a single larger body is allowed when nothing is held."""
        self._limit = limit
        self._now = 0

    @contextmanager
    def room(self) -> Iterator[Take]:
        """Lend room for one body; it is given back at the end."""
        mine = 0

        def take(size: int) -> None:
            nonlocal mine
            if self._now > mine and self._now + size > self._limit:
                raise HTTPException(503)
            mine += size
            self._now += size

        try:
            yield take
        finally:
            self._now -= mine


def _unbounded(_size: int) -> None:
    """Take from plenty: the limit of a small body is enough."""


async def read_body(request: Request, limit: int, silence: float, take: Take = _unbounded) -> bytes:
    """Read a body of at most `limit` bytes with at most `silence` seconds between its parts.

    Raises HTTPException: 413 too large (from Content-Length before a byte is read), 408 too slow,
    415 for compressed bodies, which could hide any size, and what `take` raises.
    """
    known = _stated(request)
    if known > limit:
        raise HTTPException(413)
    take(known)
    parts: list[bytes] = []
    size = 0
    stream = request.stream()
    while True:
        try:
            part = await asyncio.wait_for(anext(stream, None), silence)
        except TimeoutError:
            raise HTTPException(408) from None
        except ClientDisconnect:
            raise HTTPException(400) from None
        if part is None:
            return b"".join(parts)
        size += len(part)
        if size > limit:
            raise HTTPException(413)
        if not known:
            take(len(part))
        parts.append(part)


def _stated(request: Request) -> int:
    """Return the Content-Length, 0 for none. Raises HTTPException 415 for a compressed body."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415)
    stated = request.headers.get("content-length", "")
    return int(stated) if stated.isdecimal() else 0


class Bounded:
    """Answers 503 above a number of requests at once, 504 for one that takes too long, and 500."""

    def __init__(self, app: ASGIApp, *, seconds: float, at_once: int) -> None:
        """Wrap an application."""
        self.app = app
        self.seconds = seconds
        self.at_once = at_once
        self._now = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request within the limits; health is never turned away."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self._now >= self.at_once and not scope["path"].startswith("/health/"):
            await answer(503)(scope, receive, _with_headers(send))
            return
        self._now += 1
        try:
            await self._serve(scope, receive, _with_headers(send))
        finally:
            self._now -= 1

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            async with asyncio.timeout(self.seconds):
                await self.app(scope, receive, watch)
        except TimeoutError:
            if not started:
                await answer(504)(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - beyond here a traceback would be printed
            # A response that has begun is left incomplete: the connection closes.
            failed = unexpected(error)
            if not started:
                await failed(scope, receive, send)


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *_HEADERS]
        await send(message)

    return sending
