"""The only way out over HTTP: one small client per registered endpoint.

What httpx leaves open is closed here: a deadline over everything (its own time-outs count per
read), a budget of bytes that also holds for what decompression yields, no proxies from the
environment, no redirects, and no other address than the registered one. RFC 9110.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from gateway.domain.transport import PartnerUnavailable, PartnerUncertain
from gateway.endpoints.networks import networks, resolve, split_address
from gateway.endpoints.tls import client_context
from profiles.issue import NotConformant

#: Bytes of an answer read, and at most held after decompression.
BUDGET = 5_000_000
#: Seconds an unused connection is kept: less than the five after which common servers close.
_KEEP = 4.0
_COMPRESSED = frozenset({"gzip", "x-gzip", "deflate"})
#: httpcore's names of the moments in a connection's life: connected, and encrypted; from the last
#: one on the partner may have read something.
_CONNECTED = "connect_tcp.complete"
_ENCRYPTED = "start_tls.complete"
_FIRST_BYTE = "send_request_headers.started"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; status and headers are certain, the body perhaps not whole."""

    status: int
    #: Names in lower case.
    headers: Mapping[str, str]
    body: bytes = b""
    #: False when the body broke off, exceeded the budget or its time, or cannot be decompressed.
    complete: bool = True


@dataclass(slots=True)
class _Attempt:
    """How far one request came."""

    left: bool = False
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    #: A connection that nobody owns yet: a handshake that is cancelled leaves it open.
    _bare: Any = None

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith(_CONNECTED):
            self._bare = info["return_value"]
        elif event.endswith(_ENCRYPTED):
            self._bare = None
        elif event.endswith(_FIRST_BYTE):
            self.left, self._bare = True, None

    async def end(self) -> None:
        """Close what a handshake has left open."""
        if self._bare is not None:
            await self._bare.aclose()


class HttpClient:
    """Requests to one registered address."""

    def __init__(
        self,
        address: str,
        *,
        tls: Mapping[str, Any] | None = None,
        allowed: tuple[str, ...] = (),
        parallel: int = 4,
        budget: int = BUDGET,
    ) -> None:
        """Prepare; nothing is connected yet.

        `allowed` are networks the address must lie in (empty: see `networks.permitted`).
        Raises NotConformant when the address or the TLS files are unusable.
        """
        parts, self._host, self._port = split_address(address)
        if parts.scheme not in {"http", "https"} or parts.fragment or parts.query:
            raise NotConformant("An HTTP address is http(s)://host/path without query.")
        self._url = httpx.URL(address.rstrip("/"))
        self._authority = parts.netloc
        self._allowed = networks(allowed)
        self._budget = budget
        # Without TLS an empty context: it trusts nobody and costs nothing.
        context = client_context(tls or {}) if parts.scheme == "https" else _nobody()
        # One client per connection: httpx's pool slows down with what is in flight (measured with
        # 16 requests at a time: 350/s in one pool, 700/s so).
        self._clients = [_client(context) for _ in range(parallel)]
        self._free = list(self._clients)
        self._slots = asyncio.Semaphore(parallel)

    async def request(
        self,
        method: str,
        path: str = "",
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        deadline: float = 30.0,
    ) -> Answer:
        """Send a request and read its answer within `deadline` seconds.

        Raises PartnerUnavailable when nothing was sent, PartnerUncertain when something was and no
        status came back.
        """
        attempt = _Attempt()
        try:
            async with asyncio.timeout(deadline), self._connection() as connection:
                request = await self._request(attempt, method, path, body, headers or {})
                return await self._exchange(attempt, connection, request)
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            if attempt.status:
                return Answer(attempt.status, attempt.headers, complete=False)
            late = isinstance(error, TimeoutError)
            if attempt.left:
                text = "did not answer in time" if late else "broke the connection off"
                raise PartnerUncertain(f"The partner {text}.") from error
            text = "could not be reached in time" if late else "cannot be reached"
            raise PartnerUnavailable(f"The partner {text}.") from error
        finally:
            await attempt.end()

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients:
            await client.aclose()

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[httpx.AsyncClient]:
        async with self._slots:
            connection = self._free.pop()
            try:
                yield connection
            finally:
                self._free.append(connection)

    async def _request(
        self, attempt: _Attempt, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> httpx.Request:
        # Connecting to the address that was judged, not to the name, leaves no second look-up.
        address = await resolve(self._host, self._port, allowed=self._allowed)
        return httpx.Request(
            method,
            self._url.copy_with(host=address, path=self._url.path + path),
            content=body,
            headers={**headers, "host": self._authority, "accept-encoding": "identity"},
            extensions={"sni_hostname": self._host, "trace": attempt.trace},
        )

    async def _exchange(
        self, attempt: _Attempt, connection: httpx.AsyncClient, request: httpx.Request
    ) -> Answer:
        response = await connection.send(request, stream=True)
        try:
            attempt.headers = {name.lower(): value for name, value in response.headers.items()}
            attempt.status = response.status_code
            raw, complete = await self._read(response)
        finally:
            await response.aclose()
        encoding = attempt.headers.get("content-encoding", "identity").strip().lower()
        if encoding != "identity":
            raw, complete = self._expand(raw, encoding, complete=complete)
        return Answer(attempt.status, attempt.headers, raw, complete)

    async def _read(self, response: httpx.Response) -> tuple[bytes, bool]:
        parts = bytearray()
        async for part in response.aiter_raw():
            parts += part
            if len(parts) > self._budget:
                return bytes(parts[: self._budget]), False
        return bytes(parts), True

    def _expand(self, raw: bytes, encoding: str, *, complete: bool) -> tuple[bytes, bool]:
        if encoding not in _COMPRESSED:
            return b"", False
        machine = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        try:
            body = machine.decompress(raw, self._budget)
        except zlib.error:
            return b"", False
        return body, complete and machine.eof


def _client(context: ssl.SSLContext) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        verify=context,
        trust_env=False,
        follow_redirects=False,
        timeout=None,  # noqa: S113 - `request` sets a deadline over everything
        limits=httpx.Limits(max_connections=1, keepalive_expiry=_KEEP),
    )


def _nobody() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
